#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# run.sh [OPTION...] [KERNEL...]: the tests in virtual machines, one for each kernel in kernels.list
#
#   -c COMMAND   run COMMAND inside, in place of what kernels.list says (default: suite.sh)
#   -d PATH      a file or folder of the project to take along, relative to its root; may be given
#                several times (default: build, tests)
#   -j N         so many virtual machines at once (default: one for each processor)
#   -t SECONDS   the limit for one virtual machine (default 1500)
#   --update     keep the verifier's counts in verifier.counts, instead of comparing
#   --refresh    look for newer kernel packages
#
# KERNEL, the variable, names kernels as the arguments do; default: all of them but "named" ones.
# FLIGHTREC_VM_ACCEL=kvm|tcg spares the test of which one works.
#
# Inside, FLIGHTREC_TEST_SLOW is the factor by which tests widen their limits of time.
# build/kernels/NAME.log keeps a kernel's console with the command's output. Exits 1 if any failed.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# Ends the whole before CI or a person would: later machines get what the earlier ones left of it.
budget=1080
limit=1500
# From power-on to init's first word: 2 s on an idle host, on a busy one far more.
boot_limit=120
smp=2
memory=1G

command='' update='' refresh=() jobs=$(nproc) tree=() names=()
while [[ $# -gt 0 ]]; do
	case $1 in
	-c) command=$2; shift ;;
	-d) tree+=("$2"); shift ;;
	-j) jobs=$2; shift ;;
	-t) limit=$2; [[ $budget -ge $limit ]] || budget=$limit; shift ;;
	--update) update=1 ;;
	--refresh) refresh=(--refresh) ;;
	-*) die "what is $1?" ;;
	*) names+=("$1") ;;
	esac
	shift
