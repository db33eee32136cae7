# How C++ is compiled and linked: included by the Makefile, and the only place
# that names OpenCV's libraries.
GOTAGS := customenv,gocv_specific_modules
