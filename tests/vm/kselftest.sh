#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# kselftest.sh - run a folder of tests as a target of the kernel's own
# selftests, in a virtual machine
#
# usage: kselftest.sh KERNEL FOLDER [run.sh's OPTIONS]
#
# FOLDER needs a Makefile as the kernel's test folders have it: TEST_PROGS, and
# `include ../lib.mk`. The framework comes from the package linux-source-6.12
# and is unpacked once; FOLDER is copied into it in the guest, as the target
# `tcpstate`, so that nothing is left on the host.
#
# make's exit status says only that the tests were run. The verdict is read
# from the KTAP: 0 all passed, 1 one failed or the plan was not kept, 4 all
# were skipped. The tests get the variables TCPSTATE_* of our environment.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here
readonly build=${TCPSTATE_VM_BUILD:-$(cd "$here/../.." && pwd)/build/vm}
readonly framework=$build/selftests
readonly archive=/usr/src/linux-source-6.12.tar.xz
readonly exit_skip=4 exit_limit=124

unpack_framework()
{
	local scratch top=linux-source-6.12

	[[ ! -e $framework ]] || return 0
	if [[ ! -e $archive ]]; then
		echo "kselftest.sh: SKIP: $archive is missing (package $top)" >&2
		exit "$exit_skip"
	fi
	scratch=$(mktemp -d "$build/selftests.XXXXXX")
	tar -C "$scratch" --strip-components 1 --wildcards --no-wildcards-match-slash \
		-xJf "$archive" "$top/scripts/subarch.include" "$top/tools/scripts/*" "$top/tools/testing/selftests/kselftest/*" \
		"$top/tools/testing/selftests/"{Makefile,'*.mk','*.sh','*.h'}
	mv -T "$scratch" "$framework" 2>/dev/null || rm -rf "$scratch"
}

# The framework counts relative to its own place, so the target goes there.
# shellcheck disable=SC2016  # for the guest's shell
readonly guest_script='
	set -e
	cp -r "$2" "$1/tools/testing/selftests/tcpstate"
	exec make -s -C "$1/tools/testing/selftests" TARGETS=tcpstate run_tests'

# judge FILE: the runner's results are the lines at the left margin; what a test
# itself printed is behind "# "
judge()
{
	local planned passed skipped failed

	planned=$(sed -n 's/^1\.\.\([0-9]*\).*/\1/p' "$1" | head -n 1)
	failed=$(grep -c '^not ok ' "$1" || true)
	skipped=$(grep -c '^ok .*# SKIP' "$1" || true)
	passed=$(($(grep -c '^ok ' "$1" || true) - skipped))
	echo "kselftest.sh: planned ${planned:-nothing}, passed $passed, failed $failed, skipped $skipped" >&2
	if [[ -z $planned || $planned -eq 0 || $planned -ne $((passed + failed + skipped)) ]]; then
		echo 'kselftest.sh: FAIL: the plan was not kept' >&2
		return 1
	fi
	[[ $failed -eq 0 ]] || return 1
	[[ $passed -gt 0 ]] || return "$exit_skip"
}

if [[ $# -lt 2 || ! -d $2 ]]; then
	echo "usage: kselftest.sh KERNEL FOLDER [run.sh's OPTIONS]" >&2
	exit 2
fi
kernel=$1
folder=$(cd "$2" && pwd -P)
shift 2
mkdir -p "$build"
unpack_framework
status=0
results=$(mktemp "$build/ktap.XXXXXX")
trap 'rm -f "$results"' EXIT
mapfile -t settings < <(env | grep '^TCPSTATE_' || true)
"$here/run.sh" "$kernel" "$@" -- env "${settings[@]}" bash -c "$guest_script" bash "$framework" "$folder" |
	tee "$results" || status=$?
# make's 2 is a failure, not wrong usage
[[ $status -eq 0 || $status -eq $exit_skip || $status -eq $exit_limit ]] || status=1
[[ $status -eq 0 ]] || exit "$status"
judge "$results"
