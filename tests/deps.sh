#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# deps.sh [PART...]: installs what a part needs
#
#   base      the build, the demo and the tests (default)
#   kernels   check-kernels: virtual machines
#   lint      lint, format-check, shellcheck and the rest of CI
#   fuzz      fuzz: clang's sanitizers and libFuzzer
#   packs     what the tests of packs watch
#
# Nothing of this starts a service: redis-server is a program of redis-tools under another name, and
# the package that would start it at each boot is not needed.
set -eu
[ $# -gt 0 ] || set -- base

# packages PART APT-OR-DNF
packages() {
	case $1-$2 in
	base-apt) echo gcc g++ clang llvm lld mold binutils make pkg-config libbpf-dev bpftool libelf-dev \
		libdw-dev libncurses-dev libseccomp-dev zlib1g-dev libcapstone-dev libjansson-dev uthash-dev libcmocka-dev libhiredis-dev redis-tools procps jq ;;
	kernels-apt) echo qemu-system-x86 busybox-static cpio ;;
	lint-apt) echo git clang-format clang-tidy cppcheck shellcheck cmake ;;
	fuzz-apt) echo libclang-rt-dev ;;
	packs-apt) echo postgresql python3-minimal libpython3-stdlib libc-bin util-linux ;;
	base-dnf) echo gcc gcc-c++ clang llvm lld mold binutils make pkgconf-pkg-config libbpf-devel bpftool \
		elfutils-libelf-devel elfutils-devel ncurses-devel libseccomp-devel zlib-devel capstone-devel glibc-static libstdc++-static jansson-devel uthash-devel \
		libcmocka-devel hiredis-devel redis procps-ng jq ;;
	kernels-dnf) echo qemu-system-x86 busybox cpio ;;
	lint-dnf) echo git clang-tools-extra cppcheck ShellCheck cmake ;;
	fuzz-dnf) echo compiler-rt ;;
	packs-dnf) echo postgresql-server postgresql python3 glibc-common util-linux ;;
	*) echo "deps.sh: what is $1?" >&2; exit 2 ;;
	esac
}

# all_of APT-OR-DNF PART...
all_of() {
	manager=$1
	shift
	for part; do packages "$part" "$manager"; done
}

if command -v apt-get >/dev/null; then
	wanted=$(all_of apt "$@")
	missing=
	for package in $wanted; do
		dpkg -s "$package" 2>/dev/null | grep -q '^Status: install ok installed' ||
			missing="$missing $package"
	done
	[ -n "$missing" ] || exit 0
	[ "$(id -u)" = 0 ] || { echo "make deps: must be root, to install$missing" >&2; exit 1; }
	export DEBIAN_FRONTEND=noninteractive
	case " $* " in
	*" packs "*)
		# Its programs are wanted, and no server that is started at each boot.
		mkdir -p /etc/postgresql-common/createcluster.d
		echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.d/flightrec.conf
		;;
	esac
	apt-get update -q
	# shellcheck disable=SC2086 # several words
	apt-get install -q -y --no-install-recommends $missing
elif command -v dnf >/dev/null; then
	wanted=$(all_of dnf "$@")
	# shellcheck disable=SC2086
	dnf install -y $wanted
else
	echo "make deps: no apt-get and no dnf here: install the packages of tests/deps.sh by hand" >&2
	exit 1
fi
