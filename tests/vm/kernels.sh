#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# kernels.sh - find, fetch and unpack the kernels that the tests boot
#
# A kernel is named by its flavour, SERIES[-KIND]: 6.1, 6.12, 6.1-rt,
# 6.12-rt, 6.1-cloud. The newest package of that flavour is fetched and
# unpacked into build/vm/kernels/FLAVOUR/VERSION, once, and never installed: the
# host's boot loader does not learn of it.
#
# Instead of a flavour, a folder with boot/vmlinuz-RELEASE and
# lib/modules/RELEASE does as well (a debug kernel built by hand: `make install
# modules_install` with INSTALL_PATH and INSTALL_MOD_PATH).
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here
readonly cache=${TCPSTATE_VM_BUILD:-$(cd "$here/../.." && pwd)/build/vm}/kernels

usage()
{
	cat <<-'END'
	usage: kernels.sh tree KERNEL       the folder with boot/ and lib/modules/
	       kernels.sh release KERNEL    what uname -r will say
	       kernels.sh vmlinuz KERNEL    the kernel image
	       kernels.sh kdir KERNEL       the headers to build a module against
	KERNEL is a flavour (6.1, 6.12, 6.1-rt, 6.12-rt, 6.1-cloud, ..) or such a folder.
	END
}

die()
{
	echo "kernels.sh: $*" >&2
	exit 1
}

# flavour_package FLAVOUR: the package that the distribution's meta-package
# points at. The series that is a release's own has a meta-package without the
# number, so what that one points at has to be checked.
flavour_package()
{
	local series=${1%%-*} kind='' arch meta package

	[[ $1 == *-* ]] && kind=-${1#*-}
	arch=$(dpkg --print-architecture)
	for meta in "linux-image-$series$kind-$arch" "linux-image$kind-$arch"; do
		package=$(apt-cache depends "$meta" 2>/dev/null |
			  sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
		if [[ $package == "linux-image-$series".* ]]; then
			echo "$package"
			return
		fi
	done
}

# newest_cached FLAVOUR: for a host without network or package lists
newest_cached()
{
	find "$cache/$1" -mindepth 2 -maxdepth 2 -name .complete -printf '%T@ %h\n' 2>/dev/null |
		sort -rn | head -n 1 | cut -d ' ' -f 2-
}

# unpack PACKAGE VERSION TREE: .complete is written last, so that an
# interrupted fetch is not taken for a kernel
unpack()
{
	local package=$1 version=$2 tree=$3 scratch=$3.part release=${1#linux-image-}

	echo "kernels.sh: fetching $package $version" >&2
	rm -rf "$scratch" "$tree"
	mkdir -p "$scratch/deb"
	(cd "$scratch/deb" && apt-get -qq -o APT::Sandbox::User=root download "$package=$version" >&2) ||
		die "cannot fetch $package $version; are the package lists current (apt-get update)?"
	dpkg-deb -x "$scratch"/deb/*.deb "$scratch"
	rm -rf "${scratch:?}/deb" "${scratch:?}/usr"
	depmod -b "$scratch" "$release"
	ln -sfn "/usr/src/linux-headers-$release" "$scratch/lib/modules/$release/build"
	touch "$scratch/.complete"
	mv "$scratch" "$tree"
}

# flavour_tree FLAVOUR: asking the package lists takes a second and a half, so
# the answer is kept until they change.
flavour_tree()
{
	local flavour=$1 lists known tree

	[[ $flavour =~ ^[0-9]+\.[0-9]+(-[a-z]+)?$ ]] ||
		die "'$flavour' is neither a flavour such as 6.12 or 6.1-rt nor a folder with a kernel"
	lists=$(stat -c %Y /var/lib/apt/lists)
	known=$cache/$flavour/newest
	if [[ -r $known ]] && read -r _ tree < <(grep "^$lists " "$known") && [[ -e $tree/.complete ]]; then
		echo "$tree"
		return
	fi
	tree=$(resolve "$flavour")
	echo "$lists $tree" >"$known.$$"
	mv "$known.$$" "$known"
	echo "$tree"
}

# resolve FLAVOUR: the tree of its newest package, fetched if need be
resolve()
{
	local flavour=$1 package version tree

	package=$(flavour_package "$flavour")
	if [[ -z $package ]]; then
		tree=$(newest_cached "$flavour")
		[[ -n $tree ]] || die "no package for kernel flavour $flavour is known here (apt-get update?)"
		echo "$tree"
		return
	fi
	version=$(apt-cache show --no-all-versions "$package" | sed -n 's/^Version: //p')
	# not every file system and tool likes ~ and : in names
	tree=$cache/$flavour/${version//[~:]/_}
	if [[ ! -e $tree/.complete ]]; then
		mkdir -p "$cache/$flavour"
		exec 9>"$cache/$flavour/.lock"
		flock 9
		[[ -e $tree/.complete ]] || unpack "$package" "$version" "$tree"
		exec 9>&-
	fi
	echo "$tree"
}

kernel_tree()
{
	if [[ -d $1/boot && -d $1/lib/modules ]]; then
		(cd "$1" && pwd)
	else
		flavour_tree "$1"
	fi
}

kernel_vmlinuz()
{
	local tree images

	tree=$(kernel_tree "$1")
	images=("$tree"/boot/vmlinuz-*)
	[[ ${#images[@]} -eq 1 && -e ${images[0]} ]] ||
		die "$tree/boot should hold exactly one vmlinuz-RELEASE"
	echo "${images[0]}"
}

kernel_release()
{
	local image

	image=$(kernel_vmlinuz "$1")
	echo "${image##*/vmlinuz-}"
}

# The image is not needed to build against it, so a flavour's name is enough.
kernel_kdir()
{
	local package release kdir

	package=$([[ -d $1 ]] || flavour_package "$1")
	release=${package#linux-image-}
	[[ -n $release ]] || release=$(kernel_release "$1")
	for kdir in "/usr/src/linux-headers-$release" "$1/lib/modules/$release/build"; do
		if [[ -e $kdir/Makefile ]]; then
			echo "$kdir"
			return
		fi
	done
	[[ $(id -u) -eq 0 ]] || die "linux-headers-$release is not installed"
	apt-get -q install -y --no-install-recommends "linux-headers-$release" >&2 ||
		die "cannot install linux-headers-$release"
	echo "/usr/src/linux-headers-$release"
}

if [[ ${1-} == --help || ${1-} == -h ]]; then
	usage
	exit 0
fi
if [[ $# -ne 2 || ! $1 =~ ^(tree|release|vmlinuz|kdir)$ ]]; then
	usage >&2
	exit 2
fi
"kernel_$1" "$2"
