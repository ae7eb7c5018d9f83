# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2034 # what is set here is used by whoever sources it
# What the scripts of this folder share; sourced, never run.

kernels_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
root=$(cd "$kernels_dir/../.." && pwd -P)
list=${FLIGHTREC_KERNELS_LIST:-$kernels_dir/kernels.list}
# One folder for all that is downloaded and written; `make clean` may remove it.
out=${FLIGHTREC_KERNELS_OUT:-$root/build/kernels}

say() { echo "${0##*/}: $*" >&2; }
die() { say "$@"; exit 1; }

kernel_names() { awk '!/^[[:space:]]*(#|$)/ { print $1 }' "$list"; }
# Those that are meant where none is named
usual_names() { awk '!/^[[:space:]]*(#|$)/ && !/[[:space:]]named([[:space:]]|$)/ { print $1 }' "$list"; }

# kernel_line NAME: sets name, pattern, arch, suites, boot_args, run, optional
kernel_line()
{
	local word fields

	read -r -a fields < <(awk -v name="$1" '$1 == name { print; exit }' "$list") || true
	[[ ${#fields[@]} -ge 4 ]] || die "no kernel '$1' in ${list##*/}: $(kernel_names | xargs)"
	name=${fields[0]} pattern=${fields[1]} arch=${fields[2]} suites=${fields[3]}
	boot_args=() run='' optional=''
	for word in "${fields[@]:4}"; do
		case $word in
		append=*) boot_args+=("${word#append=}") ;;
		run=*) run=${word#run=} ;;
		optional) optional=1 ;;
		named) ;;
		*) die "${list##*/}: $1: '$word' means nothing" ;;
		esac
	done
}
