# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154 # $out is of common.sh
# A private apt; sourced after common.sh. Nothing is installed on this machine by it, and the
# machine's own package lists are left alone: suites it does not use (unstable's kernel on a stable
# host) and other architectures can be read without any risk to it.

keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# shellcheck disable=SC2016 # $(...) is apt's notation here
index_targets()
{
	apt-get "$@" indextargets 'Created-By: Packages' 'Component: main' --format '$(RELEASE) $(REPO_URI)' 2>/dev/null || true
}

# repository SUITE: the address of the archive that SUITE is in, as this machine is set up for
# Debian: whoever runs a mirror or a proxy must not be sent elsewhere, so no address is kept here.
repository()
{
	local main security targets lists=$out/apt/lists

	targets=$(index_targets)
	[[ -n $targets ]] || targets=$(index_targets -o "Dir::State::Lists=$lists")
	# A machine whose own lists were never read, or thrown away as in an image of a container, knows
	# of none.
	if [[ -z $targets ]]; then
		mkdir -p "$lists/partial"
		apt-get -q -o "Dir::State::Lists=$lists" update >"$out/apt/update.log" 2>&1 || true
		targets=$(index_targets -o "Dir::State::Lists=$lists")
	fi
	read -r main security < <(awk '
		{ sub(/\/$/, "", $2) }
		$1 ~ /-security$/ && !security { security = $2 }
		$1 !~ /[-\/]/ && $2 ~ /debian$/ && !main { main = $2 }
		END { print main, security }' <<<"$targets")
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

	# With a status of its own, what is installed here counts for nothing.
	apt=(-o "Dir::Etc::sourcelist=$dir/sources.list" -o "Dir::Etc::sourceparts=$dir/none"
		-o "Dir::State::Lists=$dir/lists" -o "Dir::Cache=$dir/cache" -o "Dir::State::status=$dir/status"
		-o APT::Sandbox::User= -o "APT::Architecture=$1" -o "APT::Architectures=$1"
		-o Acquire::Languages=none -o Acquire::Retries=3 -o Acquire::http::Timeout=60 -q)
	[[ -z ${apt_ready[$1-$2]:-} ]] || return 0
	mkdir -p "$dir"/{none,lists/partial,cache/archives/partial}
	: >"$dir/status"
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
