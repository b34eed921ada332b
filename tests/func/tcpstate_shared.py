# SPDX-License-Identifier: GPL-2.0
"""One tcpstate-watch for all cases of a program.

Its start takes seconds on an emulated processor, most of a case. main(shares=..)
has one started per source before the first case and ended, as a user would,
after the last. It watches every namespace; each case looks at its own.
"""
import contextlib
import json
import os
import signal
import socket
import subprocess
import tempfile
import time

from tcpstate_net import (LIMIT, Failure, Test, check, check_equal, cookie,
                          die_with_parent, enter_netns)


class SharedTool:
    """Belongs to the test program; the cases, its children, read what it says."""

    running = {}        # by source, and command with options

    def __init__(self, source, command, line):
        self.line = " ".join(line)
        self.out = tempfile.NamedTemporaryFile()
        self.err = tempfile.NamedTemporaryFile()
        self._process = subprocess.Popen(
            line, stdin=subprocess.DEVNULL, stdout=self.out, stderr=self.err,
            preexec_fn=die_with_parent)
        self.key = source, command
        SharedTool.running[self.key] = self

    def wait_ready(self, limit):
        end = time.monotonic() + limit
        while not any(": ready, " in s for s in self.stderr()):
            if self._process.poll() is not None:
                raise Failure(f"{self.line} ended before it was ready: "
                              f"{' '.join(self.stderr())}")
            check(time.monotonic() < end, f"the ready line did not come within "
                  f"{limit:g} s from {self.line}")
            time.sleep(0.02)

    def stderr(self):
        """Its whole lines so far."""
        with open(self.err.name, encoding="utf-8", errors="replace") as f:
            return [s[:-1] for s in f.readlines() if s.endswith("\n")]

    def size(self):
        """Of what it has said so far; the place where a case begins to read."""
        return os.stat(self.out.name).st_size

    def last_object(self):
        """A list, empty if it said nothing."""
        with open(self.out.name, "rb") as f:
            return [json.loads(line) for line in f.readlines()[-1:]]

    def ended(self):
        """Asked by a case too, whose child it is not."""
        try:
            with open(f"/proc/{self._process.pid}/stat", encoding="ascii",
                      errors="replace") as f:
                return f.read().rpartition(")")[2].split()[0] in "ZX"
        except FileNotFoundError:
            return True

    def stop(self):
        del SharedTool.running[self.key]
        self._process.send_signal(signal.SIGINT)
        try:
            status = self._process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            raise Failure(f"{self.line} did not end within {LIMIT:g} s of "
                          "SIGINT") from None
        check_equal(status, 0, f"the exit status of {self.line}")

    @classmethod
    def kill_all(cls):
        for tool in cls.running.values():
            tool._process.kill()
            tool._process.wait()
        cls.running.clear()


@contextlib.contextmanager
def at_home():
    """In the namespace of the test program."""
    case = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    if Test.home is not None:
        enter_netns(Test.home)
    try:
        yield
    finally:
        enter_netns(case)
        os.close(case)


@contextlib.contextmanager
def refused_connect():
    """The cookie of a connection to a port where nobody listens."""
    with socket.socket() as nobody, socket.socket() as sock:
        nobody.bind(("127.0.0.1", 0))
        sock.settimeout(LIMIT)
        with contextlib.suppress(ConnectionRefusedError):
            sock.connect(nobody.getsockname())
        yield cookie(sock)
