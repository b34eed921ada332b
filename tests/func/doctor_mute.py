#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""A hook that is attached and never fires is a failure to doctor."""
import contextlib
import os
import subprocess
import tempfile

import doctor
import tcpstate_test as t


def write(path, text_):
    with open(path, "w", encoding="ascii") as f:
        f.write(text_)


@contextlib.contextmanager
def kprobes_disarmed():
    """They are attached as before, and never fire."""
    folder = tempfile.mkdtemp(prefix="tcpstate-")
    path = os.path.join(folder, "kprobes/enabled")
    try:
        t.run("mount", "-t", "debugfs", "none", folder)
        if not os.path.exists(path):
            raise t.Skip("kprobes cannot be disarmed on this kernel")
        write(path, "0")
        yield
    finally:
        if os.path.exists(path):
            write(path, "1")
        subprocess.run(["umount", folder], check=False)
        os.rmdir(folder)


def attached_and_not_fired(source):
    args = () if source == "kmod" else ("--hooks", "kprobe")
    before = doctor.Report(source, *args)
    mute = {o["hook"] for o in before.of["hook"]
            if o.get("how", "").split()[:1] in (["kprobe"], ["kretprobe"])}
    if not mute:
        raise t.Skip("no hook is a kprobe here")
    with kprobes_disarmed():
        report = doctor.Report(source, *args)
        plain = t.tool_run("doctor", "--source", source, *args)
    for name in mute:
        o = report.hook(name)
        t.check_equal((o["result"], o["fired"], o["observed"]),
                      ("failed", 0, False), f"what is said of {o}")
    t.check_equal({o["hook"] for o in report.of["hook"]
                   if o["result"] == "failed"}, mute, "the hooks that failed")
    t.check(any(o["result"] == "failed" for o in report.of["path"]),
            "no connection shows that a hook did not fire")
    report.check_exit("failed")
    t.check_equal(plain.returncode, doctor.FAILED, "the exit status without -j")
    t.check("FAILED" in plain.stdout, "text does not tell the failure")
    doctor.Report(source, *args).check_all()


if __name__ == "__main__":
    t.main(attached_and_not_fired)
