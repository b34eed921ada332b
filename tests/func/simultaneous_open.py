#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Both ends connect at once: the SYNs cross on the wire, and each end goes
through SYN_SENT and SYN_RECV (RFC 9293, figure 7)."""
import socket

import tcpstate_test as t

PORTS = 4001, 4002


def start(ns, here, there):
    """A connect() under way."""
    with ns.inside():
        sock = socket.socket()
        sock.bind(here)
        sock.setblocking(False)
        sock.connect_ex(there)
        t.wait_state(sock, "SYN_SENT")
        end = t.End(sock, "listener")
        end.role, (end.daddr, end.dport) = "client", there
        return sock, end


def simultaneous_open(source):
    left, right = t.Namespace(), t.Namespace()
    cable = t.Cable(left, right)
    events = t.Watch(source, netns=(left, right))
    cable.policy = lambda segment: "hold"
    here, there = (t.Cable.LEFT, PORTS[0]), (t.Cable.RIGHT, PORTS[1])
    one, a = start(left, here, there)
    other, b = start(right, there, here)
    t.wait_until(lambda: cable.held() >= 2, "both SYNs on the wire")
    cable.release()
    for sock in one, other:
        t.wait_state(sock, "ESTABLISHED")
    for end in a, b:
        events.expect(end, "CLOSE SYN_SENT SYN_RECV ESTABLISHED")
    events.finish()


if __name__ == "__main__":
    t.main(simultaneous_open)
