#!/bin/sh
# Makes the JPEG files of this folder again: 51x38 pixels, one of each kind that
# a camera or a file may bring. Needs cjpeg (libjpeg-turbo-progs) and awk.
set -eu
cd "$(dirname "$0")"

picture() {
  awk 'BEGIN {
    print "P3 51 38 255"
    for (y = 0; y < 38; y++) for (x = 0; x < 51; x++)
      printf "%d %d %d\n", 127 + 120 * sin(x / 7 + y / 19), x * 5, 255 - y * 6
  }'
}

make_one() {
  name=$1
  shift
  picture | cjpeg -quality 95 "$@" > "$name.jpg"
}

make_one 444 -sample 1x1
make_one 422 -sample 2x1
make_one 420 -sample 2x2
make_one 440 -sample 1x2
make_one 411 -sample 4x1
make_one gray -grayscale
make_one progressive -progressive
make_one restart -sample 2x1 -restart 1
make_one rgb -rgb
make_one arithmetic -arithmetic

# Scans that may be repeated without end: each covers its coefficients fully.
scans=$(mktemp)
trap 'rm -f "$scans"' EXIT
printf '0 1 2: 0-0, 0, 0;\n0: 1-63, 0, 0;\n1: 1-63, 0, 0;\n2: 1-63, 0, 0;\n' > "$scans"
make_one scans -scans "$scans"
