# How C++ is compiled and linked: included by the Makefile, and the only place
# that names OpenCV's libraries.

# What the build needs from Debian, by apt. Not libopencv-dev: it pulls in every
# module and cannot be installed for two architectures at once.
NATIVE_PACKAGES := g++ libopencv-core-dev libopencv-imgproc-dev libhwy-dev libjpeg62-turbo-dev

CXX       ?= g++
# Before `make deps` there may be no compiler to ask.
MULTIARCH := $(or $(shell $(CXX) -print-multiarch 2>/dev/null),$(shell uname -m)-linux-gnu)

# customenv: gocv takes its flags from here; gocv_specific_modules: of OpenCV
# only core and imgproc.
GOTAGS := customenv,gocv_specific_modules

# The shim comes first: it hides opencv2/opencv.hpp, which names all modules.
CGO_CPPFLAGS := -I$(CURDIR)/native/shim -I/usr/include/$(MULTIARCH)/opencv4 -I/usr/include/opencv4
# fp-contract: to fuse a product and a sum would give other bits where the
# processor can do that; the tests of the kernels see it. cgo does not allow it in
# its own directives.
STRICT       := -ffp-contract=off
CGO_CFLAGS   := -O2 -g -ffunction-sections -fdata-sections
CGO_CXXFLAGS := -O2 -g -std=c++17 $(STRICT) -ffunction-sections -fdata-sections

# OpenCV is linked from Debian's static archives, less what is not used: some
# 3 MB, where libopencv-core406 would install Mesa and LLVM (225 MB) with it.
# LAPACK, OpenGL and zlib stay out, see absent.c, and oneTBB, see parallel.cc. Go
# exports every symbol unless told not to, and what is exported cannot be left out.
# libjpeg-turbo stays dynamic: it parses hostile bytes and gets the
# distribution's security updates. Go's tables are full of addresses, which a
# program that may lie anywhere has to relocate: 1.6 MB of the file, unless packed.
CGO_LDFLAGS := -L/usr/lib/$(MULTIARCH) -Wl,--gc-sections -Wl,--no-export-dynamic -Wl,--as-needed \
  -Wl,-z,pack-relative-relocs \
  -Wl,-Bstatic -lopencv_imgproc -lopencv_core -Wl,-Bdynamic \
  -ljpeg -ldl -lpthread
