# SPDX-License-Identifier: GPL-2.0
"""tcpstate-watch, what it says, and what it must have said."""
import calendar
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import threading
import time

from tcpstate_net import (LIMIT, PATIENCE, Failure, Skip, Test, check,
                          check_equal, die_with_parent, enter_netns)
from tcpstate_shared import SharedTool, at_home, refused_connect

READY_LIMIT = 90.0 * PATIENCE   # seconds until the ready line

# Words of the ready line: what is not observed on this kernel.
ACCEPT_OWNER = "owner at accept()"
CONNECT_PORT = "source port of connect()"
REQUEST = "SYN_RECV"
REQUEST_END = "SYN_RECV end"
TIME_WAIT = "TIME_WAIT"
TIME_WAIT_END = "TIME_WAIT end"
ORPHAN_TIME_WAIT = "TIME_WAIT of orphans"
TIME_WAIT_SEGMENTS = "SYN to TIME_WAIT"

_here = os.path.dirname(os.path.realpath(__file__))


# ---- expectations ----

class Expected:
    """The whole logical stream of one life of an End."""

    # The moves that only a system call on the socket makes.
    BY_TASK = {("CLOSE", "SYN_SENT"), ("CLOSE", "LISTEN"),
               ("ESTABLISHED", "FIN_WAIT1"), ("CLOSE_WAIT", "LAST_ACK")}

    def __init__(self, end, path, life=1, accepted=True, snapshot=False,
                 orphan=False, fastopen=False, **last):
        """accepted: accept() came before the end of ESTABLISHED. snapshot: it
        is older than the tool. orphan: it was closed before the peer's FIN
        came, so that FIN_WAIT2 is a mini-socket's. fastopen: there is no
        request, and SYN_RECV is told when it is left."""
        self.end = end
        self.path = path.split()
        self.life = life
        self.accepted = accepted and end.role == "server"
        self.snapshot = snapshot
        self.orphan = orphan
        self.fastopen = fastopen
        self.last = last

    def count(self):
        return len(self.path) - 1

    def events(self, watch):
        """Dicts of what must be; a set is a choice, None means absent."""
        owner = self.end.owner
        owner_known = self.snapshot
        events = []
        for old, new in zip(self.path, self.path[1:]):
            event = {"event": "state", "life": self.life,
                     "old_state": old, "new_state": new,
                     "basis": self._basis(watch, old, new),
                     "course": self.course(old, new)}
            event.update(self.end.fields())
            if (old, new) in self.BY_TASK or self._aborts(new):
                owner_known = True
            if (self.fastopen and self.accepted and old == "SYN_RECV" and
                    not watch.infers(ACCEPT_OWNER)):
                owner_known = True      # accept() came before that
            if owner_known:
                event.update(pid=owner.pid, comm=owner.comm)
            if new == "SYN_RECV" or (old, new) == ("SYN_RECV", "CLOSE"):
                # A request_sock has no user.
                event["uid"] = {None, owner.uid}
            else:
                event["uid"] = owner.uid
            if new == "SYN_SENT" and watch.infers(CONNECT_PORT):
                event["sport"] = {None, self.end.sport}
                event["saddr"] = {None, self.end.saddr}
            if (new == "ESTABLISHED" and self.accepted and
                    not watch.infers(ACCEPT_OWNER)):
                owner_known = True
            events.append(event)
        if events:
            events[-1].update(self.last)
        return events

    @staticmethod
    def course(old, new):
        """Of RFC 9293's figure 5: a thick line's name, or unusual."""
        for name, path in (
                ("normal_client", "CLOSE SYN_SENT ESTABLISHED FIN_WAIT1 "
                                  "FIN_WAIT2 TIME_WAIT CLOSE"),
                ("normal_server", "CLOSE LISTEN SYN_RECV ESTABLISHED "
                                  "CLOSE_WAIT LAST_ACK CLOSE")):
            states = path.split()
            if (old, new) in zip(states, states[1:]):
                return name
        return "unusual"

    def _aborts(self, new):
        """Is it an end that only the program itself can bring about?"""
        return (new == "CLOSE" and self.last.get("reason") == "abort" and
                self.last.get("detail") != "listener_closed")

    def _basis(self, watch, old, new):
        basis = {"tracepoint", "probe"}
        if (self.orphan and new == "TIME_WAIT" and
                watch.infers(ORPHAN_TIME_WAIT)):
            basis |= {"inferred", "snapshot"}
        if new == "SYN_RECV" and (self.fastopen or watch.infers(REQUEST)):
            basis.add("inferred")
        if new == "TIME_WAIT" and watch.infers(TIME_WAIT):
            basis |= {"inferred", "snapshot"}
        if (old, new) == ("TIME_WAIT", "CLOSE") and watch.infers(TIME_WAIT_END):
            basis |= {"inferred", "snapshot"}
        return basis


