#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# initramfs.sh - the initramfs that mounts the host's files: busybox and the
# few modules on the way to 9p and overlayfs
#
# Made once per kernel. It holds no script, so that it need not be made again
# when one changes: run.sh appends a second archive with init and the job.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here
readonly cache=${TCPSTATE_VM_BUILD:-$(cd "$here/../.." && pwd)/build/vm}/initramfs
readonly exit_skip=4
# each may also be built in
readonly wanted=(virtio_pci 9pnet_virtio 9p overlay virtio_console)

die()
{
	echo "initramfs.sh: $*" >&2
	exit 1
}

# module_files TREE RELEASE: the modules and what they need, in load order
module_files()
{
	modprobe -d "$1" -S "$2" --show-depends -a "${wanted[@]}" |
		awk '$1 == "insmod" && !seen[$2]++ { print $2 }'
}

# add_module FILE FOLDER: busybox cannot read a compressed module
add_module()
{
	case $1 in
	*.ko)		cp "$1" "$2/" ;;
	*.ko.xz)	xz -dc "$1" >"$2/$(basename "$1" .xz)" ;;
	*.ko.zst)	zstd -qdc "$1" >"$2/$(basename "$1" .zst)" ;;
	*.ko.gz)	gzip -dc "$1" >"$2/$(basename "$1" .gz)" ;;
	*)		die "do not know how to read $1" ;;
	esac
}

# require_modules TREE RELEASE: the cloud kernels leave out 9p, for instance
require_modules()
{
	local module

	for module in "${wanted[@]}"; do
		if ! modprobe -d "$1" -S "$2" -n -q "$module"; then
			echo "initramfs.sh: SKIP: kernel $2 has no $module" >&2
			exit "$exit_skip"
		fi
	done
}

# build TREE RELEASE OUTPUT
build()
{
	local root file name

	root=$(mktemp -d "$3.XXXXXX")
	mkdir -p "$root"/{bin,dev,proc,sys,modules,job,lower,upper,newroot}
	cp "$(command -v busybox)" "$root/bin/busybox"
	"$root/bin/busybox" true || die 'busybox does not run (package busybox-static?)'
	while read -r file; do
		add_module "$file" "$root/modules"
		name=${file##*/}
		echo "/modules/${name%.ko*}.ko" >>"$root/modules/order"
	done < <(module_files "$1" "$2")
	touch "$root/modules/order"
	(cd "$root" && find . -print0 | cpio -0 --quiet -o -H newc -R 0:0) >"$root.cpio"
	rm -rf "$root"
	mv "$root.cpio" "$3"
}

[[ $# -eq 1 ]] || { echo 'usage: initramfs.sh KERNEL' >&2; exit 2; }
tree=$("$here/kernels.sh" tree "$1")
release=$("$here/kernels.sh" release "$tree")
# modules.dep changes with every `make modules_install` of a hand-made kernel
[[ -e $tree/lib/modules/$release/modules.dep ]] || depmod -b "$tree" "$release"
key=$(cat "${BASH_SOURCE[0]}" "$tree/lib/modules/$release/modules.dep" \
	  <(stat -c %Y "$tree/boot/vmlinuz-$release") | sha256sum | cut -c 1-16)
output=$cache/$release-$key.cpio
if [[ ! -e $output ]]; then
	mkdir -p "$cache"
	require_modules "$tree" "$release"
	build "$tree" "$release" "$output"
fi
echo "$output"
