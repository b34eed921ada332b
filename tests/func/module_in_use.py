#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The module cannot be removed while a session is open, whoever tries; when the
last is closed, or its process killed, it can, and leaves nothing behind."""
import os
import signal
import subprocess

import tcpstate_test as t


def rmmod():
    return subprocess.run(["rmmod", "tcpstate"], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)


def module_in_use(source):
    with open("/proc/modules", encoding="ascii") as f:
        if not any(line.startswith("tcpstate ") for line in f):
            raise t.Skip("tcpstate is not a loaded module")
    events = t.Watch(source)
    done = rmmod()
    t.check(done.returncode and "in use" in done.stdout,
            f"rmmod with an open session: {done.returncode} {done.stdout!r}")
    server = t.listener()
    door = t.End(server, "listener")
    events.expect(door, "CLOSE LISTEN")
    events.finish()

    second = t.Watch(source)
    second.stop(signal.SIGKILL)
    t.wait_until(lambda: not rmmod().returncode, "rmmod after the last session")
    t.check(not os.path.exists("/dev/tcpstate"), "/dev/tcpstate is still there")
    t.check(not os.path.exists("/sys/module/tcpstate"),
            "/sys/module/tcpstate is still there")
    done = t.tool_run("events", "--source", "kmod", "--duration", "0")
    t.check_equal(done.returncode, 3, "the exit status without the module")
    t.check("insmod" in done.stderr, f"it does not say what to do: {done.stderr}")
    t.check(t.kmod_available(), "insmod after rmmod failed")


if __name__ == "__main__":
    t.main(module_in_use, only_source="kmod")
