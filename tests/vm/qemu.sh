#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# qemu.sh - which qemu to use, and how to get one that is new enough
#
# Before 8.1, a multi-threaded emulation can run an int3 that is no longer
# there: translation raced with the write by another processor (QEMU commit
# deba78709ae8, "Always lock pages before translation"). Whoever attaches
# probes rewrites kernel text all the time, and the kernel dies of it within
# seconds. One thread for all processors is correct, but each interrupt between
# two busy processors then takes up to 0.1 s. `qemu.sh fetch` unpacks the
# qemu of Debian 12's backports into build/vm/qemu, without installing it and
# without a change to the host's package sources.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here
readonly build=${TCPSTATE_VM_BUILD:-$(cd "$here/../.." && pwd)/build/vm}
readonly fetched=$build/qemu

usage()
{
	cat <<-'END'
	usage: qemu.sh path      the qemu to use: $TCPSTATE_QEMU, else the fetched one,
	                         else the installed one; exit 1 if there is none
	       qemu.sh threads   multi or single: how it can emulate several processors
	       qemu.sh fetch     get a newer one (Debian 12 only)
	END
}

qemu_path()
{
	local qemu=${TCPSTATE_QEMU:-$fetched/usr/bin/qemu-system-x86_64}

	[[ -x $qemu ]] || qemu='qemu-system-x86_64'
	command -v "$qemu"
}

qemu_threads()
{
	local version

	version=$("$(qemu_path)" --version | sed -n 's/^QEMU emulator version \([0-9.]*\).*/\1/p')
	if [[ $(printf '%s\n' 8.1 "$version" | sort -V | head -n 1) == 8.1 ]]; then
		echo multi
	else
		echo single
	fi
}

# The mirror that the host's own packages come from.
debian_mirror()
{
	# shellcheck disable=SC2016  # apt's own variable
	apt-get indextargets --format '$(REPO_URI)' \
		'Codename: bookworm' 'Component: main' 'Created-By: Packages' | head -n 1
}

# A private set of package lists, so that the host's stay as they are.
private_apt()
{
	local command=$1 state=$scratch/apt

	shift
	"$command" -qq -o Dir::Etc::sourcelist="$state/sources.list" \
		-o Dir::Etc::sourceparts=/dev/null -o Dir::State::lists="$state/lists" \
		-o Dir::Cache="$state/cache" -o APT::Sandbox::User=root "$@"
}

qemu_fetch()
{
	local deb package

	[[ $(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release) == bookworm ]] || {
		echo 'qemu.sh: this is not Debian 12; install a qemu from 8.1 on' >&2
		return 1
	}
	scratch=$build/qemu.part
	rm -rf "$scratch"
	mkdir -p "$scratch"/apt/{lists,cache/archives}/partial "$scratch/deb"
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $(debian_mirror) bookworm-backports main" \
		>"$scratch/apt/sources.list"
	private_apt apt-get update
	for package in qemu-system-x86 qemu-system-common qemu-system-data seabios; do
		(cd "$scratch/deb" && private_apt apt-get download "$package/bookworm-backports")
	done
	for deb in "$scratch"/deb/*.deb; do
		dpkg-deb -x "$deb" "$scratch"
	done
	rm -rf "$scratch/apt" "$scratch/deb" "$fetched"
	mv "$scratch" "$fetched"
	"$(qemu_path)" --version
}

case ${1-} in
path | threads | fetch)	"qemu_$1" ;;
-h | --help)		usage ;;
*)			usage >&2; exit 2 ;;
esac
