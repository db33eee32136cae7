// GStreamer: the pipeline that one writes first (default), the cheapest that we
// know (tuned), and the cheapest that averages (filtered). All end with a
// letterboxed picture of bytes: what is left of the way to a tensor costs them
// nothing here.
#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <gst/gst.h>

#include "contender.h"

namespace bench {
namespace {

std::string source_caps(const Job &job) {
  const std::string size = ",width=" + std::to_string(job.width) +
                           ",height=" + std::to_string(job.height) +
                           ",framerate=30/1";
  if (job.compressed()) return "image/jpeg" + size;
  // Else it takes BT.709 for granted, at this size.
  return "video/x-raw,format=" +
         std::string(job.format == "NV12" ? "NV12" : "YUY2") +
         ",colorimetry=bt601" + size;
}

std::string pipeline_of(const Job &job) {
  const std::string side = std::to_string(kSide);
  const std::string size =
      "video/x-raw,pixel-aspect-ratio=1/1,width=" + side + ",height=" + side;
  const std::string rgb = size + ",format=RGB";
  const std::string decode = job.compressed() ? "jpegdec ! " : "";
  // The cheapest method takes two pixels of a row for one, whatever the scale;
  // bilinear2 takes as many as there are.
  const std::string method = job.way == "tuned" ? "bilinear" : "bilinear2";
  const std::string steps =
      job.way == "default" ? "videoconvert ! videoscale ! " + rgb
                           : "videoscale n-threads=1 method=" + method + " ! " +
                                 size + " ! videoconvert n-threads=1 ! " + rgb;
  return "appsrc name=in format=time block=true max-buffers=4 caps=" +
         source_caps(job) + " ! " + decode + steps +
         " ! appsink name=out sync=false max-buffers=4";
}

class Pipeline : public Contender {
 public:
  explicit Pipeline(const Job &job) {
    gst_init(nullptr, nullptr);
    GError *error = nullptr;
    pipeline_ = gst_parse_launch(pipeline_of(job).c_str(), &error);
    if (error != nullptr) fail(error->message);
    in_ = GST_APP_SRC(gst_bin_get_by_name(GST_BIN(pipeline_), "in"));
    out_ = GST_APP_SINK(gst_bin_get_by_name(GST_BIN(pipeline_), "out"));
    gst_element_set_state(pipeline_, GST_STATE_PLAYING);
  }
  ~Pipeline() override {
    if (sample_ != nullptr) gst_sample_unref(sample_);
    gst_element_set_state(pipeline_, GST_STATE_NULL);
    gst_object_unref(in_);
    gst_object_unref(out_);
    gst_object_unref(pipeline_);
  }

  // One frame at a time: so much is decoded as is asked for, and no more.
  void run(const Frames &frames, std::size_t first,
           std::size_t count) override {
    for (std::size_t i = first; i < first + count; i++) {
      push(frames[i]);
      if (sample_ != nullptr) gst_sample_unref(sample_);
      sample_ = gst_app_sink_pull_sample(out_);
      if (sample_ == nullptr) fail("gstreamer: no picture came out");
    }
  }

  Bytes output() const override {
    GstMapInfo map;
    gst_buffer_map(gst_sample_get_buffer(sample_), &map, GST_MAP_READ);
    return {map.data, map.size};  // stays mapped: this is asked for once
  }

 private:
  // The frame is not copied, as a driver's buffer would not be.
  void push(const Bytes &frame) {
    GstBuffer *buffer = gst_buffer_new_wrapped_full(
        GST_MEMORY_FLAG_READONLY, const_cast<std::uint8_t *>(frame.data),
        frame.size, 0, frame.size, nullptr, nullptr);
    GST_BUFFER_PTS(buffer) = GstClockTime(pushed_++) * GST_SECOND / 30;
    if (gst_app_src_push_buffer(in_, buffer) != GST_FLOW_OK)
      fail("gstreamer: the pipeline takes no frame");
  }

  GstElement *pipeline_;
  GstAppSrc *in_;
  GstAppSink *out_;
  GstSample *sample_ = nullptr;
  std::uint64_t pushed_ = 0;
};

}  // namespace

std::unique_ptr<Contender> make_contender(const Job &job) {
  if (job.output != "model" && job.output != "bytes") return nullptr;
  return std::make_unique<Pipeline>(job);
}

}  // namespace bench
