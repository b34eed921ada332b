#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Over a slow link the handshake lasts as long as the round trip, on both sides.

    left 10.9.1.1 === veth, 40 ms each way === 10.9.1.2 right
"""
import os
import time

import tcpstate_test as t


def name():
    return f"tcpstate-{os.getpid()}-{os.urandom(3).hex()}"


def connect_through(source, left, right, cable_addr):
    """A connection from left to right; the client's End, the server's, and
    how long connect() took."""
    events = t.Watch(source, netns=(left, right))
    with right.inside():
        server = t.listener(cable_addr)
        events.expect(t.End(server, "listener"), "CLOSE LISTEN")
    with left.inside():
        began = time.monotonic()
        client = t.connect(server)
        took_us = (time.monotonic() - began) * 1e6
        c = t.End(client, "client")
    server.settimeout(t.LIMIT)
    child, _ = server.accept()
    with right.inside():
        s = t.End(child, "server")
    events.expect(c, "CLOSE SYN_SENT ESTABLISHED")
    events.expect(s, "LISTEN SYN_RECV ESTABLISHED")
    events.finish()
    return events.of(c)[-1]["span_us"], events.of(s)[-1]["span_us"], took_us


def round_trip(source):
    """veth and netem: 40 ms in each direction."""
    left, right = t.Namespace(name()), t.Namespace(name())
    try:
        t.run("ip", "link", "add", "west", "netns", left.name, "type", "veth",
              "peer", "name", "east", "netns", right.name)
    except RuntimeError as e:
        raise t.Skip(f"no veth: {e}") from None
    for ns, device, addr in ((left, "west", "10.9.1.1/24"),
                             (right, "east", "10.9.1.2/24")):
        t.run("ip", "-n", ns.name, "addr", "add", addr, "dev", device)
        t.run("ip", "-n", ns.name, "link", "set", device, "up")
    try:
        for ns, device in ((left, "west"), (right, "east")):
            t.run("tc", "-n", ns.name, "qdisc", "add", "dev", device, "root",
                  "netem", "delay", "40ms")
    except RuntimeError as e:
        raise t.Skip(f"no netem: {e}") from None
    client_us, server_us, took_us = connect_through(source, left, right,
                                                    "10.9.1.2")
    for who, us in (("SYN_SENT", client_us), ("SYN_RECV", server_us)):
        t.check(us >= 80_000, f"{who} lasted {us} us, and the round trip is "
                "80000")
    t.check(client_us <= took_us, f"SYN_SENT lasted {client_us} us, and "
            f"connect() only {took_us:.0f}")
    left.close()
    right.close()


if __name__ == "__main__":
    t.main(round_trip)
