#!/bin/bash
# Builds Debian's v4l2loopback for one of Debian's kernels: loopback.sh VERSION FILE
set -euo pipefail
version=$1 file=$2
[[ ! -e $file ]] || exit 0
"$(dirname "$0")/../../../.ci/deps" "linux-headers-$version" gcc-12 make
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get -q download -o APT::Sandbox::User=root v4l2loopback-dkms
dpkg-deb -x v4l2loopback-dkms_*.deb .
cd usr/src/v4l2loopback-*
make -s KERNELRELEASE="$version" -C "/lib/modules/$version/build" M="$PWD" modules
mv v4l2loopback.ko "$file"
