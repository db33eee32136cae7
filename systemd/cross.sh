#!/bin/bash
# Builds the package for another architecture, as deb.sh does, in a Debian of its
# own under .cache/cross, which is made once: 1.1 GB, with cross compilers and the
# libraries of both architectures. Needs root, and nothing of the host but Go.
# usage: cross.sh ARCH VERSION COMMIT
set -euo pipefail
cd "$(dirname "$0")/.."
arch=$1 version=$2 commit=$3
root=$PWD/.cache/cross/$arch
packages=(build-essential ca-certificates "crossbuild-essential-$arch" debhelper git libhwy-dev make
	"libjpeg62-turbo-dev:$arch" "libopencv-core-dev:$arch" "libopencv-imgproc-dev:$arch")

if [[ ! -e $root ]]; then
	mkdir -p "${root%/*}"
	rm -rf "$root.new"
	list=$(IFS=, && echo "${packages[*]}")
	mmdebstrap --quiet --variant=apt --architectures="$(dpkg --print-architecture),$arch" \
		--aptopt='APT::Install-Recommends "false"' --include="$list" bookworm "$root.new"
	mv "$root.new" "$root"
fi

go=${GO:-go}
export GOROOT GOCACHE GOMODCACHE GOTOOLCHAIN=local
GOROOT=$("$go" env GOROOT) GOCACHE=$("$go" env GOCACHE) GOMODCACHE=$("$go" env GOMODCACHE)
export PATH=$GOROOT/bin:/usr/sbin:/usr/bin:/sbin:/bin GO=$GOROOT/bin/go
export DEB_ARCH=$arch DEB_BUILD=${DEB_BUILD:-.cache/deb-$arch} HOME=/root GIT_CONFIG_COUNT=1 \
	GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*'

# The mounts are gone with the process that has them.
# shellcheck disable=SC2016 # the inner shell expands
unshare --mount --fork bash -c '
	set -e
	root=$1 commit=$3
	common=$(git rev-parse --path-format=absolute --git-common-dir 2>/dev/null || echo "$PWD")
	for dir in "$PWD" "$common" "$GOROOT" "$GOCACHE" "$GOMODCACHE"; do
		mkdir -p "$dir" "$root$dir"
		mount --bind "$dir" "$root$dir"
	done
	mount -t proc proc "$root/proc"
	mount --rbind /dev "$root/dev"
	exec chroot "$root" env --chdir="$PWD" systemd/deb.sh "$2" "$commit"
' bash "$root" "$version" "$commit"
