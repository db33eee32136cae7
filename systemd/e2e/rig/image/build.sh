#!/bin/bash
# Builds the guest: a Debian 12 root file system, Debian's stock kernel, an
# initrd of a few drivers, an ext4 disk. No loop devices and no mounts of its
# own, so nothing is left behind when it is killed.
#
#   build.sh OUT GUEST_BINARY PACKAGE...
#
# OUT gets root/ (for the systemd lab), vmlinuz, initrd.cpio and disk.raw.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=$1 guest=$2
shift 2
root=$out/root

# What the rig itself needs in the guest, and what people want when they look around.
packages=systemd-sysv,dbus,udev,kmod,v4l-utils,procps,iproute2,adduser,libcap2-bin,curl,jq
for p in "$@"; do packages+=,$p; done

# The host's own Debian mirrors when it is a Debian 12, else the public one.
# shellcheck disable=SC2016 # the fields are for apt-get to fill in
sources() {
  apt-get indextargets --format '$(ORIGIN) $(CODENAME) deb $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 2>/dev/null |
    awk '$1 == "Debian" && $2 ~ /^bookworm/ && !seen[$0]++ { $1 = $2 = ""; sub(/^ +/, ""); print }'
}

make_root() {
  local list
  list=$(sources)
  [ -n "$list" ] || list="deb http://deb.debian.org/debian bookworm main"
  # The kernel is fetched with the guest's own apt but only unpacked: its
  # postinst would make an initrd that nobody boots.
  # shellcheck disable=SC2016
  printf '%s\n' "$list" | mmdebstrap --mode=root --variant=minbase --include="$packages" \
    --keyring=/usr/share/keyrings/debian-archive-keyring.gpg \
    --aptopt='APT::Install-Recommends "false"' --aptopt='Acquire::Languages "none"' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/doc/*' \
    --customize-hook='chroot "$1" sh -c "cd /tmp && apt-get -q download -o APT::Sandbox::User=root \$(apt-cache depends linux-image-amd64 | sed -n \"s/.*Depends: //p\")"' \
    --customize-hook='mv "$1"/tmp/linux-image-*.deb '"$out/linux.deb" \
    bookworm "$root" -
  # The excludes were for the image: a package under test unpacks whole.
  rm -f "$root"/etc/dpkg/dpkg.cfg.d/99mmdebstrap "$root"/etc/apt/apt.conf.d/99mmdebstrap
}

# modules NAME... prints the files of these modules and of what they depend on, in loading order.
modules() {
  local m
  for m in "$@"; do modprobe -d "$out/kernel" -S "$version" --show-depends "$m"; done |
    sed -n 's/^insmod \(\S*\).*/\1/p' | awk '!seen[$0]++'
}

install_kernel() {
  local f
  dpkg-deb -x "$out/linux.deb" "$out/kernel"
  version=$(basename "$out"/kernel/lib/modules/*)
  depmod -b "$out/kernel" "$version"
  mv "$out/kernel/boot/vmlinuz-$version" "$out/vmlinuz"
  while read -r f; do
    install -D -m644 "$f" "$root/usr/lib/modules/${f##*/lib/modules/}"
  done < <(modules virtio_pci virtio_blk virtio_console virtio_rng ext4 crc32c_generic 9p 9pnet_virtio \
    overlay autofs4 af_packet fuse loop vivid uvcvideo vhci_hcd)
  cp "$out/kernel/lib/modules/$version"/modules.{builtin,builtin.modinfo,order} "$root/usr/lib/modules/$version/"
  depmod -b "$root" "$version"
}

configure() {
  local unit
  echo e2e >"$root/etc/hostname"
  echo '127.0.0.1 localhost e2e' >"$root/etc/hosts"
  : >"$root/etc/fstab"
  rm -f "$root/etc/resolv.conf" "$root"/etc/apt/sources.list.d/*
  : >"$root/etc/apt/sources.list" # no network in the guest: apt must not try
  echo 'APT::Sandbox::User "root"; APT::Install-Recommends "false"; Dpkg::Use-Pty "0";' >"$root/etc/apt/apt.conf.d/90e2e"
  echo 5157a1e05157a1e05157a1e05157a1e0 >"$root/etc/machine-id"
  rm -rf "$root/var/log/journal" # the journal is in /run and ends with the VM
  while read -r unit; do
    ln -sf /dev/null "$root/etc/systemd/system/$unit"
  done < <(grep -v '^#' "$here/masked")
  install -D -m644 "$here/coldplug.conf" "$root/etc/systemd/system/systemd-udev-trigger.service.d/e2e.conf"
  install -D -m644 "$here/vivid.conf" "$root/etc/modprobe.d/vivid.conf"
  install -D -m644 "$here/e2e-guest.service" "$root/etc/systemd/system/e2e-guest.service"
  install -D -m755 "$guest" "$root/usr/local/sbin/e2e-guest"
  mkdir -p "$root/etc/systemd/system/multi-user.target.wants" "$root/share"
  ln -sf ../e2e-guest.service "$root/etc/systemd/system/multi-user.target.wants/"
  ln -sf /lib/systemd/system/multi-user.target "$root/etc/systemd/system/default.target"
  rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/usr/share/doc/*/changelog*
}

make_initrd() {
  local f i=$out/initrd
  mkdir -p "$i"/{bin,dev,proc,sys,root,modules}
  cp "$(command -v busybox)" "$i/bin/busybox"
  install -m755 "$here/init" "$i/init"
  while read -r f; do
    cp "$f" "$i/modules/"
    basename "$f" >>"$i/modules/order"
  done < <(modules virtio_pci virtio_blk virtio_console ext4 crc32c_generic)
  (cd "$i" && find . | cpio -o -H newc --quiet -R 0:0) >"$out/initrd.cpio"
}

make_disk() {
  truncate -s 2G "$out/disk.raw"
  mke2fs -q -F -t ext4 -O ^metadata_csum,^64bit -E lazy_itable_init=1,root_owner=0:0 -m 0 -d "$root" "$out/disk.raw"
}

for step in make_root install_kernel configure make_initrd make_disk; do
  $step
  echo "image: $step done after ${SECONDS}s"
done
rm -rf "$out/kernel" "$out/linux.deb" "$out/initrd"
