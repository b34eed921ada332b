#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Without privileges: exit 3, one sentence on stderr, nothing on stdout."""
import os
import shutil
import tempfile

import tcpstate_test as t


def nobody():
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)


def not_root(source):
    folder = tempfile.mkdtemp(prefix="tcpstate-")
    try:
        os.chmod(folder, 0o755)
        copy = shutil.copy(t.tool(), folder)
        os.environ["TCPSTATE_WATCH"] = copy
        for command in ("events", "conns", "leaks", "timewait", "watch",
                        "doctor"):
            done = t.tool_run(command, "--source", source, "--duration", "1",
                              preexec_fn=nobody)
            t.check_equal(done.returncode, 3, f"the exit status of {command}")
            t.check_equal(done.stdout, "", f"stdout of {command}")
            t.check_equal(len(done.stderr.splitlines()), 1,
                          f"the number of lines on stderr of {command}")
            t.check("root" in done.stderr,
                    f"{command} does not say what it needs: {done.stderr!r}")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    t.main(not_root)