OPTIONAL = {"cgroup", "unit", "container"}
CHECKED_APART = {"ts", "mono_ns", "span_us"}


def compare_fields(event, expected, who, apart=CHECKED_APART):
    for key, value in expected.items():
        got = event.get(key)
        allowed = value if isinstance(value, (set, frozenset)) else {value}
        check(got in allowed,
              f"{who}: {key} is {got!r} and must be "
              f"{' or '.join(repr(v) for v in sorted(allowed, key=str))}, "
              f"in {json.dumps(event)}")
    known = set(expected) | OPTIONAL | apart
    extra = set(event) - known
    check(not extra, f"{who}: unexpected {', '.join(sorted(extra))} "
                     f"in {json.dumps(event)}")


def ts_ns(ts):
    m = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{9})Z", ts)
    check(m, f"ts {ts!r} is no time in UTC with nanoseconds")
    seconds = calendar.timegm(time.strptime(m[1], "%Y-%m-%dT%H:%M:%S"))
    return seconds * 10**9 + int(m[2])


# ---- the tool ----

def tool():
    """The path of tcpstate-watch."""
    build = os.environ.get("TCPSTATE_BUILD",
                           os.path.join(_here, "..", "..", "build"))
    for path in (os.environ.get("TCPSTATE_WATCH"),
                 os.path.join(build, "tcpstate-watch"),
                 shutil.which("tcpstate-watch")):
        if path and os.access(path, os.X_OK):
            return os.path.realpath(path)
    raise Skip("there is no tcpstate-watch: build it, or set TCPSTATE_WATCH")


def tool_run(*args, **kw):
    """Run it to its end."""
    kw.setdefault("stdin", subprocess.DEVNULL)
    kw.setdefault("stdout", subprocess.PIPE)
    kw.setdefault("stderr", subprocess.PIPE)
    kw.setdefault("timeout", READY_LIMIT)
    try:
        return subprocess.run([tool(), *args], text=True, check=False, **kw)
    except subprocess.TimeoutExpired:
        raise Failure(f"tcpstate-watch {' '.join(args)} did not end within "
                      f"{kw['timeout']:g} s") from None


READY = re.compile(r"tcpstate-watch: ready, source (\S+), (\d+) sockets? in "
                   r"(\d+) namespaces?(?:, inferred: (.+))?")
SUMMARY = re.compile(r"tcpstate-watch: captured (\d+), lost (\d+), corrected "
                     r"(\d+), unknown owner (\d+), inferred (\d+)")
SUMMARY_KEYS = ("captured", "lost", "corrected", "unknown_owner", "inferred")


def check_summary(stderr, last_objects, lossless=True):
    """The last words on both outputs."""
    last = stderr[-1] if stderr else ""
    line = SUMMARY.fullmatch(last)
    check(line, f"the last line of stderr is {last!r}, not the summary")
    others = [s for s in stderr[:-1] if not READY.fullmatch(s)]
    check(not others, f"stderr has an unexpected line: {others[:1]}")
    check(last_objects and last_objects[-1]["event"] == "summary",
          "the last object on stdout is not the summary")
    summary = last_objects[-1]
    compare_fields(summary,
                   {"event": "summary",
                    **{k: int(v) for k, v in zip(SUMMARY_KEYS,
                                                 line.groups())}},
                   "summary")
    # Events of the whole host: with a flood of others', a loss is no
    # fault of the test's few, which are all compared.
    if lossless and summary["captured"] < 20000:
        check_equal(summary["lost"], 0, "the number of lost events")


def parse(line):
    try:
        return json.loads(line)
    except ValueError:
        return {"event": "garbage", "line": line.decode("latin-1")}


