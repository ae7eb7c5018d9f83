#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# fetch.sh [--refresh] [KERNEL...]: gets the images of the kernels in kernels.list
#
# Leaves build/kernels/NAME.image, a symbolic link to images/PACKAGE, which holds vmlinuz. What is
# there already is not asked for again, without --refresh. Nothing is installed on this machine.
#
# Exits 1 where a kernel that is not optional cannot be had; an optional one is said and left out.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
. "$kernels_dir/apt.sh"

# newest PATTERN: the newest package of that name, as its version numbers sort
newest()
{
	local package packages

	mapfile -t packages < <(apt-cache "${apt[@]}" pkgnames linux-image- | sort -rV)
	for package in "${packages[@]}"; do
		# shellcheck disable=SC2254 # $1 is a pattern
		case $package in
		*-unsigned | *-dbg) ;;
		$1) echo "$package"; return ;;
		esac
	done
}

# extract PACKAGE DIR: the kernel of PACKAGE, or 1 where the package has none
extract()
{
	local deb

	rm -f "$2"/*.deb
	(cd "$2" && apt-get "${apt[@]}" download "$1" >download.log 2>&1) || {
		tail -n 5 "$2/download.log" >&2
		return 2
	}
	deb=$(echo "$2"/*.deb)
	dpkg-deb --fsys-tarfile "$deb" | tar -x -O --wildcards \
		'./boot/vmlinu[xz]-*' './usr/lib/modules/*/vmlinuz' >"$2/vmlinuz" 2>/dev/null || true
	rm -f "$deb"
	[[ -s $2/vmlinuz ]]
}

fetch()
{
	local package dir rc=0

	kernel_line "$1"
	[[ -n $refresh || ! -s $out/$name.image/vmlinuz ]] || return 0
	apt_setup "$arch" "$suites" || return 1
	package=$(newest "$pattern")
	[[ -n $package ]] || { say "$name: no package $pattern in $suites"; return 1; }
	dir=$out/images/$package
	if [[ ! -s $dir/vmlinuz ]]; then
		rm -rf "$dir.new"
		mkdir -p "$dir.new"
		extract "$package" "$dir.new" || rc=$?
		# Debian 14 keeps the kernel itself in a package beside the one to install.
		[[ $rc != 1 ]] || { rc=0; extract "linux-binary-${package#linux-image-}" "$dir.new" || rc=$?; }
		[[ $rc = 0 ]] || { say "$name: no kernel out of $package"; return 1; }
		# Whole or not at all: a run that is broken off must not leave half a kernel.
		rm -rf "$dir"
		mv "$dir.new" "$dir"
	fi
	ln -sfn "images/$package" "$out/$name.image"
	say "$name: $package"
}

refresh=
[[ ${1:-} != --refresh ]] || { refresh=1; shift; }
[[ $# -gt 0 ]] || mapfile -t names < <(usual_names)
[[ $# -eq 0 ]] || names=("$@")
mkdir -p "$out/images"

status=0
for name in "${names[@]}"; do
	if ! fetch "$name"; then
		# An image of an earlier day serves as well when the archive cannot be reached now.
		if [[ -s $out/$name.image/vmlinuz ]]; then
			say "$name: going on with $(readlink "$out/$name.image")"
		elif [[ -z $optional ]]; then
			status=1
		fi
	fi
done
exit $status
