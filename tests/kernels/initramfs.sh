#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# initramfs.sh -o FILE [-a ARCH] [-P PROGRAMS] [PATH...]: an initramfs from what is built and installed here
#
# PATH  a file or folder of the project, relative to its root. Inside the virtual machine the project
#       lies at the very path it has here: run paths, ldd's answers and names that the compiler wrote
#       down all stay right.
# -a    Debian's name of another architecture: programs and libraries are then those that
#       ARCH-deps.sh has unpacked, and what is built there (build/ARCH) stands in for build
# -P    the list of this machine's programs to take along (default: programs.list)
#
# Shared libraries, the loader and the interpreters of scripts follow by themselves. No compression:
# unpacking costs an emulated processor far more than reading does.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

target='' programs=$kernels_dir/programs.list foreign='' base=''
while getopts a:o:P: option; do
	case $option in
	a) foreign=$OPTARG base=$out/$OPTARG-root ;;
	o) target=$OPTARG ;;
	P) programs=$OPTARG ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
[[ -n $target ]] || die 'where to? (-o FILE)'
[[ -z $base || -d $base ]] || die "no ${base#"$root"/}: run tests/kernels/$foreign-deps.sh"
mkdir -p "$(dirname "$target")"
target=$(realpath "$target")

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
# mktemp's 0700 would become the mode of "/", and lock out every test that drops its privileges.
chmod 755 "$stage"

# take FILE: FILE of this machine, or of what is unpacked, at the same place in there; links are
# followed, for the name is what is called
take()
{
	[[ ! -e $stage$1 ]] || return 0
	mkdir -p "$stage${1%/*}"
	cp -L --preserve=mode,timestamps "$base$1" "$stage$1"
}

# program NAME: where it is, or nothing
program()
{
	local dir

	[[ -n $base ]] || { type -P "$1" || true; return; }
	for dir in /usr/bin /usr/sbin; do
		[[ ! -x $base$dir/$1 ]] || { echo "$dir/$1"; break; }
	done
}