class Watch:
    """A running tcpstate-watch -j, and what it has said so far."""

    running = []

    def __init__(self, source, command="events", *args, netns="own",
                 alone=False):
        """alone: not the program's shared tool, its start is the point."""
        self.expected = []
        self.own_connections = set()    # cookies that the test compares itself
        self.objects = []
        self.stderr = []
        self.ready = None
        self.own = {os.stat("/proc/thread-self/ns/net").st_ino}
        if netns != "own":
            self.own = {n.inode for n in netns or ()} or self.own
        line = [*self.command(), command, "-j", "--source", source, *args]
        if netns is not None:
            line += ["--netns", ",".join(map(str, sorted(self.own)))]
        self.line = " ".join(line)
        self._changed = threading.Condition()
        self.begin_mono = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        self.begin_real = time.time_ns()
        self.shared = None
        if not alone:
            self.shared = SharedTool.running.get(
                (source, " ".join((command, *args))))
        if self.shared:
            self._join()
        else:
            self._start(line)
        check_equal(self.ready[1], source, "the source on the ready line")
        self.not_observed = set((self.ready[4] or "").split(", ")) - {""}
        self._forget_before_ready()

    def _join(self):
        self.line = self.shared.line
        self.ready = next(filter(None, map(READY.fullmatch,
                                           self.shared.stderr())))
        self._over = False
        self._threads = [threading.Thread(target=self._read_shared,
                                          args=(self.shared.size(),),
                                          daemon=True)]
        self._threads[0].start()

    def _start(self, line):
        self.process = subprocess.Popen(
            line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, preexec_fn=self._in_child)
        Watch.running.append(self)
        self._threads = [threading.Thread(target=f, daemon=True)
                         for f in (self._read_stdout, self._read_stderr)]
        for thread in self._threads:
            thread.start()
        self._wait(lambda: self.ready or self.ended(), "the ready line",
                   READY_LIMIT)
        if not self.ready:
            raise Failure(f"{self.line} ended before it was ready: "
                          f"{' '.join(self.stderr)}")

    def command(self):
        return [tool()]

    @staticmethod
    def _in_child():
        die_with_parent()
        if Test.home is not None:
            enter_netns(Test.home)

    def _forget_before_ready(self):
        """The snapshot is no event, but a socket may move while it is taken."""
        self.before_ready = len(self.objects)

    def infers(self, what):
        return what in self.not_observed

    # reading

    def _take(self, *lines):
        items = [parse(line) for line in lines]
        with self._changed:
            self.objects += items
            self._changed.notify_all()

    def _read_stdout(self):
        for line in self.process.stdout:
            self._take(line)

    def _read_shared(self, at):
        """What it says from there on."""
        rest = b""
        with open(self.shared.out.name, "rb") as f:
            f.seek(at)
            while not self._over:
                more = f.read()
                if not more:
                    time.sleep(0.02)
                *lines, rest = (rest + more).split(b"\n")
                self._take(*lines)

    def _read_stderr(self):
        for line in self.process.stderr:
            text = line.decode("utf-8", "replace").rstrip("\n")
            with self._changed:
                self.stderr.append(text)
                self.ready = self.ready or READY.fullmatch(text)
                self._changed.notify_all()

    def ended(self):
        if self.shared:
            return self.shared.ended()
        return self.process.poll() is not None

    def _wait(self, predicate, what, limit, end_of=None):
        end = time.monotonic() + limit
        with self._changed:
            while True:
                value = predicate()
                if value:
                    return value
                if time.monotonic() > end:
                    raise Failure(f"{what} did not come within {limit:g} s "
                                  f"from {self.line}{self._heard(end_of)}")
                self._changed.wait(0.05)

    def _heard(self, end):
        own = [o for o in self.objects if self.is_own(o) and
               (not end or o.get("conn_id") == end.cookie)]
        return "; it said:" + "".join("\n  " + json.dumps(o) for o in own[-12:])

    def is_own(self, item):
        return item.get("netns") in self.own or item.get("conn_id") in {
            e.end.cookie for e in self.expected}

    def wait_for(self, predicate, what, limit=LIMIT, end_of=None):
        """The first object that predicate is true of."""
        seen = 0

        def find():
            nonlocal seen
            begin, seen = seen, len(self.objects)
            return next((o for o in self.objects[begin:seen] if predicate(o)),
                        None)
        return self._wait(find, what, limit, end_of)

    def wait_state(self, end, name, limit=LIMIT):
        """The event with which it enters a state."""
        return self.wait_for(
            lambda o: o["event"] == "state" and o["new_state"] == name and
            o["conn_id"] == end.cookie, f"{name} of {end}", limit, end)

    def wait_expected(self, limit=LIMIT):
        """As many events as were expected."""
        for e in self.expected:
            self._wait(lambda e=e: len(self.states_of(e)) >= e.count(),
                       f"{' '.join(e.path)} of {e.end}", limit, e.end)

    def of(self, end, event="state"):
        return [o for o in self.objects
                if o["event"] == event and o.get("conn_id") == end.cookie]

    def states_of(self, expected):
        return [o for o in self.of(expected.end)
                if o.get("life") == expected.life]

    # comparing

    def expect(self, end, path, **kw):
        """path: "CLOSE SYN_SENT ..": all the states that it goes through.
        Further arguments are fields of the last event."""
        self.expected.append(Expected(end, path, **kw))

    def _compare(self, expected):
        got = self.states_of(expected)
        path = [o["old_state"] for o in got[:1]] + [o["new_state"] for o in got]
        check(path == expected.path and
              all(a["new_state"] == b["old_state"]
                  for a, b in zip(got, got[1:])),
              f"{expected.end} life {expected.life}: the states are "
              f"{' '.join(path) or 'none'} and must be "
              f"{' '.join(expected.path)}:" +
              "".join("\n  " + json.dumps(o) for o in got))
        previous = None
        for event, fields in zip(got, expected.events(self)):
            who = (f"{expected.end} {event['old_state']} -> "
                   f"{event['new_state']}")
            compare_fields(event, fields, who)
            self._compare_time(event, previous, expected, who)
            previous = event

    def _compare_time(self, event, previous, expected, who):
        begin, end = self.begin_mono, self.end_mono
        check(begin <= event["mono_ns"] <= end,
              f"{who}: mono_ns {event['mono_ns']} is not in the time of the "
              f"test, {begin} to {end}")
        skew = ts_ns(event["ts"]) - event["mono_ns"]
        check(abs(skew - (self.begin_real - begin)) < 10**9,
              f"{who}: ts {event['ts']} and mono_ns {event['mono_ns']} tell "
              "different times")
        if not previous:
            check("span_us" not in event or expected.snapshot,
                  f"{who}: a first event cannot have span_us")
            return
        check(event["mono_ns"] >= previous["mono_ns"],
              f"{who}: is older than the event before it")
        if expected.fastopen and previous["new_state"] == "SYN_RECV":
            check("span_us" not in event, f"{who}: when SYN_RECV began was "
                  "not seen, and span_us is told")
            return
        span = (event["mono_ns"] - previous["mono_ns"]) // 1000
        check(abs(event.get("span_us", -9) - span) <= 1,
              f"{who}: span_us is {event.get('span_us')} and the events are "
              f"{span} us apart")

    def compare(self):
        """Everything that happened in the namespaces of the test."""
        for expected in self.expected:
            self._compare(expected)
        known = {(e.end.cookie, e.life) for e in self.expected}
        for o in self.objects[self.before_ready:]:
            check(o["event"] != "garbage",
                  f"stdout has a line that is no JSON: {o.get('line')}")
            if o["event"] == "state" and self.is_own(o):
                check((o["conn_id"], o.get("life")) in known or
                      o["conn_id"] in self.own_connections,
                      f"nobody made this connection: {json.dumps(o)}")

    # ending

    def stop(self, sig=signal.SIGINT, limit=LIMIT):
        """End it; the exit status."""
        if self.shared:
            return self._leave(limit)
        if not self.ended():
            self.process.send_signal(sig)
        try:
            self.process.wait(limit)
        except subprocess.TimeoutExpired:
            raise Failure(f"{self.line} did not end within {limit:g} s of "
                          f"signal {sig}") from None
        for thread in self._threads:
            thread.join(limit)
        self.end_mono = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        if self in Watch.running:
            Watch.running.remove(self)
        return self.process.returncode

    def _leave(self, limit):
        """When it has told all that happened until now: a connection that is
        refused, made for this, is told."""
        end = time.monotonic() + limit
        told = None
        while not told:
            check(time.monotonic() < end and not self.ended(),
                  f"{self.line} does not tell of a connection that is refused")
            with at_home(), refused_connect() as mark:
                told = self._told(mark, limit / 6)
        self._over = True
        self._threads[0].join(limit)
        self.end_mono = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        return 0

    def _told(self, mark, limit):
        """Its last line: its end, whatever the command."""
        try:
            return self.wait_for(lambda o: o.get("conn_id") == mark and
                                 o.get("new_state", o.get("state")) == "CLOSE",
                                 "the mark", limit)
        except Failure:
            return None

    def check_summary(self, lossless=True):
        if not self.shared:     # else at its own end
            check_summary(self.stderr, self.objects[-1:], lossless)

    def finish(self):
        """End it by SIGINT, and compare everything that was expected."""
        self.wait_expected()
        check_equal(self.stop(), 0, "the exit status after SIGINT")
        self.check_summary()
        self.compare()

    def conn(self, end):
        """The one conn object of an End."""
        lines = self.of(end, "conn")
        check_equal(len(lines), 1, f"the number of conn lines of {end}")
        return lines[0]

    @classmethod
    def kill_all(cls):
        for watch in list(cls.running):
            watch.process.kill()
            watch.process.wait()


