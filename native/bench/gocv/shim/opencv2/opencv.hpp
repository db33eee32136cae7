// gocv includes <opencv2/opencv.hpp>, and Debian's names every module that
// OpenCV has. This one names those that the benchmark links.
#pragma once
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
