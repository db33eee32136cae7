#!/bin/bash
# Builds dist/edge-agent_VERSION_ARCH.deb, and the one with its debug symbols, from
# the files of this tree, in a copy under .cache/deb, so that nothing that lies
# around gets in. Bit for bit the same for one commit, compiler and set of
# libraries, wherever it is built: DEB_BUILD and DEB_OUT name other directories,
# DEB_ARCH another architecture, see cross.sh.
# usage: deb.sh VERSION COMMIT
set -euo pipefail
cd "$(dirname "$0")/.."
version=$1 commit=$2
build=${DEB_BUILD:-.cache/deb} out=${DEB_OUT:-dist}
tree=$build/edge-agent

# Outside of git, in an unpacked release, every file belongs to it.
listed() {
	if git rev-parse --git-dir >/dev/null 2>&1; then
		git ls-files -coz --exclude-standard --deduplicate
	else
		find . \( -path ./.cache -o -path ./bin -o -path ./dist -o -path ./var \) -prune -o \( -type f -o -type l \) -print0
	fi
}

# Without those that git lists and someone deleted.
present() {
	local file
	while IFS= read -r -d '' file; do
		if [[ -e $file || -L $file ]]; then printf '%s\0' "$file"; fi
	done
}

SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null || dpkg-parsechangelog -l systemd/debian/changelog -S Timestamp)
rm -rf "$build"
mkdir -p "$tree" "$out"
# One time for all files, as that of a clone is its own.
listed | present | tar --create --null --files-from=- --mtime="@$SOURCE_DATE_EPOCH" | tar --extract --directory "$tree"
cp --recursive --dereference systemd/debian "$tree/debian"

if [[ $(dpkg-parsechangelog -l systemd/debian/changelog -S Version) != "$version" ]]; then
	{
		printf 'edge-agent (%s) bookworm; urgency=medium\n\n  * Built from commit %s.\n\n' "$version" "$commit"
		printf ' -- Edge agent maintainers <maintainers@edge-agent.invalid>  %s\n\n' \
			"$(date -u -R -d "@$SOURCE_DATE_EPOCH")"
		cat systemd/debian/changelog
	} >"$tree/debian/changelog"
fi

# debhelper points HOME elsewhere: the caches of the one who builds are named.
GOCACHE=$("${GO:-go}" env GOCACHE) GOMODCACHE=$("${GO:-go}" env GOMODCACHE)
export SOURCE_DATE_EPOCH GOCACHE GOMODCACHE PACKAGE_VERSION=$version PACKAGE_COMMIT=$commit
# For another architecture, build dependencies cannot be checked: g++ is native.
cross=()
[[ -z ${DEB_ARCH:-} ]] || cross=(--host-arch="$DEB_ARCH" --no-check-builddeps)
(cd "$tree" && dpkg-buildpackage --build=binary --no-sign "${cross[@]}")
mv "$build"/edge-agent{,-dbgsym}_"$version"_*.deb "$out"
ls -l "$out"/edge-agent{,-dbgsym}_"$version"_*.deb
