#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# debug-kernel.sh - build the kernel that checks its own memory and locks, once,
# and print its folder, which run.sh and kernels.sh take for a kernel
#
# The result is kept in build/vm/debug, under the hash of its configuration and
# the version of its source.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here
readonly cache=${TCPSTATE_VM_BUILD:-$(cd "$here/../.." && pwd)/build/vm}/debug
readonly fragment=$here/debug.config
readonly archive=/usr/src/linux-source-6.12.tar.xz

die()
{
	echo "debug-kernel.sh: $*" >&2
	exit 1
}

# What tinyconfig or a dependency has silently turned off would be a check less.
check_config()
{
	local line missing=()

	while read -r line; do
		case $line in
		*=n)	! grep -q "^${line%=n}=" "$1/.config" || missing+=("$line") ;;
		CONFIG_*) grep -qxF "$line" "$1/.config" || missing+=("$line") ;;
		esac
	done <"$fragment"
	[[ ${#missing[@]} -eq 0 ]] || die "the configuration lost ${missing[*]}"
}

configure()
{
	make -s -C "$1" O="$2" tinyconfig
	(cd "$2" && KCONFIG_CONFIG=.config "$1/scripts/kconfig/merge_config.sh" -m -O . .config "$fragment" >/dev/null)
	make -s -C "$1" O="$2" olddefconfig
	check_config "$2"
}

# build SOURCE OBJECTS TREE: .complete is written last
build()
{
	local jobs
	jobs=$(nproc)

	configure "$1" "$2"
	make -s -C "$1" O="$2" -j"$jobs" bzImage modules
	mkdir -p "$3/boot"
	make -s -C "$1" O="$2" INSTALL_MOD_PATH="$3" modules_install
	local release
	release=$(make -s -C "$1" O="$2" kernelrelease)
	cp "$2/arch/x86/boot/bzImage" "$3/boot/vmlinuz-$release"
	cp "$2/.config" "$3/boot/config-$release"
	ln -sfn "$2" "$3/lib/modules/$release/build"
	touch "$3/.complete"
}

[[ -e $archive ]] || die "$archive is missing: apt-get install linux-source-6.12"
key=$(cat "$fragment" <(dpkg-query -W -f '${Version}' linux-source-6.12) | sha256sum | cut -c 1-16)
readonly work=$cache/$key
mkdir -p "$work"
exec 9>"$cache/.lock"
flock 9
if [[ ! -e $work/tree/.complete ]]; then
	if [[ ! -e $work/source/.complete ]]; then
		echo 'debug-kernel.sh: unpacking the source' >&2
		rm -rf "$work/source"
		mkdir -p "$work/source"
		tar -xf "$archive" -C "$work/source" --strip-components=1
		touch "$work/source/.complete"
	fi
	echo "debug-kernel.sh: building, some 15 minutes on 2 processors; the log is $work/log" >&2
	rm -rf "$work/tree" "$work/objects"
	mkdir -p "$work/objects"
	build "$work/source" "$work/objects" "$work/tree" >"$work/log" 2>&1 ||
		die "the build failed: $(tail -n 3 "$work/log" | tr '\n' ' ')"
fi
echo "$work/tree"
