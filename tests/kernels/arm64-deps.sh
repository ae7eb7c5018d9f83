#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# arm64-deps.sh: what `make check-kernels KERNEL=arm64` needs: Debian's cross compilers and QEMU,
# installed here (as root), and Debian's arm64 packages, unpacked into build/kernels/arm64-root
#
# The packages are both what is compiled and linked against and what runs in the virtual machine. A
# folder of their own spares this machine a foreign architecture, which ties every upgrade of a
# library to the other architecture's package of the same version.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
. "$kernels_dir/apt.sh"

# The second line: where programs.list and the suites' tools are from.
packages=(libc6-dev libstdc++-12-dev libbpf-dev libelf-dev libdw-dev libseccomp-dev zlib1g-dev libjansson-dev uthash-dev libcmocka-dev
	busybox-static bash coreutils grep sed mawk findutils diffutils procps util-linux bsdutils mount binutils jq)
suites=bookworm,bookworm-security

missing=()
for package in gcc-aarch64-linux-gnu g++-aarch64-linux-gnu qemu-system-arm; do
	dpkg -s "$package" 2>/dev/null | grep -q '^Status: install ok installed' || missing+=("$package")
done
if [[ ${#missing[@]} -gt 0 ]]; then
	apt-get update -q
	DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
fi

target=$out/arm64-root
[[ ! -e $target ]] || { say "${target#"$root"/} is there already"; exit; }
mkdir -p "$out"
apt_setup arm64 "$suites"
archives=$out/apt/arm64-$suites/cache/archives
apt-get "${apt[@]}" -y --no-install-recommends --download-only install "${packages[@]}" >"$out/arm64-deps.log" 2>&1 || {
	tail -n 5 "$out/arm64-deps.log" >&2
	die "the arm64 packages cannot be had"
}
# Bookworm's packages still have files in /lib and /bin: all is one, as on an installed system.
rm -rf "$target.new"
mkdir -p "$target.new"/usr/{bin,sbin,lib}
ln -s usr/bin usr/sbin usr/lib "$target.new/"
for deb in "$archives"/*.deb; do
	# tar follows the links above only when it is told to; without this it replaces them by folders.
	dpkg-deb --fsys-tarfile "$deb" | tar -x --keep-directory-symlink --no-same-owner -C "$target.new" \
		--exclude './usr/share/doc' --exclude './usr/share/man' --exclude './usr/share/locale'
done
# What the package's installation script does with update-alternatives.
ln -sf mawk "$target.new/usr/bin/awk"
apt-get "${apt[@]}" clean
mv "$target.new" "$target"
say "$(du -sh "$target" | cut -f 1) in ${target#"$root"/}"
