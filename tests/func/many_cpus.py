#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Connections whose steps are spread over all processors: what comes out of as many
rings is in the order of the state machine and of time, whole, and nothing of it had
to be mended.

Each end moves to another processor before each of its steps, and what it sends is
taken in on one more (RPS).
"""
import collections
import json
import os
import re
import socket
import threading
import time

import tcpstate_test as t

CONNECTIONS = 320
OPEN = {"client": "CLOSE SYN_SENT ESTABLISHED",
        "server": "LISTEN SYN_RECV ESTABLISHED"}
# Of the end that closes first, and of the other one; TIME_WAIT is killed.
FIRST, SECOND = "FIN_WAIT1 FIN_WAIT2 TIME_WAIT CLOSE", "CLOSE_WAIT LAST_ACK CLOSE"
CLOSERS = ("client", "server", "reset")
QUICK_S = 3
# They wait for what may follow (design.rst), while others go on.
LATE = {("CLOSE", "SYN_SENT"), ("TIME_WAIT", "CLOSE")}


def is_virtual():
    with open("/proc/cpuinfo", encoding="ascii") as f:
        return re.search(r"^flags.*\bhypervisor\b", f.read(), re.M)


# A virtual processor may stand still between a record's time and its end for longer
# than the hold-back; a real one does not.
ALLOWED = 0.005 if is_virtual() else 0


def spread_softirq(cpus):
    """Of loopback, in our namespace: else all is done where it was sent."""
    mask = f"{sum(1 << cpu for cpu in cpus):x}"
    try:
        t.run("unshare", "-m", "sh", "-c", "mount -t sysfs sysfs /sys && echo "
              f"{mask} > /sys/class/net/lo/queues/rx-0/rps_cpus")
    except RuntimeError as e:
        print(f"# no RPS: {e}")


class Mover:
    """A thread that is never on the same processor twice in a row."""

    def __init__(self, cpus, first):
        self.cpus = cpus
        self.at = first

    def move(self):
        self.at += 1
        os.sched_setaffinity(0, {self.cpus[self.at % len(self.cpus)]})


class Pairs:
    """A client and a server, each a thread, and their connections one by one."""

    def __init__(self, cpus, number, count):
        self.cpus, self.number = cpus, number
        self.plan = [CLOSERS[(number + i) % len(CLOSERS)] for i in range(count)]
        self.listener = t.listener()
        # What the server has accepted, and that a reset may come.
        self.accepted = threading.Semaphore(0)
        self.cookies = {"client": [], "server": []}

    def run(self):
        """[(cookie, the states that it must go through)]"""
        server = threading.Thread(target=self._serve)
        server.start()
        self._connect()
        server.join()
        lives = []
        for role, other in (("client", "server"), ("server", "client")):
            for cookie, closer in zip(self.cookies[role], self.plan):
                end = {role: FIRST, other: SECOND, "reset": "CLOSE"}[closer]
                lives.append((cookie, f"{OPEN[role]} {end}"))
        return lives

    def _close(self, sock, mover, first):
        if first:
            sock.shutdown(socket.SHUT_WR)
            mover.move()
        t.read_to_end(sock)
        mover.move()
        sock.close()

    def _serve(self):
        mover = Mover(self.cpus, self.number)
        for closer in self.plan:
            mover.move()
            sock, _ = self.listener.accept()
            sock.settimeout(t.LIMIT)
            self.cookies["server"].append(t.cookie(sock))
            self.accepted.release()
            mover.move()
            try:
                self._close(sock, mover, closer == "server")
            except ConnectionResetError:
                sock.close()

    def _connect(self):
        mover = Mover(self.cpus, self.number + 1 + len(self.cpus) // 2)
        for closer in self.plan:
            mover.move()
            sock = t.connect(self.listener)
            self.cookies["client"].append(t.cookie(sock))
            mover.move()
            self.accepted.acquire()
            if closer == "reset":
                t.linger0(sock)
                sock.close()
            else:
                self._close(sock, mover, closer == "client")


def in_process(pairs):
    """A pipe on which its lives will come."""
    r, w = os.pipe()
    if not os.fork():
        try:
            t.die_with_parent()
            os.close(r)
            with os.fdopen(w, "w", encoding="ascii") as out:
                json.dump(pairs.run(), out)
        finally:
            os._exit(1)
    os.close(w)
    pairs.listener.close()
    return r


def all_lives(cpus):
    """{cookie: path} of connections that processes have made at once."""
    each = CONNECTIONS // len(cpus)
    pipes = [in_process(Pairs(cpus, n, each)) for n in range(len(cpus))]
    lives = {}
    for r in pipes:
        with os.fdopen(r, encoding="ascii") as said:
            text = said.read()
        t.check(text, "a process could not make its connections")
        lives.update(json.loads(text))
    t.check_equal(len(lives), 2 * each * len(cpus), "the number of ends")
    return lives


def paths(events):
    """{cookie: path} of what was told, listeners left out."""
    told = {}
    for o in events.objects:
        if o["event"] == "state" and o["new_state"] != "LISTEN" and \
                o["old_state"] != "LISTEN" or o.get("new_state") == "SYN_RECV":
            told.setdefault(o["conn_id"], [o["old_state"]]).append(
                o["new_state"])
    return {cookie: " ".join(path) for cookie, path in told.items()}


def check_lives(events, lives):
    told = paths(events)
    wrong = [f"\n  {cookie}: {told.get(cookie)}, and must be {path}"
             for cookie, path in lives.items() if told.get(cookie) != path]
    t.check(not wrong, f"{len(wrong)} of {len(lives)} ends are told wrong:" +
            "".join(wrong[:6]))
    t.check_equal(set(told) - set(lives), set(), "the ends that nobody made")


def check_order(watch, late=()):
    """Over all lines, whichever ring each comes from; those of one end always."""
    last, back, worst = 0, 0, 0
    of_end = collections.Counter()
    lines = [o for o in watch.objects if "conn_id" in o]
    for o in lines:
        ns, end = o["mono_ns"], o["conn_id"]
        t.check(ns >= of_end[end], f"older than the line before it of this end, "
                f"in {watch.line}: {o}")
        t.check("legal" not in o, f"told as illegal: {o}")
        of_end[end] = ns
        if (o.get("old_state"), o.get("new_state")) not in late and ns < last:
            back, worst = back + 1, max(worst, last - ns)
        last = max(last, ns)
    print(f"# {back} of {len(lines)} lines back in time, by {worst} ns at most")
    t.check(back <= len(lines) * ALLOWED, f"{back} of {len(lines)} lines of "
            f"{watch.line} go back in time, by {worst} ns at most")


def check_spread(raw, lives, cpus):
    """Else it has shown nothing."""
    seen = collections.defaultdict(set)
    for o in raw.objects:
        if o.get("conn_id") in lives:
            seen[o["conn_id"]].add(o["cpu"])
    used = set().union(*seen.values())
    of_each = sum(map(len, seen.values())) / max(len(seen), 1)
    print(f"# {len(cpus)} processors, {of_each:.1f} in the life of one end")
    t.check_equal(used, set(cpus), "the processors that recorded something")
    t.check(of_each >= 1.4, "the ends have hardly moved")


def check_end(watch):
    t.check_equal(watch.stop(), 0, f"the exit status of {watch.line}")
    watch.check_summary()
    summary = watch.objects[-1]
    for key in ("lost", "corrected"):
        t.check_equal(summary[key], 0, f"{key} of {watch.line}")


def steps_on_many_processors(source):
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) < 2:
        raise t.Skip("there is one processor only")
    spread_softirq(cpus)
    began = time.monotonic()
    events = t.Watch(source, "events")
    watches = [events]
    # Only its records say which processor they are of.
    if time.monotonic() - began < QUICK_S:
        watches.append(t.Watch(source, "events", "--raw"))
    lives = all_lives(cpus)
    t.run("ss", "-K", "-tan", "state", "time-wait")
    due = sum(len(path.split()) - 1 for path in lives.values())
    t.wait_until(lambda: sum(o["event"] == "state" and o.get("conn_id") in lives
                             for o in events.objects) >= due or
                 events.ended(), "the end of all lives", t.LIMIT / 3)
    for watch in watches:
        check_end(watch)
    check_lives(events, lives)
    check_order(events, LATE)
    for raw in watches[1:]:
        check_order(raw)
        check_spread(raw, lives, cpus)


if __name__ == "__main__":
    t.main(steps_on_many_processors)
