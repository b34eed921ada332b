#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The same addresses and ports in two network namespaces are two connections;
--netns tells them apart by name, inode and process; and over a slow link the
handshake lasts as long as the round trip.

    left 10.9.0.1 === link === 10.9.0.2 right
"""
import os
import time

import tcpstate_test as t

CLIENT = "CLOSE SYN_SENT ESTABLISHED FIN_WAIT1 FIN_WAIT2 TIME_WAIT"
SERVER = "LISTEN SYN_RECV ESTABLISHED CLOSE_WAIT LAST_ACK CLOSE"
PORT, CLIENT_PORT = 7070, 7071


def name():
    return f"tcpstate-{os.getpid()}-{os.urandom(3).hex()}"


def connection(ns):
    """Always on the same ports; what each End must go through."""
    with ns.inside():
        server = t.listener(port=PORT)
        client, child = t.pair(server, ("127.0.0.1", CLIENT_PORT))
        c, s = t.ends(client, child)
        door = t.End(server, "listener")
        client.close()
        t.check_equal(child.recv(1), b"", "what the server read")
        t.wait_diag(c.cookie, "FIN_WAIT2")
        child.close()
        t.wait_diag(c.cookie, "TIME_WAIT")
        server.close()
    return ((c, CLIENT, {"orphan": True}), (s, SERVER, {"reason": "fin"}),
            (door, "CLOSE LISTEN CLOSE", {"reason": "closed"}))


def same_ports(source):
    left, right = t.Namespace().settle(), t.Namespace().settle()
    both = t.Watch(source, netns=(left, right))
    one = t.Watch(source, netns=(right,))
    for ns in (left, right):
        for end, path, last in connection(ns):
            t.check_equal(end.netns, ns.inode, "the test's own namespace")
            both.expect(end, path, **last)
            if ns is right:
                one.expect(end, path, **last)
    both.finish()
    one.finish()


def filter_forms(source):
    """NAME, INODE, pid:PID, and several."""
    left, right = t.Namespace(name()).settle(), t.Namespace().settle()
    forms = [left.name, str(left.inode), f"pid:{left.resident.pid}"]
    watches = []
    for form in forms:
        watch = t.Watch(source, "events", "--netns", form, netns=None)
        watch.own = {left.inode, right.inode}
        watches.append(watch)
    several = t.Watch(source, "events", "-N", f"{left.name},{right.inode}",
                      netns=None)
    several.own = {left.inode, right.inode}
    for ns in (left, right):
        for end, path, last in connection(ns):
            several.expect(end, path, **last)
            if ns is left:
                for watch in watches:
                    watch.expect(end, path, **last)
    for watch in (*watches, several):
        watch.finish()
        others = [o for o in watch.objects if o["event"] == "state" and
                  o["netns"] not in watch.own]
        t.check(not others, f"{watch.line} shows another namespace: {others[:1]}")
    left.close()


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
    t.main(same_ports, filter_forms, round_trip)
