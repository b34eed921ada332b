#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# guest.sh - second stage in the guest, process 1 on the host's files: run the
# job, report, power off
#
# Three ports lead to the host: "output" takes what the job prints, "status"
# its exit status, "log" the kernel's log. The console is left to the kernel.

job=/run/tcpstate-vm
PATH=$job/bin

fail()
{
	echo "tcpstate-vm: $*"
	poweroff -f
}

settings()
{
	# what the kernel says from here on is worth a line on the console
	echo 8 >/proc/sys/kernel/printk
	echo tcpstate-vm >/proc/sys/kernel/hostname
	# thash_entries= on the command line did it for the namespaces to come
	echo 65536 >/proc/sys/net/ipv4/tcp_max_tw_buckets
}

# port_device NAME: set $device to the virtio port with that name. They come up
# by messages from the host, some time after their driver.
port_device()
{
	tries=400
	while [ $tries -gt 0 ]; do
		for device in /sys/class/virtio-ports/*; do
			if grep -sqx "$1" "$device/name"; then
				device=/dev/${device##*/}
				return
			fi
		done
		usleep 50000
		tries=$((tries - 1))
	done
	fail "the port '$1' did not come up"
}

# A port can be opened only once, and programs do open /dev/stdout again: so
# the job writes into a pipe. What it leaves running would keep that pipe open,
# and is killed.
run_job()
{
	port_device output
	mkfifo $job/pipe
	cat $job/pipe >"$device" &
	relay=$!
	(
		exec </dev/null >$job/pipe 2>&1
		cd "$(cat $job/folder)" || exit 1
		exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
			HOME=/root LANG=C.UTF-8 TERM=dumb ${out:+TCPSTATE_OUT=$out} \
			setsid /bin/bash $job/command
	)
	status=$?
	kill_others $relay
	wait $relay
}

# kill_others PROCESS: all but this one, ourselves, and the kernel's threads,
# which have no program file
kill_others()
{
	for process in /proc/[0-9]*; do
		id=${process#/proc/}
		if [ "$id" -ne 1 ] && [ "$id" -ne "$1" ] && [ -e "$process/exe" ]; then
			kill -KILL "$id" 2>/dev/null
		fi
	done
}

# A debug kernel is asked for leaks twice: the first scan only marks what may
# be one.
scan_for_leaks()
{
	leaks=/sys/kernel/debug/kmemleak
	[ -e $leaks ] || return 0
	echo scan >$leaks
	echo scan >$leaks
	cat $leaks
}

# Read from the device, because `dmesg -C` by a test hides nothing there; with
# the host's dd, because that of busybox cannot stop at the end.
report_log()
{
	port_device log
	{
		/bin/dd if=/dev/kmsg bs=8192 iflag=nonblock status=none 2>/dev/null |
			sed 's/^[0-9]*,[0-9]*,\([0-9]*\)\([0-9]\{6\}\),[^;]*;/[\1.\2] /'
		scan_for_leaks
	} >"$device"
}

settings
out=
[ ! -e $job/out ] || out=/out
port_device status
exec 3>"$device"
read -r uptime rest </proc/uptime
echo "begin $uptime" >&3
run_job
report_log
echo "exit $status" >&3
poweroff -f
