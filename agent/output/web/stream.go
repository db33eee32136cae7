package web

import (
	"net/http"
	"strconv"
	"time"

	"github.com/edge-agent/agent/agent/output/stream"
	"github.com/edge-agent/agent/capture"
)

// boundary stands between the pictures of a stream.
const boundary = "edge-agent-frame"

var between = []byte("\r\n--" + boundary + "\r\n")

// piece is how much a client has to take within stallTimeout.
const piece = 32 << 10

// stream sends one picture after the other: always the next one that is made
// once the one before has gone. It ends when none comes, so that nobody takes an
// old picture for a live one.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, t *Tap) {
	rate, err := rateOf(r)
	if err != nil {
		say(w, http.StatusBadRequest, err.Error())
		return
	}
	seat := s.sit(r, t)
	if seat == nil {
		s.busy(w, "too many clients look at images")
		return
	}
	defer s.leave(seat)
	watcher := t.watch(true)
	defer watcher.end()
	p, err := first(w, r, watcher)
	if err != nil {
		unavailable(w, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "multipart/x-mixed-replace; boundary="+boundary)
	h.Set("Connection", "close")
	h.Set("Transfer-Encoding", "identity") // what is endless needs no chunks, which simple clients cannot read
	out := newSender(w, seat)
	if r.Method == http.MethodHead {
		watcher.release(p)
		return
	}
	out.write(between[2:])
	pace := newPace(rate)
	for err == nil {
		out.part(p)
		watcher.release(p)
		if out.err != nil || pace.wait(r.Context().Done()) {
			return
		}
		p, err = watcher.next(r.Context())
	}
}

// A sender writes to a client in pieces. After an error it does nothing.
type sender struct {
	w       http.ResponseWriter
	seat    *seat
	control *http.ResponseController
	head    []byte
	err     error
}

func newSender(w http.ResponseWriter, seat *seat) *sender {
	return &sender{w: w, seat: seat, control: http.NewResponseController(w)}
}

func (s *sender) write(b []byte) {
	for len(b) > 0 && s.err == nil {
		n, now := min(piece, len(b)), time.Now()
		s.seat.since.Store(now.UnixNano())
		if s.err = s.control.SetWriteDeadline(now.Add(stallTimeout)); s.err == nil {
			_, s.err = s.w.Write(b[:n])
		}
		b = b[n:]
	}
	s.seat.since.Store(0)
}

// part sends one picture of a stream, and the boundary after it: a browser shows
// the picture when it sees that.
func (s *sender) part(p *picture) {
	s.head = append(s.head[:0], "Content-Type: image/jpeg\r\nContent-Length: "...)
	s.head = strconv.AppendInt(s.head, int64(len(p.Data)), 10)
	s.head = describe(append(s.head, "\r\n"...), p)
	s.head = append(s.head, "\r\n"...)
	s.write(s.head)
	s.write(p.Data)
	s.write(between)
	if s.err == nil {
		s.err = s.control.Flush()
	}
}

// describe appends what is known of a picture as header lines, in the words of
// agent process.
func describe(b []byte, p *picture) []byte {
	b = strconv.AppendUint(append(b, "X-Frame-Sequence: "...), p.Sequence, 10)
	b = strconv.AppendInt(append(b, "\r\nX-Frame-Timestamp-Ns: "...), int64(p.Timestamp), 10)
	b = append(b, "\r\nX-Frame-Captured: "...)
	b = stream.WallClock(p.Timestamp).UTC().AppendFormat(b, "2006-01-02T15:04:05.000000Z")
	b = strconv.AppendInt(append(b, "\r\nX-Frame-Age-Us: "...), (capture.Monotonic() - p.Timestamp).Microseconds(), 10)
	b = append(append(b, "\r\nX-Frame-Verdict: "...), p.Verdict.String()...)
	b = appendSize(append(b, "\r\nX-Frame-Size: "...), p.Width, p.Height)
	b = appendSize(append(b, "\r\nX-Frame-Camera-Size: "...), p.CameraWidth, p.CameraHeight)
	b = append(b, "\r\nX-Frame-Geometry:"...)
	g := &p.Geometry
	for _, v := range [...]float64{g.XX, g.XY, g.X0, g.YX, g.YY, g.Y0} {
		b = strconv.AppendFloat(append(b, ' '), v, 'g', -1, 64)
	}
	return append(b, "\r\n"...)
}

func appendSize(b []byte, width, height int) []byte {
	return strconv.AppendInt(append(strconv.AppendInt(b, int64(width), 10), 'x'), int64(height), 10)
}

// A pace keeps a stream to a rate.
type pace struct {
	interval time.Duration // 0 for all that come
	due      time.Time
}

func newPace(rate float64) *pace {
	p := &pace{due: time.Now()}
	if rate > 0 {
		p.interval = time.Duration(float64(time.Second) / rate)
	}
	return p
}

// wait returns when the next picture is due, or true when done is closed. After
// a delay the rhythm begins anew.
func (p *pace) wait(done <-chan struct{}) (ended bool) {
	if p.interval == 0 {
		return false
	}
	now := time.Now()
	if p.due = p.due.Add(p.interval); p.due.Before(now) {
		p.due = now
		return false
	}
	timer := time.NewTimer(p.due.Sub(now))
	defer timer.Stop()
	select {
	case <-timer.C:
		return false
	case <-done:
		return true
	}
}
