#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# fetch.sh [--refresh] [KERNEL...]: gets the images of the kernels in kernels.list
#
# Leaves build/kernels/NAME.image, a symbolic link to images/PACKAGE, which holds vmlinuz. What is
# there already is not asked for again, without --refresh. Nothing is installed on this machine, and
# its own package lists are left alone: apt works in a folder of its own, so that suites this
# machine does not use (unstable's kernel on a stable host) can be read without any risk to it.
#
# Exits 1 where a kernel that is not optional cannot be had; an optional one is said and left out.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# repository SUITE: the address of the archive that SUITE is in, as this machine is set up for
# Debian: whoever runs a mirror or a proxy must not be sent elsewhere, so no address is kept here.
repository()
{
	local main security

	# shellcheck disable=SC2016 # $(...) is apt's notation here
	read -r main security < <(apt-get indextargets 'Created-By: Packages' 'Component: main' \
		--format '$(RELEASE) $(REPO_URI)' 2>/dev/null | awk '
		{ sub(/\/$/, "", $2) }
		$1 ~ /-security$/ && !security { security = $2 }
		$1 !~ /[-\/]/ && $2 ~ /debian$/ && !main { main = $2 }
		END { print main, security }')
	[[ -n ${main:-} ]] || return 1
	case $1 in
	*-security) echo "${security:-$main-security}" ;;
	*) echo "$main" ;;
	esac
}

# apt_setup ARCH SUITES: sets apt, the options for a private apt; reads the lists once a call
declare -A apt_ready=()
apt_setup()
{
	local dir=$out/apt/$1-$2 suite uri

	apt=(-o "Dir::Etc::sourcelist=$dir/sources.list" -o "Dir::Etc::sourceparts=$dir/none"
		-o "Dir::State::Lists=$dir/lists" -o "Dir::Cache=$dir/cache" -o APT::Sandbox::User=
		-o "APT::Architecture=$1" -o "APT::Architectures=$1" -o Acquire::Languages=none
		-o Acquire::Retries=3 -o Acquire::http::Timeout=60 -q)
	[[ -z ${apt_ready[$1-$2]:-} ]] || return 0
	mkdir -p "$dir"/{none,lists/partial,cache/archives/partial}
	for suite in ${2//,/ }; do
		uri=$(repository "$suite") || { say "apt here knows no Debian archive"; return 1; }
		echo "deb [arch=$1 signed-by=$keyring] $uri $suite main"
	done > "$dir/sources.list"
	# Without Error-Mode a list that could not be had is a warning, and an old one is used.
	apt-get "${apt[@]}" -o APT::Update::Error-Mode=any update >"$dir/update.log" 2>&1 || {
		tail -n 5 "$dir/update.log" >&2
		return 1
	}
	apt_ready[$1-$2]=1
}

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
[[ $# -gt 0 ]] || mapfile -t names < <(kernel_names)
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
