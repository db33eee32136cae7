package main

// A job is what all contenders do with the same frames.
type job struct {
	name          string
	format        string // YUYV, NV12, MJPG
	width, height int
	output        string // see outputs in ours.go
	set, file     string
}

// Sets of frames: one that work on speed may look at, and one that none has
// seen, for the same jobs.
const (
	seen   = "seen"
	unseen = "unseen"
)

var jobs = append(mainJobs(seen), append(otherJobs(), mainJobs(unseen)...)...)

// mainJobs make the tensor of a detector.
func mainJobs(set string) []job {
	suffix := map[string]string{seen: "", unseen: " unseen"}[set]
	return []job{
		{"MJPEG 4:2:2 1080p" + suffix, "MJPG", 1920, 1080, "model", set, "1080p-422.mjpg"},
		{"MJPEG 4:2:0 1080p" + suffix, "MJPG", 1920, 1080, "model", set, "1080p-420.mjpg"},
		{"MJPEG 4:2:2 720p" + suffix, "MJPG", 1280, 720, "model", set, "720p-422.mjpg"},
		{"YUYV 1080p" + suffix, "YUYV", 1920, 1080, "model", set, "1080p.yuyv"},
		{"NV12 1080p" + suffix, "NV12", 1920, 1080, "model", set, "1080p.nv12"},
	}
}

func otherJobs() []job {
	return []job{
		{"uint8 HWC from MJPEG", "MJPG", 1920, 1080, "bytes", seen, "1080p-422.mjpg"},
		{"uint8 HWC from YUYV", "YUYV", 1920, 1080, "bytes", seen, "1080p.yuyv"},
		{"uint8 HWC from NV12", "NV12", 1920, 1080, "bytes", seen, "1080p.nv12"},
		{"BGR 640x360 from MJPEG", "MJPG", 1920, 1080, "bgr", seen, "1080p-422.mjpg"},
		{"JPEG 640x360 from MJPEG", "MJPG", 1920, 1080, "jpeg", seen, "1080p-422.mjpg"},
		{"undistort from MJPEG", "MJPG", 1920, 1080, "undistorted", seen, "1080p-422.mjpg"},
		{"undistort from YUYV", "YUYV", 1920, 1080, "undistorted", seen, "1080p.yuyv"},
		{"three outputs from MJPEG", "MJPG", 1920, 1080, "three", seen, "1080p-422.mjpg"},
	}
}

// A way is one way to do jobs: a program, and what it is told.
type way struct {
	name    string // of the column
	program string
	way     string
	jobs    func(job) bool // those it can do
}

func model(j job) bool  { return j.output == "model" }
func tensor(j job) bool { return j.output == "model" || j.output == "bytes" }
func all(job) bool      { return true }
func raw(j job) bool    { return j.format != "MJPG" }
func mainSet(j job) bool {
	return model(j) && j.set == seen
}

// ways are the contenders besides ours, in the order of the table.
var ways = []way{
	{"OpenCV", "opencv", "plain", all},
	{"gocv", "gocv", "plain", func(j job) bool { return model(j) }},
	{"OpenCV tuned", "opencv", "tuned", all},
	{"OpenCV by planes", "opencv", "planes", func(j job) bool { return tensor(j) && raw(j) }},
	{"ffmpeg", "ffmpeg", "default", mainSet},
	{"ffmpeg tuned", "ffmpeg", "tuned", model},
	{"ffmpeg tuned, area", "ffmpeg", "area", model},
	{"GStreamer", "gstreamer", "default", mainSet},
	{"GStreamer tuned", "gstreamer", "tuned", model},
	{"GStreamer tuned, filtered", "gstreamer", "filtered", model},
	{"libjpeg-turbo + libyuv", "libyuv", "libyuv", tensor},
	{"the limit", "libyuv", "limit", model},
}
