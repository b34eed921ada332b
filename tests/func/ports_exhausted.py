#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""A program that opens and closes until no port is left: the second that was
predicted is that of its EADDRNOTAVAIL. Where it would level off before, nothing
is predicted."""
import threading
import time

import tcpstate_closers as c
import tcpstate_test as t

PORTS = 100
RATE = 10
TIME_WAIT = 61      # seconds, of the kernel's 60


def set_ports(count):
    t.sysctl("net.ipv4.ip_local_port_range", f"40000 {40000 + count - 1}")
    t.sysctl("net.ipv4.tcp_tw_reuse", 0)


def predictions(found, end):
    """(seconds left, the second that was predicted) while there was time."""
    told = []
    for f in found:
        now = f["mono_ns"] / 1e9
        if (f["scope"] == "destination" and f["eta_s"] is not None and
                now < end):
            told.append((f["eta_s"], now + f["eta_s"]))
    return told


def exhausted(source):
    set_ports(PORTS)
    server = t.listener(port=5432, backlog=64)
    watch = t.Watch(source, "timewait", "--interval", "1")
    closer = c.Closer(server, 2 * PORTS, rate=RATE)
    said = closer.serve()
    # On a machine that is slow enough the first ones are free again.
    most = PORTS if said["end"] - said["begin"] < 60 else 2 * PORTS - 1
    t.check_equal(said["error"], "EADDRNOTAVAIL", "the end")
    t.check(PORTS <= said["done"] <= most,
            f"{said['done']} connections found one of {PORTS} ports")
    end = time.clock_gettime(time.CLOCK_MONOTONIC)
    last = watch.wait_for(
        lambda o: o["event"] == "finding" and o["scope"] == "destination" and
        o["mono_ns"] / 1e9 > end, "a report after the end")
    t.check_equal(watch.stop(), 0, "the exit status")
    watch.check_summary()
    t.check_equal((last["severity"], last["ports"]["used"], last["pid"]),
                  ("critical", PORTS, closer.pid), "the last report")
    t.check("no port is left" in last["verdict"], last["verdict"])
    told = predictions(c.findings(watch), said["end"])
    early = [p for p in told if p[0] >= 4]
    t.check(early, f"nothing was predicted four seconds before or more, in "
            f"{told}")
    # A slow machine may come late; the program then hurries to catch up.
    late = max(0, said["end"] - said["begin"] - PORTS / RATE)
    for left, when in early:
        # The rate is known to a connection or two in five seconds, a busy
        # machine does not keep it, and what is told has two digits.
        slack = 2 + left / 3 + 2 * late
        t.check(abs(when - said["end"]) <= slack,
                f"{left} s before it, the end was predicted "
                f"{when - said['end']:+.2f} s off, of all {told}")


def levels_off(source):
    """At 10/s it does at 610: 1,200 ports will do, however steep it begins."""
    set_ports(1200)
    server = t.listener(port=5432, backlog=64)
    watch = t.Watch(source, "timewait", "--interval", "1")
    closer = c.Closer(server, 12 * RATE, rate=RATE)
    said = {}
    thread = threading.Thread(target=lambda: said.update(closer.serve()),
                              daemon=True)
    thread.start()
    told = watch.wait_for(
        lambda o: o["event"] == "finding" and o["scope"] == "destination" and
        o.get("levels_off_at"), "where it levels off", limit=t.CASE_LIMIT)
    thread.join(t.CASE_LIMIT)
    t.check(not thread.is_alive(), "the closing program goes on")
    rate = said["done"] / (said["end"] - said["begin"])
    expected = rate * TIME_WAIT
    t.check(abs(told["levels_off_at"] - expected) <= expected / 3,
            f"levels_off_at {told['levels_off_at']}, of {rate:.1f}/s it is "
            f"{expected:.0f}")
    t.check_equal(watch.stop(), 0, "the exit status")
    watch.check_summary()
    loud = [f for f in c.findings(watch) if f["severity"] != "info" or
            f["eta_s"] is not None]
    t.check(not loud, f"an alarm for what levels off: {loud[:1]}")


if __name__ == "__main__":
    t.main(exhausted, levels_off, shared=True)
