#!/bin/bash
# Copies the license of everything that is linked into bin/agent to DIR, one
# file a Go module, as their authors ask of binaries.
# usage: licenses.sh DIR
set -euo pipefail
dir=$1
mkdir -p "$dir"

# go version -m lists the modules that the linker really took.
"${GO:-go}" version -m bin/agent | awk '$1 == "dep" {print $2 "@" $3}' | while read -r module; do
	source=$("${GO:-go}" list -m -f '{{.Dir}}' "$module")
	license=$(find "$source" -maxdepth 1 -iname 'licen[sc]e*' -o -maxdepth 1 -iname 'copying*' | sort | head -n 1)
	[[ -n $license ]] || {
		echo "licenses: $module has none" >&2
		exit 1
	}
	install -m 644 "$license" "$dir/${module//\//_}"
done
install -m 644 "$("${GO:-go}" env GOROOT)/LICENSE" "$dir/go"
install -m 644 /usr/share/doc/libopencv-core-dev/copyright "$dir/opencv"

# Of those that are the same to the byte, one is a file and the others name it: the
# first one in an order that is no language's, for the package to be the same.
LC_ALL=C
declare -A first
for file in "$dir"/*; do
	sum=$(sha256sum <"$file")
	if [[ -n ${first[$sum]:-} ]]; then
		ln -sf "${first[$sum]}" "$file"
	else
		first[$sum]=${file##*/}
	fi
done