# libraries FILE...: what they load, as paths on this machine or under $base; "!NAME": not found
libraries()
{
	local queue=("$@") name path directory
	local -A seen=()

	if [[ -z $base ]]; then
		# In rounds of one ldd for all, as ldd follows what a library needs in its turn.
		ldd "$@" 2>/dev/null | awk '
			$2 == "=>" && $3 == "not" { print "!" $1 }
			$2 == "=>" && $3 ~ /^\// { print $3 }
			$1 ~ /^\// && NF == 2 && $2 ~ /^\(/ { print $1 }'
		return
	fi
	# ldd would have to run them.
	directory=/$(cd "$base" && echo usr/lib/*-linux-gnu)
	while [[ ${#queue[@]} -gt 0 ]]; do
		mapfile -t names < <(readelf -d -l "${queue[@]}" 2>/dev/null |
			sed -n -e 's/.*(NEEDED).*\[\(.*\)\]/\1/p' -e 's/.*program interpreter: \(.*\)\]/\1/p')
		queue=()
		for name in "${names[@]}"; do
			[[ -z ${seen[$name]:-} ]] || continue
			seen[$name]=1
			path=$directory/$name
			[[ $name != /* ]] || path=$name
			if [[ -e $base$path ]]; then
				echo "$path"
				queue+=("$base$path")
			else
				echo "!$name"
			fi
		done
	done
}

# The folders come first, so that /bin/sh and /lib64/ld-linux-x86-64.so.2 are reached by those names.
mkdir -p "$stage"/{dev,proc,sys,tmp,run,etc,root,var/tmp,usr/bin,usr/sbin,usr/lib,usr/lib64} \
	"$stage/usr/libexec/busybox"
ln -s usr/bin usr/sbin usr/lib usr/lib64 "$stage/"
ln -s /run "$stage/var/run"
printf '%s\n' 'root:x:0:0:root:/root:/bin/bash' 'nobody:x:65534:65534:nobody:/:/bin/sh' >"$stage/etc/passwd"
printf '%s\n' 'root:x:0:' 'nogroup:x:65534:' >"$stage/etc/group"
printf '%s\n' '127.0.0.1 localhost' '::1 localhost' >"$stage/etc/hosts"

# Programs of this machine
busybox=$(command -v busybox) || die 'busybox is missing (busybox-static)'
[[ $(ldd "$busybox" 2>&1) == *'not a dynamic executable'* ]] || die 'busybox is not static (busybox-static)'
cp "$base$busybox" "$stage/usr/libexec/busybox/busybox"
for applet in $("$busybox" --list); do
	[[ $applet = busybox ]] || ln -s busybox "$stage/usr/libexec/busybox/$applet"
done

while read -r word; do
	case $word in
	'' | '#'*) continue ;;
	@*)
		mapfile -t found < <(dpkg -L "${word#@}" | grep -E '^(/usr)?/s?bin/.')
		[[ ${#found[@]} -gt 0 ]] || die "no programs in ${word#@}"
		;;
	*)
		found=("$(program "${word#\?}")")
		if [[ -z ${found[0]} ]]; then
			[[ $word = \?* ]] || die "$word is missing"
			continue
		fi
		;;
	esac
	for file in "${found[@]}"; do
		# A host of before the merge of /usr has some in /bin; in there all is one.
		[[ -f $base$file ]] && take "$file"
	done
done <"$programs"
[[ -e $stage/usr/bin/sh ]] || ln -s bash "$stage/usr/bin/sh"

# The project's own. Its earlier initramfs, images and logs stay out, and so do intermediate objects.
cp -p "$kernels_dir/init" "$stage/init"
chmod 755 "$stage/init"
for path; do
	from=$root into=$root
	[[ -z $foreign || $path != build ]] || { from=$root/build/$foreign into=$root/build path=.; }
	[[ -e $from/$path ]] || die "no $path in $from"
	(cd "$from" && find "$path" \( -path build/kernels -o -path build/arm64 -o -name .git \) -prune -o \
		\( -type f -o -type l \) ! -name '*.[oda]' -print0) |
		(cd "$from" && tar -c --null -T -) | { mkdir -p "$stage$into" && tar -x -C "$stage$into"; }
done

# Libraries
mapfile -d '' -t binaries < <(find "$stage" -type f -perm -u+x -size +0 ! -path "$stage/usr/libexec/busybox/*" \
	-print0 | xargs -0 -r grep -lZ -a -m 1 $'^\x7fELF')
mapfile -d '' -t shared < <(find "$stage$root" -type f -name '*.so*' -print0 2>/dev/null)
declare -A seen=()
while read -r library; do
	[[ -n $library && -z ${seen[$library]:-} ]] || continue
	seen[$library]=1
	case $library in
	"!"*)
		# Found through LD_LIBRARY_PATH alone: it must at least be on board.
		[[ -n $(find "$stage$root" -name "${library#!}" -print -quit) ]] ||
			die "a program needs ${library#!}, which is not to be found"
		;;
	# One that lies in the tree came with it, or would have to be named.
	"$stage"* | "$root"/*) ;;
	*) take "$library" ;;
	esac
done < <(libraries "${binaries[@]}" "${shared[@]}")
# What libc opens by itself, when a thread is cancelled or ends by pthread_exit
unwinder=$([[ -n $base ]] || gcc -print-file-name=libgcc_s.so.1 2>/dev/null || true)
for library in "$base$unwinder" "$base"/lib/*-linux-gnu/libgcc_s.so.1 "$base"/usr/lib64/libgcc_s.so.1; do
	[[ ! -f $library || -e $stage/usr/lib/$(basename "$library") ]] || {
		library=$(realpath -s "$library")
		take "${library#"$base"}"
	}
done

# A script whose interpreter was forgotten fails in there as "not found", which leads nowhere.
while IFS= read -r interpreter; do
	[[ $interpreter = /usr/bin/env || -e $stage$interpreter || -L $stage$interpreter ]] ||
		say "note: no $interpreter in there, which scripts of the tree name"
done < <(find "$stage$root" -type f -perm -u+x -exec sed -n '1{/^#!/{s/^#! *//;s/ .*//;p};q}' {} \; 2>/dev/null | sort -u)

(cd "$stage" && find . -print0 | cpio --null --quiet -o -H newc -R 0:0) >"$target.new"
mv "$target.new" "$target"
say "$(du -h "$target" | cut -f 1) in ${target#"$root"/}, ${#binaries[@]} programs"
