#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""An event in an interrupt, while a program runs for another one: the kernel does
not run it again, which no ring shows. Both CPUs are saturated until the kernel has
counted such misses; then the tool must still have told as many moves as there were,
by the kernel's and the traffic's own counts, and none as lost."""
import collections
import json
import os
import re
import signal
import subprocess
import threading
import time

import tcpstate_test as t

PAIRS = 6
ROUND_S = 0.2       # the rings have room for it, however slow our reading is
LIMIT_S = 150       # without a miss by then the test has shown nothing: it fails
MOVE = re.compile(rb'"old_state":"(\w+)","new_state":"(\w+)"')
FIN_ACKED = "FIN_WAIT1 FIN_WAIT2", "FIN_WAIT1 CLOSING"
SUMMARY = b'{"event":"summary"'


class Counted:
    """tcpstate-watch events, too many to keep: counted as they come."""

    def __init__(self, source, *args):
        own = str(os.stat("/proc/thread-self/ns/net").st_ino)
        self.moves = collections.Counter()
        self.twins = 0
        self.summary = None
        self.process = subprocess.Popen(
            [t.tool(), "events", "-j", "--source", source, "-N", own, *args],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, preexec_fn=self._in_child)
        ready = self.process.stderr.readline().decode()
        t.check("ready" in ready, f"no ready line but {ready!r}")
        threading.Thread(target=self.process.stderr.read, daemon=True).start()
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    @staticmethod
    def _in_child():
        t.die_with_parent()
        t.enter_netns(t.Test.home)

    def _read(self):
        for line in self.process.stdout:
            if m := MOVE.search(line):
                self.moves[m.groups()] += 1
                self.twins += b'"twin"' in line
            elif line.startswith(SUMMARY):
                self.summary = json.loads(line)

    def misses(self):
        """Of the program on the tracepoint, and of its twin."""
        found = t.bpf_misses(self.process.pid)
        return {name: found[name] for name in ("state", "state_twin")}

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        t.check_equal(self.process.wait(t.LIMIT), 0, "the exit status")
        self.thread.join(t.LIMIT)
        t.check(self.summary, "there is no summary")
        return self.summary


def flood():
    build = os.environ.get("OUTPUT") or os.path.join(
        os.path.dirname(t.tool()), "func")
    here = os.path.dirname(os.path.realpath(__file__))
    for folder in (here, build):
        if os.access(os.path.join(folder, "flood"), os.X_OK):
            return int(t.run(os.path.join(folder, "flood"), str(PAIRS),
                             str(ROUND_S)))
    raise t.Failure("flood is not built: make -C tests/func")


def snmp():
    with open("/proc/net/snmp", encoding="ascii") as f:
        names, values = [line.split() for line in f if line.startswith("Tcp:")]
    return {k: int(v) for k, v in zip(names[1:], values[1:])}


def told(moves, *names):
    """How many moves have one of these "OLD NEW"."""
    return sum(moves[tuple(n.encode().split())] for n in names)


def as_many(watch, done):
    """Each connection's two ends went through all their states."""
    before = snmp()
    t.check_equal(before["ActiveOpens"], done, "ActiveOpens of the kernel")
    t.check_equal(before["PassiveOpens"], done, "PassiveOpens of the kernel")
    for names in (("CLOSE SYN_SENT",), ("SYN_SENT ESTABLISHED",),
                  ("LISTEN SYN_RECV",), ("SYN_RECV ESTABLISHED",),
                  ("ESTABLISHED FIN_WAIT1",), ("ESTABLISHED CLOSE_WAIT",),
                  FIN_ACKED,
                  ("CLOSE_WAIT LAST_ACK",), ("LAST_ACK CLOSE",)):
        t.check_equal(told(watch.moves, *names), done,
                      f"the number of {' or '.join(names)} that were told of "
                      f"{dict(watch.moves)}, {watch.summary}")


def all_told(watches, done):
    try:
        t.wait_until(lambda: all(told(w.moves, "LAST_ACK CLOSE") >= done and
                                 told(w.moves, *FIN_ACKED) >= done
                                 for w in watches), "all ends")
    except t.Failure:
        raise t.Failure(f"of {done} connections were told: " + " and ".join(
            f"{ {b' '.join(k).decode(): n for k, n in w.moves.items()} }, "
            f"missed {w.misses()}, {w.stop()}" for w in watches)) from None


def lost_to_interrupts(source):
    raw = Counted(source, "--raw")
    events = Counted(source)
    done = rounds = 0
    end = time.monotonic() + LIMIT_S
    while not raw.twins or not all(w.misses()["state"] for w in (raw, events)):
        t.check(time.monotonic() < end, f"the kernel counted no miss in {done} "
                f"connections, {rounds} rounds: nothing is shown")
        done += flood()
        rounds += 1
        all_told((raw, events), done)
    missed = {"raw": raw.misses(), "events": events.misses()}
    summaries = [w.stop() for w in (raw, events)]
    print(f"# {done} connections in {rounds} rounds, missed {missed}, "
          f"{raw.twins} records by a twin, lost "
          f"{[s['lost'] for s in summaries]}")
    as_many(events, done)
    for summary in summaries:
        t.check_equal(summary["lost"], 0, "the number of lost events")
    t.check(raw.twins, "no record is a twin's")


if __name__ == "__main__":
    t.main(lost_to_interrupts, only_source="bpf", limit=LIMIT_S + 90)
