#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# run.sh - run a command under another kernel, in a virtual machine
#
#	host                                guest
#	  /            --- 9p, read-only ---> / (writes go to a tmpfs on top)
#	  job archive  --- initramfs -------> init, guest.sh, the command
#	  stdout       <-- port "output" ---- its stdout and stderr
#	  exit status  <-- port "status" ----
#	  splats.sh    <-- port "log" ------- /dev/kmsg
#	  NAME.log     <-- serial line ------ console
#
# Success is what the guest reports in so many words; silence is failure.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here
readonly build=${TCPSTATE_VM_BUILD:-$(cd "$here/../.." && pwd)/build/vm}
readonly exit_skip=4 exit_limit=124

usage()
{
	cat <<-'END'
	usage: run.sh KERNEL [OPTIONS] -- COMMAND [ARGUMENT]...

	Boots KERNEL (a flavour such as 6.12 or 6.1-rt, or a folder, see kernels.sh)
	on the files of this host, and runs COMMAND as root in the same folder. The
	guest sees the host's files, except /tmp and /run, and may write to them;
	the changes are gone with it. PATH is the system's default.

	  -t SECONDS   time limit for all, boot included (600)
	  -m SIZE      memory (2G)
	  -s CPUS      processors (2)
	  -a 'WORDS'   more words for the kernel's command line
	  -i           time is the number of instructions: 1 ns each, one processor
	  -o FOLDER    a folder of the host to write to, /out and $TCPSTATE_OUT in the guest
	  -n NAME      the console goes to build/vm/log/NAME.log
	  -v           say on stderr what the guest was and how long it took

	Exit status: COMMAND's own; 124 at the time limit; 1 if the kernel panicked,
	the guest died early, or COMMAND passed or skipped and left a warning in the
	kernel's log; 2 wrong usage; 4 (skip) if qemu or another tool is missing,
	or KERNEL cannot mount the host's files.
	END
}

say()
{
	echo "run.sh: $*" >&2
}

usage_error()
{
	say "$* (--help explains)"
	exit 2
}