@contextlib.contextmanager
def shared_tools(source, commands):
    """commands: with their options, as in "events --raw". They serve the cases
    that are run meanwhile; how they end counts too."""
    tools = []
    try:
        for command in commands:
            name, *options = command.split()
            tools.append(SharedTool(
                source, command,
                [tool(), name, "-j", "--source", source, *options]))
        for shared in tools:
            shared.wait_ready(READY_LIMIT)
        yield
        for shared in tools:
            shared.stop()
            check_summary(shared.stderr(), shared.last_object())
    finally:
        SharedTool.kill_all()


def check_conn(watch, end, handshake=(), close=(), absent=(), **fields):
    """One conn object, all its fields. handshake, close: what they must have
    beside what every one has; a callable is a predicate."""
    who = f"conn {end}"
    line = watch.wait_for(lambda o: o["event"] == "conn" and
                          o["conn_id"] == end.cookie, who)
    owner = end.owner
    expected = {"event": "conn", "life": 1, "uid": owner.uid, "pid": owner.pid,
                "comm": owner.comm, "basis": {"tracepoint", "probe"}}
    expected.update(end.fields())
    expected.update(fields)
    for key in absent:
        expected[key] = None
    parts = {k: line.get(k, {}) for k in ("handshake", "close")}
    compare_fields(line, expected, who,
                   {"ts", "mono_ns", "duration_us", "handshake", "close",
                    "data", "keepalive", "unusual"})
    _check_part(parts["handshake"], handshake, who + " handshake")
    _check_part(parts["close"], close, who + " close")
    return line


