#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# selftest.sh - prove that run.sh fails when it must: a harness that cannot
# fail proves nothing about what it runs
#
# usage: selftest.sh [KERNEL] (6.12); about three minutes on an emulated processor
#
# shellcheck disable=SC2016  # single quotes are for the guest's shell
set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here
readonly build=${TCPSTATE_VM_BUILD:-$(cd "$here/../.." && pwd)/build/vm}
readonly kernel=${1:-6.12}
readonly tests=(
	status_is_passed_on
	skip_is_passed_on
	arguments_arrive
	output_arrives_whole
	stdout_can_be_reopened
	leftovers_do_not_hold_up
	host_is_not_written
	out_folder_is_written
	panic_fails
	early_end_fails
	kernel_warning_fails
	cleared_warning_fails
	silent_hang_ends
	missing_command_fails
	two_at_once
	signal_ends_guest
)

mkdir -p "$build"
scratch=$(mktemp -d "$build/selftest.XXXXXX")
readonly scratch
trap 'rm -rf "$scratch"' EXIT
problem=''

# vm ARGUMENT...: run.sh; leaves $scratch/stdout, $scratch/stderr and $status
vm()
{
	"$here/run.sh" "$kernel" -t 120 -n "selftest-${name-}" "$@" >"$scratch/stdout" 2>"$scratch/stderr"
	status=$?
}

# The checks note the first thing that is wrong.
check()
{
	local what=$1
	shift
	"$@" || problem=${problem:-$what}
}

expect_status()
{
	check "exit status $status instead of $1" test "$status" -eq "$1"
}

expect_told()
{
	check "stderr does not say '$1'" grep -q -- "$1" "$scratch/stderr"
}

expect_stdout()
{
	check "stdout is not '$1'" test "$(<"$scratch/stdout")" = "$1"
}

status_is_passed_on()
{
	vm -- bash -c 'echo out; echo err >&2; exit 37'
	expect_status 37
	expect_stdout $'out\nerr'
}

skip_is_passed_on()
{
	vm -- bash -c 'exit 4'
	expect_status 4
}

arguments_arrive()
{
	vm -- printf '<%s>' '' 'a b' "it's" '$HOME' $'two\nlines' '*'
	expect_status 0
	expect_stdout "<><a b><it's><\$HOME><two
lines><*>"
}

output_arrives_whole()
{
	local sum

	# no newline for 4 MB, and every byte value
	vm -- bash -c 'head -c 1000000 /dev/urandom >/tmp/data
		head -c 4000000 /dev/zero | tr "\0" x >>/tmp/data
		sha256sum </tmp/data; cat /tmp/data'
	expect_status 0
	sum=$(head -n 1 "$scratch/stdout")
	check 'the output was damaged' \
		test "$(tail -n +2 "$scratch/stdout" | sha256sum)" = "$sum"
}

stdout_can_be_reopened()
{
	vm -- bash -c 'echo one >/dev/stdout; echo two >/dev/stderr; test $(cat <(echo 3)) = 3'
	expect_status 0
	expect_stdout $'one\ntwo'
}

leftovers_do_not_hold_up()
{
	vm -- bash -c 'setsid sleep 1000 & echo done'
	expect_status 0
	expect_stdout 'done'
}

host_is_not_written()
{
	echo host >"$scratch/file"
	vm -- bash -c 'echo guest >"$1" && cat "$1"' bash "$scratch/file"
	expect_status 0
	expect_stdout guest
	check 'the guest changed a file of the host' test "$(<"$scratch/file")" = host
}

out_folder_is_written()
{
	mkdir "$scratch/out"
	vm -o "$scratch/out" -- bash -c 'echo guest >"$TCPSTATE_OUT/file"'
	expect_status 0
	check 'nothing came out' test "$(cat "$scratch/out/file")" = guest
}

panic_fails()
{
	vm -- bash -c 'echo before; echo c >/proc/sysrq-trigger'
	expect_status 1
	expect_told 'the kernel panicked: .*Kernel panic - not syncing'
	expect_stdout before
}

early_end_fails()
{
	vm -- busybox poweroff -f
	expect_status 1
	expect_told 'the guest ended without an exit status'
}

# The kernel's own warnings come with the same words as this line.
kernel_warning_fails()
{
	vm -- bash -c 'echo "WARNING: CPU: 0 PID: 1 at selftest" >/dev/kmsg'
	expect_status 1
	expect_told 'kernel log: .*WARNING: CPU: 0 PID: 1 at selftest'
}

cleared_warning_fails()
{
	vm -- bash -c 'echo "BUG: selftest" >/dev/kmsg; dmesg -C; dmesg -n 1; exit 4'
	expect_status 1
	expect_told 'kernel log: .*BUG: selftest'
}

silent_hang_ends()
{
	vm -t 20 -- sleep 1000
	expect_status 124
	expect_told 'not done after 20 seconds'
}

missing_command_fails()
{
	vm -- no-such-command
	expect_status 127
}

two_at_once()
{
	local other other_status=0

	"$here/run.sh" "$kernel" -t 120 -n selftest-other -- \
		bash -c 'echo other; exit 5' >"$scratch/other" 2>/dev/null &
	other=$!
	vm -- bash -c 'echo this; exit 6'
	wait "$other" || other_status=$?
	expect_status 6
	expect_stdout this
	check "the other's exit status is $other_status" test "$other_status" -eq 5
	check "the other's output is wrong" test "$(<"$scratch/other")" = other
}

# wait_until SECONDS COMMAND...
wait_until()
{
	local limit=$((SECONDS + $1))

	shift
	until "$@"; do
		((SECONDS < limit)) || return 1
		sleep 0.1
	done
}

ended()
{
	! kill -0 "$1" 2>/dev/null
}

signal_ends_guest()
{
	local run guest

	"$here/run.sh" "$kernel" -n selftest-signal -- \
		bash -c 'echo here; sleep 1000' >"$scratch/stdout" 2>"$scratch/stderr" &
	run=$!
	check 'the guest did not start' wait_until 60 grep -q here "$scratch/stdout"
	guest=$(pgrep -f -n 'qemu.*/selftest-signal.log')
	kill -TERM "$run"
	status=0
	wait "$run" || status=$?
	expect_status 143
	check 'the guest still runs' wait_until 10 ended "$guest"
}

failed=0
echo 'KTAP version 1'
echo "1..${#tests[@]}"
for number in "${!tests[@]}"; do
	name=${tests[number]}
	problem=''
	"$name"
	if [[ -z $problem ]]; then
		echo "ok $((number + 1)) $name"
	else
		failed=$((failed + 1))
		sed 's/^/# /' "$scratch/stderr"
		echo "# $problem"
		echo "not ok $((number + 1)) $name"
	fi
done
echo "# Totals: pass:$((${#tests[@]} - failed)) fail:$failed xfail:0 xpass:0 skip:0 error:0"
[[ $failed -eq 0 ]]