parse()
{
	local option

	if [[ ${1-} == --help || ${1-} == -h ]]; then
		usage
		exit 0
	fi
	[[ $# -ge 1 && $1 != -* ]] || usage_error 'which kernel?'
	kernel=$1
	shift
	limit=600 memory=2G cpus=2 append='' out='' name='' verbose='' count=''
	while getopts :t:m:s:a:o:n:ivh option; do
		case $option in
		t)	limit=$OPTARG ;;
		m)	memory=$OPTARG ;;
		s)	cpus=$OPTARG ;;
		a)	append=$OPTARG ;;
		o)	out=$OPTARG ;;
		n)	name=$OPTARG ;;
		i)	count=yes cpus=1 ;;
		v)	verbose=yes ;;
		h)	usage; exit 0 ;;
		:)	usage_error "-$OPTARG needs a value" ;;
		*)	usage_error "there is no option -$OPTARG" ;;
		esac
	done
	shift $((OPTIND - 1))
	[[ $# -ge 1 ]] || usage_error 'which command?'
	command=("$@")
	name=${name:-${kernel##*/}-$$}
	check_values
}

check_values()
{
	[[ $limit =~ ^[1-9][0-9]*$ ]] || usage_error "-t $limit is not a number of seconds"
	[[ $cpus =~ ^[1-9][0-9]*$ ]] || usage_error "-s $cpus is not a number of processors"
	[[ $memory =~ ^[1-9][0-9]*[MG]$ ]] || usage_error "-m $memory is not a size such as 512M or 2G"
	[[ $name != */* ]] || usage_error "-n $name is not a plain name"
	[[ -z $out || -d $out ]] || usage_error "-o $out is not a folder"
	# commas separate qemu's options
	[[ ${out}${build} != *,* ]] || usage_error 'a comma in the name of a folder is not supported'
}

require()
{
	local tool

	for tool in busybox cpio depmod; do
		if ! command -v "$tool" >/dev/null; then
			say "SKIP: $tool is not installed"
			exit "$exit_skip"
		fi
	done
}

setup()
{
	qemu_binary=$("$here/qemu.sh" path) || {
		say 'SKIP: qemu-system-x86_64 is not installed'
		exit "$exit_skip"
	}
	tree=$("$here/kernels.sh" tree "$kernel")
	vmlinuz=$("$here/kernels.sh" vmlinuz "$tree")
	read -ra accel < <("$here/accel.sh" "$vmlinuz")
	[[ -z $count ]] ||
		accel=(-accel 'tcg,thread=single' -cpu 'max,la57=off' -icount 'shift=0,sleep=off')
	mkdir -p "$build/log"
	console=$build/log/$name.log
	work=$(mktemp -d "$build/run.XXXXXX")
	: >"$console"
	: >"$work/output"
	: >"$work/status"
	: >"$work/log"
}

# The job travels in a second archive behind the cached one; the kernel unpacks
# one after the other.
make_initrd()
{
	local job=$work/initrd.d/job base

	base=$("$here/initramfs.sh" "$tree")
	mkdir -p "$job"
	install -m 755 "$here/init" "$work/initrd.d/init"
	cp "$here/guest.sh" "$job/guest.sh"
	echo "$tree" >"$job/tree"
	pwd -P >"$job/folder"
	[[ -z $out ]] || touch "$job/out"
	cat >"$job/command" <<-END
		ulimit -Hn "\$(</proc/sys/fs/nr_open)"
		exec $(printf '%q ' "${command[@]}")
	END
	cat "$base" - >"$work/initrd" < <(
		cd "$work/initrd.d" && find . -print0 | cpio -0 --quiet -o -H newc -R 0:0)
}

# Regular files, not pipes: qemu never has to wait for a slow reader, and what
# the guest wrote before it powered off cannot be lost.
port_options()
{
	local port

	echo -device virtio-serial-pci
	for port in output status log; do
		echo -chardev "file,id=$port,path=$work/$port" \
		     -device "virtserialport,chardev=$port,name=$port"
	done
}

share_options()
{
	echo -virtfs "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap"
	[[ -z $out ]] ||
		echo -virtfs "local,path=$(cd "$out" && pwd -P),mount_tag=out,security_model=none"
}

# setpriv: even if this script is killed outright, the machine goes with it.
# thash_entries: tcp_max_tw_buckets of a new network namespace is half of it,
# and the default of a small machine is small. tsc: else a kernel that finds its
# emulated processors' counters apart reads a device each time it wants the time.
start_guest()
{
	local ports shares

	read -ra ports < <(port_options | xargs)
	read -ra shares < <(share_options | xargs)
	setpriv --pdeathsig TERM timeout -k 5 "$limit" \
	"$qemu_binary" -nodefaults -no-user-config -display none -no-reboot \
		-M q35 "${accel[@]}" -smp "$cpus" -m "$memory" \
		-serial "file:$console" "${ports[@]}" "${shares[@]}" \
		-kernel "$vmlinuz" -initrd "$work/initrd" \
		-append "console=ttyS0 loglevel=4 log_buf_len=4M oops=panic panic=-1 thash_entries=131072 mitigations=off tsc=reliable $append" \
		</dev/null >"$work/qemu" 2>&1 &
	qemu=$!
	tail -q -c +1 -f -s 0.1 --pid="$qemu" "$work/output" &
	follower=$!
}

# shellcheck disable=SC2317  # reached through the trap
cleanup()
{
	trap - EXIT INT TERM HUP
	[[ -z ${qemu-} ]] || kill "$qemu" 2>/dev/null || true
	[[ -z ${qemu-} ]] || wait "$qemu" 2>/dev/null || true
	[[ -z ${follower-} ]] || kill "$follower" 2>/dev/null || true
	[[ -z ${work-} ]] || rm -rf "$work"
}

show_console()
{
	say "the end of the console, $console:"
	tail -n "$1" "$console" | tr -d '\r' >&2
}

# judge QEMU_STATUS: set verdict to the exit status, and say why it is not the
# command's own
judge()
{
	local reported splats log=$work/log panic

	reported=$(sed -n 's/^exit \([0-9]*\)$/\1/p' "$work/status")
	verdict=${reported:-1}
	[[ -s $log ]] || log=$console
	splats=$("$here/splats.sh" "$log") || true
	panic=$(grep -a -m 1 'Kernel panic' "$console" | tr -d '\r' || true)
	if [[ -n $panic ]]; then
		verdict=1
		say "FAIL: the kernel panicked: $panic"
		show_console 60
	elif [[ -z $reported && $1 -eq $exit_limit ]]; then
		verdict=$exit_limit
		say "FAIL: not done after $limit seconds$(grep -q ^begin "$work/status" || echo ', still booting')"
		show_console 40
	elif [[ -z $reported ]]; then
		say "FAIL: the guest ended without an exit status (qemu: status $1)"
		cat "$work/qemu" >&2
		show_console 40
	elif [[ -n $splats && ( $verdict -eq 0 || $verdict -eq $exit_skip ) ]]; then
		verdict=1
		say "FAIL: the command's exit status was $reported, but the kernel complained"
	fi
	[[ -z $splats ]] || printf 'run.sh: kernel log: %s\n' "${splats//$'\n'/$'\nrun.sh: kernel log: '}" >&2
}

describe()
{
	say "$(basename "$vmlinuz"), ${accel[*]}, $cpus processors, $memory:" \
	    "kernel up $(sed -n 's/^begin //p' "$work/status") s before the command, $SECONDS s in all"
}

parse "$@"
require
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
setup
make_initrd
start_guest
qemu_status=0
wait "$qemu" || qemu_status=$?
qemu=
wait "$follower" || true
follower=
judge "$qemu_status"
[[ -z $verbose ]] || describe
exit "$verdict"
