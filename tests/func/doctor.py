#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""doctor makes every hook fire, and says the same as the ready line. A hook that
is attached and does not fire is a failure, which nothing else looks like."""
import collections
import contextlib
import json
import os
import time

import tcpstate_test as t

DONE, INFERRED, FAILED = 0, 1, 3
EXIT = {"observed": DONE, "inferred": INFERRED, "untested": INFERRED,
        "failed": FAILED}
HOOKS = ("every transition", t.REQUEST, t.REQUEST_END, t.TIME_WAIT,
         t.TIME_WAIT_END, t.CONNECT_PORT, t.ACCEPT_OWNER, t.ORPHAN_TIME_WAIT,
         "SYN or FIN sent again", "SYN-ACK sent again", "RST sent",
         "RST received", "SYN to an old socket", "SYN to TIME_WAIT")
CONNECTIONS = 7
NOT_ACCEPTED = 2
PR_CAPBSET_DROP, CAP_SYS_ADMIN = 24, 21
# The part of doctor that is not loading: a second for a lost SYN, and two
# seconds at the very most.
SELF_TEST_LIMIT = 3.5


class Report:
    """What doctor -j says of one source."""

    def __init__(self, source, *args, **kw):
        self.source = source
        began = time.monotonic()
        self.done = t.tool_run("doctor", "-j", "--source", source, *args, **kw)
        self.seconds = time.monotonic() - began
        self.of = collections.defaultdict(list)
        for line in self.done.stdout.splitlines():
            o = json.loads(line)
            if o["event"] == "owners":
                self.of["owners"].append(o)
                continue
            t.check_equal(o.get("source"), source, f"the source in {line}")
            self.of[o["event"]].append(o)
        t.check_equal(self.done.stderr, "", "stderr of doctor")
        t.check_equal(len(self.of["source"]), 1, "the number of sources")

    def works(self):
        return self.of["source"][0]["works"]

    def hook(self, name):
        found = [o for o in self.of["hook"] if o["hook"] == name]
        t.check_equal(len(found), 1, f"the number of lines about {name}")
        return found[0]

    def verdict(self):
        t.check_equal(len(self.of["verdict"]), 1, "the number of verdicts")
        return self.of["verdict"][0]["result"]

    def inferred(self):
        return {o["hook"] for o in self.of["hook"]
                if o["result"] == "inferred"}

    def check_exit(self, verdict):
        t.check_equal(self.verdict(), verdict,
                      f"the verdict in {self.done.stdout}")
        t.check_equal(self.done.returncode, EXIT[verdict],
                      "the exit status of doctor")

    def check_hooks(self):
        t.check_equal([o["hook"] for o in self.of["hook"]], list(HOOKS),
                      "the hooks")
        for o in self.of["hook"]:
            if o["result"] == "inferred":
                t.check("how" not in o and o["why"] and o["instead"],
                        f"a hook that is missing is not explained: {o}")
                continue
            t.check_equal(o["result"], "observed", f"the result of {o}")
            t.check(o["how"] and o["fired"] >= o["expected"] > 0,
                    f"a hook did not fire often enough: {o}")
        self.check_counts()

    def check_counts(self):
        """What was made is known, so that a hook that fires for anything else
        as well is found out. A timer is also stopped for those that live."""
        for name, count in ((t.REQUEST, CONNECTIONS), (t.TIME_WAIT, 3),
                            (t.CONNECT_PORT, CONNECTIONS),
                            (t.ACCEPT_OWNER, CONNECTIONS - NOT_ACCEPTED),
                            (t.REQUEST_END, 1), (t.TIME_WAIT_END, 1),
                            (t.ORPHAN_TIME_WAIT, 1), ("RST sent", 2),
                            ("RST received", 1),
                            ("SYN to an old socket", 1),
                            ("SYN to TIME_WAIT", 1)):
            o = self.hook(name)
            if "how" in o and not o["how"].startswith("timer"):
                t.check_equal(o["fired"], count, f"how often fired {o}")

    def check_paths(self):
        paths = self.of["path"]
        t.check_equal(len(paths), 2 * CONNECTIONS, "the number of ends")
        for o in paths:
            t.check(o["result"] in ("observed", "inferred") and
                    o["seen"] == o["expected"] and not o["gap"],
                    f"a connection was not told as it was: {o}")
        dump, stack = self.of["helper"]
        t.check_equal((dump["how"], dump["result"]), ("sock_diag", "observed"),
                      f"the result of {dump}")
        # Both ends have a reason, as far as they are seen.
        t.check(stack["shown"] == stack["expected"] ==
                sum("how" in self.hook(name) for name in
                    (t.REQUEST_END, t.TIME_WAIT_END)),
                f"why a mini-socket ended is not known: {stack}")

    def check_all(self):
        t.check(self.works(), f"the source does not work: {self.done.stdout}")
        self.check_hooks()
        self.check_paths()
        # A path that is inferred where all hooks fire would be none of theirs.
        if not self.inferred():
            for o in self.of["path"]:
                t.check_equal(o["result"], "observed", f"the result of {o}")
        self.check_exit("inferred" if self.inferred() else "observed")


def ready_line(source, *args):
    """What a run infers that needs every hook; the source works."""
    leaks = t.Watch(source, "leaks", *args)
    t.check_equal(leaks.stop(), 0, "the exit status of leaks")
    return leaks.not_observed


NAMES = {
    "source": {"works"},
    "hook": {"hook", "result", "observed"},
    "helper": {"helper", "how", "result", "shown", "expected"},
    "path": {"connection", "end", "result", "seen", "expected", "gap"},
    "verdict": {"result"},
    "owners": {"how"},
}
OWNERS = {"iterator": "iterator task_file", "proc": "/proc"}


def check_names(report):
    t.check_equal(set(report.of), set(NAMES), "the events of doctor")
    for event, objects in report.of.items():
        for o in objects:
            missing = NAMES[event] - set(o)
            t.check(not missing, f"{o} has no {missing}")
    for o in report.of["hook"]:
        t.check_equal(o["observed"], o["result"] == "observed",
                      f"observed in {o}")


def agrees_with_the_ready_line(source):
    report = Report(source)
    report.check_all()
    check_names(report)
    t.check_equal(report.inferred(), ready_line(source),
                  "what doctor calls inferred, not what the ready line does,")


def text(source):
    report = Report(source)
    done = t.tool_run("doctor", "--source", source)
    t.check_equal(done.returncode, report.done.returncode,
                  "the exit status without -j")
    lines = done.stdout.splitlines()
    t.check_equal(lines[0], f"kernel {os.uname().release}", "the first line")
    t.check_equal(lines[1], f"owners {report.of['owners'][0]['how']}",
                  "the second line")
    t.check_equal(lines[2].split(), [source, "works"], "the third line")
    for name in HOOKS:
        result = report.hook(name)["result"]
        t.check(any(line.split()[:1] == [result] and f" {name} " in line
                    for line in lines), f"no line calls {name} {result}")
    t.check(lines[-1].split()[0] == report.verdict(),
            f"the last line is no verdict: {lines[-1]!r}")
    t.check("FAILED" not in done.stdout, f"text tells a failure: {done.stdout}")


def leaves_nothing(source):
    """Neither a process, nor TIME_WAITs for others to wonder about."""
    before = set(os.listdir("/proc"))
    report = Report(source)
    report.check_all()
    for pid in set(os.listdir("/proc")) - before:
        with contextlib.suppress(OSError):
            with open(f"/proc/{pid}/comm", encoding="ascii") as f:
                t.check(f.read().strip() != "tcpstate-watch",
                        f"process {pid} was left behind")
    t.check_equal(t.sockets(), [], "the sockets in the namespace of the caller")


def in_time(source):
    began = time.monotonic()
    empty = t.tool_run("events", "--source", source, "--duration", "0")
    loading = time.monotonic() - began
    t.check_equal(empty.returncode, 0, "the exit status of events")
    report = Report(source)
    t.check(report.seconds < 2 * loading + SELF_TEST_LIMIT,
            f"doctor took {report.seconds:g} s, and loading {loading:g} s")


def hooks_asked_for(source):
    """--hooks is for BPF; whatever way it forces, what is attached fires, and
    what is not is inferred."""
    if source == "kmod":
        report = Report(source, "--hooks", "kprobe")
        t.check(not report.works() and "--hooks" in
                report.of["source"][0]["why"], "kmod takes --hooks")
        t.check_equal(report.done.returncode, FAILED, "the exit status")
        return
    for method in ("timer", "kprobe", "fentry", "none"):
        report = Report(source, "--hooks", method)
        report.check_all()
        for o in report.of["hook"]:
            t.check(o.get("how", method).startswith("tracepoint") or
                    o.get("how", method).split()[0] in (method, "sockops"),
                    f"{o} is not by {method}")
        t.check_equal(report.inferred(),
                      ready_line(source, "--hooks", method),
                      f"what doctor --hooks {method} calls inferred")


def owners_asked_for(source):
    """Both ways work, on each kernel that the tests are run on."""
    ways = {"auto": OWNERS["iterator"], **OWNERS}
    for way, how in ways.items():
        told = Report(source, "--owners", way).of["owners"]
        t.check_equal(told, [{"event": "owners", "how": how}],
                      f"what is told of --owners {way}")


def may_not_make_a_namespace(source):
    """Attached is all that can be said: no failure, and not ok either."""
    def drop():
        t.die_with_parent()
        t._libc.prctl(PR_CAPBSET_DROP, CAP_SYS_ADMIN, 0, 0, 0)
    report = Report(source, preexec_fn=drop)
    if not report.works():
        t.check(source == "bpf" and t.kernel() < (6, 2),
                f"does not work without CAP_SYS_ADMIN: {report.done.stdout}")
        t.check("CAP_SYS_ADMIN" in report.of["source"][0]["why"],
                f"does not say what it needs: {report.done.stdout}")
        t.check_equal(report.done.returncode, FAILED, "the exit status")
        return
    t.check_equal(report.of["path"], [], "paths that nobody made")
    for o in report.of["hook"]:
        t.check(o["result"] in ("untested", "inferred") and "fired" not in o,
                f"a hook was tested: {o}")
    report.check_exit("untested")
    t.check("network namespace" in report.of["verdict"][0]["why"],
            f"no reason is given: {report.of['verdict']}")


if __name__ == "__main__":
    t.main(agrees_with_the_ready_line, text, leaves_nothing, in_time,
           hooks_asked_for, owners_asked_for, may_not_make_a_namespace)
