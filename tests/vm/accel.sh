#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# accel.sh - print the qemu options for the fastest processor that works here
#
# /dev/kvm may exist and still hang a stock kernel, for instance inside another
# virtual machine. So KVM has to boot a kernel once, within a few seconds, and
# the result is remembered in build/vm/kvm until the host's kernel changes.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here
readonly build=${TCPSTATE_VM_BUILD:-$(cd "$here/../.." && pwd)/build/vm}
readonly limit=4

# kvm_boots VMLINUZ: without a root file system it must get as far as to panic
# about that
kvm_boots()
{
	timeout -k 1 "$limit" "$("$here/qemu.sh" path)" -nodefaults -no-user-config \
		-display none -no-reboot -M q35 -accel kvm -cpu host -m 512 \
		-serial stdio -kernel "$1" -append 'console=ttyS0 panic=-1' \
		</dev/null 2>/dev/null | grep -aq 'Unable to mount root fs'
}

# kvm_works VMLINUZ
kvm_works()
{
	local known
	known=$(cat "$build/kvm" 2>/dev/null || true)
	if [[ $known != *" $(uname -r)" ]]; then
		known="no $(uname -r)"
		kvm_boots "$1" && known="yes $(uname -r)"
		echo "$known" >"$build/kvm"
	fi
	[[ $known == yes* ]]
}

[[ $# -eq 1 ]] || { echo 'usage: accel.sh VMLINUZ' >&2; exit 2; }
mkdir -p "$build"
exec 9>"$build/kvm.lock"
flock 9
if [[ -r /dev/kvm && -w /dev/kvm ]] && kvm_works "$1"; then
	echo '-accel kvm -cpu host'
else
	# a fifth level of page tables only costs time
	echo "-accel tcg,thread=$("$here/qemu.sh" threads) -cpu max,la57=off"
fi
