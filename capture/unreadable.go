package capture

import "strings"

// unreadable are formats of V4L2 that are no pictures, or pictures in a form
// that is not read here, each with what it is.
var unreadable = []struct{ what, codes string }{
	{"a video stream, not pictures", "H264 AVC1 M264 S264 H263 HEVC S265 MPEG MPG1 MPG2 MG2S MPG4 XVID VC1G VC1L VP80 VP8F VP90 VP9F AV1F FWHT SFWH dvsd"},
	{"depths, not a picture", "Z16 INZI"},
	{"how sure depths are, not a picture", "CNF4"},
	{"two pictures in one", "Y8I Y12I"},
	{"chroma without luma", "UV8"},
	{"indices into a palette that V4L2 does not tell", "PAL8 HI24"},
	{"raw samples that the sensor compressed", "aBA8 aGA8 agA8 aRA8 bBA8 bGA8 BD10 bRA8 PC1B PC1G PC1g PC1R PC1M PC2B PC2G PC2g PC2R PC2M"},
	{"raw samples in an order of the maker's own", "ip3b ip3g ip3G ip3r ip3y Y10B"},
	{"YUV in tiles or lines of the maker's own", "VT12 HM12 ST12 T010 TM12 VM12 NA12 NT12-BE MT21 MM21 Q08C Q10C Y41P M420 YYUV S920 S501 S505 S508 CITV KONI"},
	{"compressed in a way of the maker's own", "CPIA WNVA S910 PWC1 PWC2 E625 S561 P207 M310 JL20 SONX 905C PJPG O511 O518 S680 TM60 JPGL S401 S5CI"},
	{"metadata, not a picture", "UVCH UVCM D4XX VIVD VSPH VSPT RK1P RK1S ip3s ip3p BSTA RPBP PFS PFP"},
	{"what a touch screen feels, not a picture", "TD16 TD08 TU16 TU08"},
	{"radio, not a picture", "CU08 CU16 CS08 CS14 RU12 PC16 PC18 PC20"},
}

// Unreadable says what a format without a [Layout] is, as the end of a
// sentence: "H264 is a video stream, not pictures".
func (p PixelFormat) Unreadable() string {
	for _, group := range unreadable {
		for code := range strings.FieldsSeq(group.codes) {
			if code == p.String() {
				return group.what
			}
		}
	}
	return "not a format that is known here"
}
