#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""How a run ends: a signal, --duration, --count, a closed pipe, a full disk, a
reader that does not read. The last line is the summary, and nothing stays
attached."""
import fcntl
import os
import select
import signal
import subprocess
import time

import tcpstate_test as t


def attached():
    """Our programs in the kernel; None if bpftool cannot tell."""
    try:
        done = subprocess.run(["bpftool", "-j", "prog", "show"], check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        names = [p.get("name", "") for p in t.json.loads(done.stdout)]
    except (FileNotFoundError, ValueError):
        return None
    ours = {"state", "state_twin", "sock_ops", "timer_start", "timer_cancel",
            "tw_add_fentry", "tw_kill_fentry", "req_add_fentry",
            "connect_fentry", "accept_fentry"}
    return sorted(n for n in names if n in ours)


def module_users():
    try:
        with open("/sys/module/tcpstate/refcnt", encoding="ascii") as f:
            return int(f.read())
    except FileNotFoundError:
        return 0


def nothing_left(before):
    t.wait_until(lambda: (attached(), module_users()) == before,
                 "everything detached")


def remembering(case):
    """Nothing more is attached after the case than before it."""
    def run(source):
        before = attached(), module_users()
        case(source)
        nothing_left(before)
    run.__name__ = case.__name__
    return run


def traffic():
    server = t.listener()
    client, child = t.pair(server)
    ends = t.ends(client, child)
    t.linger0(client)
    client.close()
    child.close()
    server.close()
    return ends


@remembering
def signals(source):
    for sig in (signal.SIGINT, signal.SIGTERM):
        events = t.Watch(source)
        traffic()
        t.check_equal(events.stop(sig), 0, f"the exit status after {sig.name}")
        events.check_summary()
        t.check(events.objects[-1]["captured"] >= 7,
                f"{events.objects[-1]} counts not even our own transitions")


@remembering
def duration(source):
    began = time.monotonic()
    done = t.tool_run("events", "-j", "--source", source, "--duration", "500ms")
    took = time.monotonic() - began
    t.check_equal(done.returncode, 0, "the exit status")
    t.check(took >= 0.5, f"--duration 500ms ended after {took:.3f} s")
    lines = done.stderr.splitlines()
    t.check(len(lines) == 2 and t.READY.fullmatch(lines[0]) and
            t.SUMMARY.fullmatch(lines[1]), f"stderr is {lines}")


@remembering
def count(source):
    events = t.Watch(source, "events", "--count", "3")
    c, _ = traffic()
    t.wait_until(events.ended, "the end after three lines")
    t.check_equal(events.stop(), 0, "the exit status")
    events.check_summary()
    states = [o for o in events.objects if o["event"] == "state"]
    t.check_equal(len(states), 3, "the number of events with --count 3")
    t.check_equal([(o["old_state"], o["new_state"]) for o in states],
                  [("CLOSE", "LISTEN"), ("CLOSE", "SYN_SENT"),
                   ("LISTEN", "SYN_RECV")], "the first three events")
    t.check_equal(states[1]["conn_id"], c.cookie, "the second connection")


class Process:
    """The tool with a stdout of our own."""

    def __init__(self, source, stdout, *args):
        self.process = subprocess.Popen(
            [t.tool(), "events", "-j", "--source", source, *args],
            stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE,
            text=True, preexec_fn=t.die_with_parent)
        line = self.process.stderr.readline().rstrip("\n")
        t.check(t.READY.fullmatch(line), f"no ready line but {line!r}")

    def end(self, what):
        try:
            self.process.wait(t.LIMIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise t.Failure(f"it did not end {what}") from None
        lines = self.process.stderr.read().splitlines()
        t.check(lines and t.SUMMARY.fullmatch(lines[-1]),
                f"the last line {what} is no summary: {lines[-1:]}")
        return self.process.returncode, lines[:-1]


@remembering
def closed_pipe(source):
    for with_traffic in (True, False):
        r, w = os.pipe()
        it = Process(source, w)
        os.close(w)
        os.close(r)
        if with_traffic:
            traffic()
        status, lines = it.end("when its pipe was closed")
        t.check_equal((status, lines), (0, []), "exit status and words after a "
                      "closed pipe")


@remembering
def full_disk(source):
    with open("/dev/full", "w", encoding="ascii") as full:
        it = Process(source, full)
        traffic()
        status, lines = it.end("when its disk was full")
    t.check_equal(status, 1, "the exit status with a full disk")
    t.check(len(lines) == 1 and "No space left" in lines[0],
            f"no sentence about the full disk: {lines}")


@remembering
def slow_reader(source):
    """It must end even if nobody takes what it writes."""
    r, w = os.pipe()
    fcntl.fcntl(w, 1031, 4096)
    it = Process(source, w, "-N", str(os.stat("/proc/self/ns/net").st_ino))
    os.close(w)
    for _ in range(20):
        traffic()
    t.wait_until(lambda: select.select([r], [], [], 0)[0], "output")
    it.process.send_signal(signal.SIGTERM)
    status, lines = it.end("with a reader that does not read")
    t.check(status == 1 and len(lines) == 1,
            f"exit status {status} and words {lines}")
    os.close(r)


@remembering
def killed(source):
    """SIGKILL leaves nothing behind, and the next run works."""
    first = t.Watch(source)
    traffic()
    t.check_equal(first.stop(signal.SIGKILL), -signal.SIGKILL, "exit status")
    second = t.Watch(source)
    c, s = traffic()
    second.wait_state(c, "CLOSE")
    second.wait_state(s, "CLOSE")
    t.check_equal(second.stop(), 0, "the exit status of the second")


@remembering
def broken_stderr(source):
    """Nothing can be said; the exit status still tells."""
    r, w = os.pipe()
    os.close(r)
    done = subprocess.run([t.tool(), "events", "--source", source, "-c", "1",
                           "--duration", "10ms"], stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=w, check=False,
                          timeout=t.READY_LIMIT)
    os.close(w)
    t.check_equal(done.returncode, 0, "the exit status with stderr closed")


@remembering
def within_100_ms(source):
    """Output is flushed within 100 ms of the event, in a pipe too."""
    events = t.Watch(source)
    delays = []
    for _ in range(20):
        with t.listener() as server:
            cookie = t.cookie(server)
            before = time.monotonic()
            events.wait_for(lambda o, c=cookie: o.get("conn_id") == c, "LISTEN")
            delays.append(time.monotonic() - before)
    events.stop()
    delays.sort()
    # The median: one busy moment of the machine is no delay of the tool.
    t.check(delays[10] < 0.1, f"half of the events came after {delays[10]:.3f} "
            "s or later")


if __name__ == "__main__":
    t.main(signals, duration, count, closed_pipe, full_disk, slow_reader,
           killed, broken_stderr, within_100_ms)