done
[[ ${#tree[@]} -gt 0 ]] || tree=(build tests)
[[ ${#names[@]} -gt 0 ]] || read -r -a names <<<"${KERNEL:-}"
[[ ${#names[@]} -gt 0 ]] || mapfile -t names < <(usual_names)
# Names are checked before anything takes time.
declare -A archs=()
for name in "${names[@]}"; do
	kernel_line "$name"
	archs[$arch]=1
	case $arch in
	amd64) [[ $(uname -m) = x86_64 ]] || die "$name: $arch: programs built here do not run there" ;;
	arm64)
		if [[ ! -d $out/arm64-root ]] || ! command -v qemu-system-aarch64 >/dev/null; then
			die "$name: run tests/kernels/arm64-deps.sh first"
		fi
		;;
	*) die "$name: $arch is not known here" ;;
	esac
done
[[ -z ${archs[amd64]:-} ]] || command -v qemu-system-x86_64 >/dev/null ||
	die 'qemu-system-x86_64 is missing (qemu-system-x86)'

# qemu ACCEL IMAGE LOG STATUS ARG...: LOG gets the console, STATUS the second serial line.
# Every device that is not asked for costs boot time.
qemu()
{
	local accel=$1 image=$2 log=$3 status=$4 emulator cpu=max

	shift 4
	# With a thread for each processor (up to QEMU 7.2, at least) one may go on with an
	# instruction that another has just patched. Linux patches itself whenever a tracepoint is
	# attached to, and then oopses ("int3"). Taking turns costs nothing where other virtual machines
	# keep this machine's other processors busy.
	[[ $accel != tcg ]] || accel=tcg,thread=single
	case $arch in
	amd64)
		# Where "rep stosb" is said to be fast, Linux clears and copies with it; emulated, it goes
		# byte by byte, and took a quarter of the time. A fifth level of page tables is one more to walk.
		[[ $accel = kvm ]] || cpu=max,erms=off,fsrm=off,la57=off
		emulator=(qemu-system-x86_64 -cpu "$cpu" -serial "file:$log" -serial "file:$status")
		;;
	arm64)
		# Its one serial line of its own is the console.
		emulator=(qemu-system-aarch64 -M virt -cpu neoverse-n1 -serial "file:$log"
			-chardev "file,id=status,path=$status" -device "pci-serial,chardev=status")
		;;
	esac
	exec "${emulator[@]}" -accel "$accel" -m $memory -smp $smp -nodefaults -no-user-config \
		-display none -monitor none -no-reboot -kernel "$image/vmlinuz" "$@" </dev/null
}

# /dev/kvm may be there, open, and even run a boot sector, and yet hang with a real kernel (seen where
# a hypervisor nests it badly). So the proof is a kernel that comes to the point where it misses its
# root, panics and reboots, which -no-reboot turns into an exit. Costs a second where it works.
choose_accel()
{
	local key known='' value=''
	local known_file=$out/accel

	if [[ -n ${FLIGHTREC_VM_ACCEL:-} ]]; then
		echo "$FLIGHTREC_VM_ACCEL"
		return
	fi
	[[ -w /dev/kvm && $arch = amd64 ]] || { echo tcg; return; }
	key=$(cat /proc/sys/kernel/random/boot_id)
	[[ ! -f $known_file ]] || read -r known value <"$known_file"
	if [[ $known != "$key" ]]; then
		value=tcg
		if (qemu kvm "$1" "$out/accel.log" /dev/null -append 'console=ttyS0 panic=-1') \
			>/dev/null 2>&1 & wait_for $! 8; then
			! grep -q 'Kernel panic' "$out/accel.log" || value=kvm
		fi
		echo "$key $value" >"$known_file"
	fi
	echo "$value"
}

# wait_for PID SECONDS: its exit status, or 1 after killing it
wait_for()
{
	local end=$((SECONDS + $2))

	while kill -0 "$1" 2>/dev/null; do
		if [[ $SECONDS -ge $end ]]; then
			kill -9 "$1"
			wait "$1" || true
			return 1
		fi
		sleep 0.1
	done
	wait "$1"
}

# What a kernel prints when something is wrong with it, though the tests inside may have passed.
# "BUG:" covers soft lockups, sleeping in atomic context and page faults of the kernel's own.
# Its time stamp tells the kernel's words from a test's, even in the middle of a line.
kernel_trouble='\[ *[0-9]+\.[0-9]{6}\].*(Kernel panic|BUG: |Oops|general protection fault|WARNING: .* at .*/|KASAN|UBSAN)'
verifier_trouble='BEGIN PROG LOAD LOG|failed to load BPF skeleton|invalid mem access|BPF program is too large'

# field WORD: the last value of it in the status file
field() { awk -v word="$1" '$1 == word { value = $2 } END { print value }' "$status_file"; }

# The log from init's mark on; all of it where the machine never came that far
since_start() { awk '/^flightrec-vm: start/ { n = NR } { line[NR] = $0 } END { for (i = n + 1; i <= NR; i++) print line[i] }' "$log"; }

# Ends as the machine ended: prints what is wrong, or nothing. $1: why it was ended from outside
verdict()
{
	local code panic trouble

	code=$(field status)
	panic=$(grep -o -m 1 'Kernel panic.*' "$log" || true)
	if [[ -z $(field start) ]]; then
		echo "did not boot: ${1:-${panic:-ended without a word}}"
	elif [[ -n $panic ]]; then
		echo "$panic"
	elif [[ -n $1 ]]; then
		echo "hang: $1"
	elif ! grep -qx end "$status_file"; then
		echo "ended without a word"
	elif trouble=$(since_start | grep -E "$kernel_trouble" | head -n 1; [[ ${PIPESTATUS[1]} = 0 ]]); then
		echo "the kernel complained: $trouble"
	elif [[ $code != 0 ]]; then
		echo "exit status $code"
		! grep -qE "$verifier_trouble" "$log" ||
			echo "the verifier refused a program: $(grep -m 1 -E "$verifier_trouble" "$log")"
	elif [[ -z $run ]] && grep -qE "$verifier_trouble" "$log"; then
		echo "the verifier refused a program, though the tests passed"
	fi
}

# said PASSED FAILED SKIPPED: the form that closing lines have everywhere in this project
said() { echo "$1 passed, $2 failed$([[ $3 = 0 ]] || echo ", $3 skipped")"; }

# close_with WRONG: one line for the end of the whole run, "PASSED FAILED SKIPPED WRONG" with the
# counts of the tests inside. What went wrong beside them is one failure more.
close_with()
{
	local counts passed=0 failed=0 skipped=0

	counts=$(sed -n 's/^tests //p' "$status_file" | tail -n 1)
	if [[ $counts =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed(,\ ([0-9]+)\ skipped)?$ ]]; then
		passed=${BASH_REMATCH[1]} failed=${BASH_REMATCH[2]} skipped=${BASH_REMATCH[4]:-0}
	fi
	if [[ -z $1 ]]; then
		# A command of -c need not count.
		[[ $passed != 0 ]] || passed=1
	elif [[ $failed = 0 ]]; then
		failed=1
	fi
	echo "$passed $failed $skipped ${1%%$'\n'*}" >"$out/$name.closing"
}

# start_machine: in the background; pid is its process, and accel what it runs on
start_machine()
{
	local slow=10 serial=(ttyS0 ttyS1)

	[[ $arch = amd64 ]] || accel=tcg
	[[ $accel = tcg ]] || slow=2
	[[ $arch = amd64 ]] || serial=(ttyAMA0 ttyS0)
	# The emulated processors' counters are one and the same, which Linux is not told and so reads a
	# far slower clock.
	[[ $arch != amd64 || $accel != tcg ]] || boot_args+=(tsc=reliable)
	qemu "$accel" "$out/$name.image" "$log" "$status_file" -initrd "$out/initramfs.$arch" \
		-append "console=${serial[0]} panic=-1 oops=panic random.trust_cpu=on ${boot_args[*]} \
flightrec.root=$root flightrec.kernel=$name flightrec.slow=$slow flightrec.status=${serial[1]} \
flightrec.run=$(base64 -w 0 <<<"${command:-${run:-tests/kernels/suite.sh}}")" >"$out/$name.qemu" 2>&1 &
	pid=$!
	trap 'kill $pid 2>/dev/null; wait $pid; rm -f "$out/$name.qemu" "$out/$name.verdict"' EXIT
	trap 'exit 130' INT TERM
}

# watch_machine: until it has ended; started is when it was up, why says what it was ended for
watch_machine()
{
	local deadline=$((began + limit))

	[[ $deadline -le $budget ]] || deadline=$budget
	while kill -0 "$pid" 2>/dev/null; do
		if [[ $SECONDS -ge $deadline ]]; then
			why="no end after $((SECONDS - began)) s"
		elif [[ -z $started && -n $(field start) ]]; then
			started=$((SECONDS - began))
		elif [[ -z $started && $((SECONDS - began)) -ge $boot_limit ]]; then
			why="nothing after $boot_limit s"
		fi
		if [[ -n $why ]]; then
			kill "$pid" 2>/dev/null || true
			[[ $SECONDS -lt $((deadline + 10)) ]] || kill -9 "$pid" 2>/dev/null || true
		fi
		sleep 0.2
	done
	wait "$pid" 2>/dev/null || true
	trap - EXIT
	# QEMU's own words (no memory, a bad option) belong to the log as well.
	cat "$out/$name.qemu" >>"$log"
	rm -f "$out/$name.qemu"
}

# check_counts: of a machine that passed; wrong says what is wrong with them
check_counts()
{
	if ! grep -q '^tests [1-9]' "$status_file"; then
		wrong='no test passed'
	elif [[ -n $run ]]; then
		return
	elif [[ -n $update ]]; then
		"$kernels_dir/verifier.sh" --update "$name" "$status_file" 2>&1 || wrong='no verifier counts'
	else
		"$kernels_dir/verifier.sh" "$name" "$status_file" || wrong='verifier counts'
	fi
}

# boot NAME: one machine from its start to its verdict; 0 passed, 1 failed, 3 skipped
boot()
{
	local pid began=$SECONDS started='' why='' wrong accel=$accel

	kernel_line "$1"
	log=$out/$name.log status_file=$out/$name.status
	: >"$log"
	: >"$status_file"
	# Stands if this is ended before it can say more.
	close_with 'broken off'
	if [[ ! -s $out/$name.image/vmlinuz ]]; then
		[[ -n $optional ]] || { echo "FAIL $name: no image"; close_with 'no image'; return 1; }
		echo "skip $name: its package is not to be had here"
		echo "0 0 1 its package is not to be had here" >"$out/$name.closing"
		return 3
	fi
	start_machine
	watch_machine
	wrong=$(verdict "$why")
	if [[ -n $wrong && -n $optional && $wrong = 'did not boot'* ]]; then
		echo "skip $name: $(basename "$(readlink "$out/$name.image")") $wrong under this QEMU"
		echo "0 0 1 $wrong" >"$out/$name.closing"
		return 3
	fi
	[[ -n $wrong || (-n $command && $command != *suite.sh*) ]] || check_counts
	close_with "$wrong"
	if [[ -n $wrong ]]; then
		echo "FAIL $name ($(field start), $accel, $((SECONDS - began)) s): $wrong"
		# Nothing in the log explains a count.
		[[ $wrong != *'verifier counts' ]] || return 1
		# What failed may have scrolled by long before the end.
		(since_start | grep -A 24 '^FAIL ' | head -n 200 | sed 's/^/    /') || true
		echo "---- the end of ${log#"$root"/}"
		since_start | tail -n 60 | sed 's/^/    /'
		echo "----"
		return 1
	fi
	echo "ok   $name ($(field start), $accel, up after ${started:-?} s, $((SECONDS - began)) s)"
}

mkdir -p "$out"
"$kernels_dir/fetch.sh" "${refresh[@]}" "${names[@]}" || say 'some kernels cannot be had; going on with the others'
accel=
for name in "${names[@]}"; do
	[[ -s $out/$name.image/vmlinuz ]] || continue
	kernel_line "$name"
	accel=$(choose_accel "$out/$name.image")
	[[ $arch != amd64 ]] || break
done
[[ -n $accel ]] || die 'no kernel at all: nothing to boot'
[[ -z ${archs[amd64]:-} ]] || "$kernels_dir/initramfs.sh" -o "$out/initramfs.amd64" "${tree[@]}"
if [[ -n ${archs[arm64]:-} ]]; then
	"$kernels_dir/arm64-build.sh" tests
	"$kernels_dir/initramfs.sh" -a arm64 -o "$out/initramfs.arm64" "${tree[@]}"
fi

# Each machine writes its verdict into a file: whole, however many end at the same time.
declare -A machine=()
stop() { kill "${!machine[@]}" 2>/dev/null || true; wait; exit 130; }
trap stop INT TERM
bad=0 good=0

reap()
{
	local pid code=0

	wait -n -p pid "${!machine[@]}" || code=$?
	cat "$out/${machine[$pid]}.verdict"
	rm -f "$out/${machine[$pid]}.verdict"
	unset "machine[$pid]"
	case $code in
	0) good=$((good + 1)) ;;
	3) ;;
	*) bad=$((bad + 1)) ;;
	esac
}

for name in "${names[@]}"; do
	[[ ${#machine[@]} -lt $jobs ]] || reap
	boot "$name" >"$out/$name.verdict" 2>&1 &
	machine[$!]=$name
done
while [[ ${#machine[@]} -gt 0 ]]; do reap; done

echo
passed=0 failed=0 skipped=0
for name in "${names[@]}"; do
	read -r p f s wrong <"$out/$name.closing"
	rm "$out/$name.closing"
	printf '%-14s %s%s\n' "$name" "$(said "$p" "$f" "$s")" "${wrong:+ ($wrong)}"
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
done
said $passed $failed $skipped
[[ $bad = 0 && $good -gt 0 ]]