def _check_part(part, expected, who):
    for key, value in dict(expected).items():
        if callable(value):
            check(value(part.get(key)), f"{who}: {key} is {part.get(key)!r}")
        else:
            check_equal(part.get(key, "absent"), value, f"{who}: {key}")


def _check_text(line, talk, numbers, unseen):
    """What was between SYN and FIN, and of it after the first FIN."""
    for key, name in (("out", "local"), ("in", "peer")):
        isn, fin = numbers["isn_" + name], numbers["fin_" + name]
        want = {(fin - isn - 1) % 2**32} | ({None} if unseen else set())
        check(line["data"].get("bytes_" + key) in want,
              f"bytes_{key} in {line['data']}, {sorted(want, key=str)} by {talk}")
    close = line["close"]
    if "ack_seq" not in close:
        return
    check(close["ack_seq"] in talk.acks_of_fin(),
          f"ack_seq is not one of {talk.acks_of_fin()}: {close}, {talk}")
    last = close.get("fin_peer" if close["first"] == "local" else "fin_local")
    if last is not None:
        check_equal(close["half_close_bytes"], (last - close["ack_seq"]) % 2**32,
                    f"the text after the first FIN, by {talk}")


def check_fin_close(watch, wire, end, state, first, orphan=False, **fields):
    """The conn object of a connection that both ends have closed by FIN: its
    numbers and its kind are those of the packets."""
    talk = wire.of(end)
    numbers = talk.numbers()
    is_time = lambda us: isinstance(us, int) and us >= 0  # noqa: E731
    handshake = {"role": end.role, "syn_us": is_time, "established_us": is_time,
                 "isn_local": numbers["isn_local"],
                 "isn_peer": numbers["isn_peer"],
                 "syn_retrans": 0, "cookie": False, "fastopen": False}
    if end.role == "server" and not watch.infers(ACCEPT_OWNER):
        handshake["accept_us"] = is_time
    close = {"first": first, "kind": lambda kind: kind in talk.kinds(),
             "half_close_us": is_time,
             "fin_local": numbers["fin_local"], "fin_peer": numbers["fin_peer"],
             "time_wait_us": None}
    if talk.fin_retrans():
        close["fin_retrans"] = talk.fin_retrans()
    unseen = orphan and watch.infers(ORPHAN_TIME_WAIT)
    if unseen:
        fields["basis"] = {"tracepoint", "probe", "inferred", "snapshot"}
        close["fin_peer"] = lambda seq: seq in (None, numbers["fin_peer"])
    line = check_conn(watch, end, handshake, close, state=state, reason="fin",
                      **fields)
    check_equal(set(line["handshake"]), set(handshake),
                f"the keys of conn {end} handshake")
    optional = {"ack_seq", "half_close_bytes", "time_wait_restarts",
                "fins_received_again"} | ({"fin_peer"} if unseen else set())
    check_equal(set(line["close"]) | optional, set(close) | optional,
                f"the keys of conn {end} close")
    _check_text(line, talk, numbers, unseen)
    check(line["duration_us"] >= line["close"]["half_close_us"],
          f"conn {end}: its half close is longer than itself")
    return line
