#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""A server that never closes runs out of descriptors: when that will be is told,
and compared with when accept() really fails."""
import errno
import os
import resource
import socket
import threading
import time

import tcpstate_test as t

LIMIT = 240         # RLIMIT_NOFILE of the server
EVERY = 0.1         # seconds from one connection to the next
OBSERVED = 8        # seconds
# Of the rate, and of the time that was predicted: two digits of it are told, and
# a busy machine does not keep the rate; and the time of the report itself.
TOLERANCE = 0.3
SLACK = 2.0


class Leaker:
    """Another process, which accepts, reads the end, and goes on."""

    def __init__(self, server):
        self.read_end, write_end = os.pipe()
        self.pid = os.fork()
        if self.pid:
            os.close(write_end)
            return
        t.die_with_parent()
        with open("/proc/self/comm", "w", encoding="ascii") as f:
            f.write("leaker")
        # What a shell may have left above the limit would count as well.
        os.closerange(LIMIT, 4096)
        resource.setrlimit(resource.RLIMIT_NOFILE, (LIMIT, LIMIT))
        self.leak(server, write_end)

    @staticmethod
    def leak(server, write_end):
        kept = []
        server.settimeout(None)
        try:
            while True:
                child, _ = server.accept()
                child.recv(1)
                kept.append(child)
        except OSError as e:
            now = time.clock_gettime(time.CLOCK_MONOTONIC)
            os.write(write_end, f"{e.errno} {now}".encode())
        # It goes on like this, as a server would.
        while True:
            time.sleep(3600)

    def failed(self):
        """When, as it says itself."""
        code, when = os.read(self.read_end, 100).split()
        t.check_equal(int(code), errno.EMFILE, "the error of accept()")
        return float(when)


class Clients(threading.Thread):
    """One after the other, each closed at once; on time, not with pauses."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.address = server.getsockname()
        self.stopped = threading.Event()
        self.done = []      # when each was closed
        self.namespace = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        self.start()

    def run(self):
        t.enter_netns(self.namespace)
        due = time.monotonic()
        while not self.stopped.is_set():
            try:
                socket.create_connection(self.address, t.LIMIT).close()
            except OSError:     # who accepts is out of descriptors
                break
            self.done.append(time.clock_gettime(time.CLOCK_MONOTONIC))
            due += EVERY
            time.sleep(max(0.0, due - time.monotonic()))

    def per_minute(self, end, seconds):
        """How many there were in the seconds before end."""
        mine = [when for when in self.done if end - seconds <= when <= end]
        return 60 * len(mine) / seconds

    def stop(self):
        self.stopped.set()
        self.join(t.LIMIT)


def findings_of(watch, pid):
    t.check_equal(watch.stop(limit=3 * t.LIMIT), 0, "the exit status of leaks")
    watch.check_summary()
    return {f["rule"]: f for f in watch.objects
            if f["event"] == "finding" and f.get("pid") == pid}


def report(source, pid, duration):
    watch = t.Watch(source, "leaks", "--age", "0", "--duration", f"{duration}s")
    watch.wait_for(lambda o: o["event"] == "summary", "the report",
                   duration + t.LIMIT)
    return findings_of(watch, pid)


def check_prediction(finding, failed):
    said = finding["mono_ns"] / 1e9
    real = failed - said
    t.check(finding["eta_s"], f"there is no prediction: {finding}")
    off = abs(real - finding["eta_s"])
    print(f"# predicted {finding['eta_s']} s, really {real:.1f} s")
    t.check(off <= TOLERANCE * finding["eta_s"] + SLACK,
            f"eta_s was {finding['eta_s']} and really it took {real:.1f} s")


def exhausted(source):
    server = t.listener(backlog=64)
    leaker = Leaker(server)
    clients = Clients(server)
    before = report(source, leaker.pid, OBSERVED)
    failed = leaker.failed()
    clients.stop()
    finding = before["close_wait"]
    # Counted once to find it, and again to tell it, while the server goes on.
    if abs(finding["fd_used"] - LIMIT * 0.8) > 5:
        t.check_equal("fds" in before, finding["fd_used"] > LIMIT * 0.8,
                      f"a finding of descriptors, {finding['fd_used']} are used")
    t.check_equal((finding["bug"], finding["comm"], finding["fd_limit"]),
                  ("fin_read", "leaker", LIMIT), "the finding")
    growth = finding["growth_per_min"]
    real = clients.per_minute(finding["mono_ns"] / 1e9,
                              finding["observed_us"] / 1e6)
    t.check(abs(growth - real) < real * TOLERANCE,
            f"growth_per_min is {growth}, really {real:g}")
    check_prediction(finding, failed)
    after = report(source, leaker.pid, 0)
    t.check_equal(sorted(after), ["close_wait", "fds"], "what is told after")
    for finding in after.values():
        t.check_equal((finding["severity"], finding["fd_used"],
                       finding["fd_limit"], finding["eta_s"]),
                      ("critical", LIMIT, LIMIT, None), finding["rule"])
    t.check(any(str(LIMIT) in line for line in after["fds"]["advice"]),
            f"no advice says the limit: {after['fds']['advice']}")


def too_short(source):
    """Before five seconds nothing is said of a rate."""
    server = t.listener(backlog=64)
    leaker = Leaker(server)
    clients = Clients(server)
    finding = report(source, leaker.pid, 2)["close_wait"]
    clients.stop()
    t.check_equal((finding["growth_per_min"], finding["eta_s"]), (None, None),
                  "rates after two seconds")


def steady(source):
    """A server that closes: as many come as go, and nothing runs out."""
    server = t.listener(backlog=64)
    kept = [t.pair(server) for _ in range(5)]
    for client, _child in kept:
        client.close()

    def serve():
        while True:
            child, _ = server.accept()
            child.recv(1)
            child.close()
    threading.Thread(target=serve, daemon=True).start()
    clients = Clients(server)
    found = report(source, os.getpid(), 6)["close_wait"]
    clients.stop()
    t.check_equal(found["eta_s"], None, "the end of descriptors")
    t.check(abs(found["growth_per_min"]) <= 20,
            f"growth_per_min is {found['growth_per_min']}")


if __name__ == "__main__":
    t.main(exhausted, too_short, steady, shared=True)
