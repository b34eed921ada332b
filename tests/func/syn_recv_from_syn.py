#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""SYN_RECV begins with the SYN and not, as the kernel's tracepoint has it, with
the third segment: seen where the third segment is late.

    left [tun] --- the third segment waits here --- [tun] right
"""
import socket
import time

import tcpstate_test as t


class Setup:
    """A client on the left whose SYN-ACK is not answered until release()."""

    def __init__(self, source, defer_accept=False):
        # With processes in them, so that the dumps find them.
        self.left, self.right = t.Namespace().settle(), t.Namespace().settle()
        self.cable = t.Cable(self.left, self.right)
        self.events = t.Watch(source, netns=(self.left, self.right))
        with self.right.inside():
            self.server = t.listener(t.Cable.RIGHT)
            if defer_accept:
                self.server.setsockopt(t.SOL_TCP, socket.TCP_DEFER_ACCEPT, 60)
            self.events.expect(t.End(self.server, "listener"), "CLOSE LISTEN")

    def request_end(self, client):
        """The End of the request_sock, which sock_diag shows."""
        with self.left.inside():
            here = client.getsockname()[:2]

        def find():
            return next((s for s in t.sockets() if s.state == "SYN_RECV" and
                         (s.daddr, s.dport) == here), None)
        with self.right.inside():
            return t.End(t.wait_until(find, "SYN_RECV in sock_diag"), "server")


def third_segment_late(source):
    setup = Setup(source)
    # The client sends nothing but its SYN and the third segment.
    setup.cable.policy = lambda s: "pass" if s.has(t.SYN) else "hold"
    with setup.left.inside():
        client = t.connect(setup.server)
        c = t.End(client, "client")
    s = setup.request_end(client)
    told = setup.events.wait_state(s, "SYN_RECV")
    with setup.right.inside():
        t.check_equal(t.diag(s.cookie).state, "SYN_RECV",
                      "the state while the third segment waits")
    t.check(not any(o["new_state"] == "ESTABLISHED"
                    for o in setup.events.of(s)),
            "ESTABLISHED was told before the third segment came")
    syn = setup.cable.of(s).received[0]
    released_ns = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    setup.cable.release()
    setup.server.settimeout(t.LIMIT)
    child, _ = setup.server.accept()
    t.check_equal(t.cookie(child), s.cookie, "the cookie of the child")

    setup.events.expect(c, "CLOSE SYN_SENT ESTABLISHED")
    setup.events.expect(s, "LISTEN SYN_RECV ESTABLISHED")
    setup.events.finish()
    t.check(told["mono_ns"] >= syn.time_ns,
            "SYN_RECV is older than the SYN on the wire")
    least_us = (released_ns - told["mono_ns"]) // 1000
    span_us = setup.events.of(s)[-1]["span_us"]
    t.check(span_us >= least_us, f"SYN_RECV lasted {span_us} us, and the third "
            f"segment was held back for {least_us} us")


def third_segment_lost(source):
    setup = Setup(source)
    conns = t.Watch(source, "conns", netns=(setup.left, setup.right))
    dropped = []

    def policy(segment):
        if segment.has(t.SYN) or dropped:
            return "pass"
        dropped.append(segment)
        return "drop"
    setup.cable.policy = policy
    with setup.left.inside():
        client = t.connect(setup.server)
        c = t.End(client, "client")
    # The SYN-ACK comes again after a second, and is answered.
    setup.server.settimeout(t.LIMIT)
    child, _ = setup.server.accept()
    with setup.right.inside():
        s = t.End(child, "server")
    child.close()
    with setup.left.inside():
        t.wait_state(client, "CLOSE_WAIT")
    client.close()
    setup.events.expect(c, "CLOSE SYN_SENT ESTABLISHED CLOSE_WAIT LAST_ACK "
                        "CLOSE", reason="fin")
    setup.events.expect(s, "LISTEN SYN_RECV ESTABLISHED FIN_WAIT1 FIN_WAIT2 "
                        "TIME_WAIT", orphan=True)
    setup.events.finish()
    synacks = [x for x in setup.cable.of(s).sent if x.has(t.SYN | t.ACK)]
    t.check(len(synacks) > 1, "the SYN-ACK was not sent again")
    span_us = next(o["span_us"] for o in setup.events.of(s)
                   if o["new_state"] == "ESTABLISHED")
    t.check(span_us > 0.9e6, f"SYN_RECV with a lost segment lasted {span_us} us")
    line = t.check_conn(conns, s, state="TIME_WAIT", reason="fin",
                        basis={"tracepoint", "probe", "inferred", "snapshot"},
                        handshake={"syn_retrans": len(synacks) - 1,
                                   "syn_us": lambda us: us > 0.9e6})
    t.check_equal(conns.stop(), 0, "the exit status of conns")
    t.check(line["handshake"]["cookie"] is False, "a SYN cookie is told")


def never_answered(source):
    setup = Setup(source)
    with setup.right.inside():
        t.sysctl("net.ipv4.tcp_synack_retries", 1)
    with setup.left.inside():
        t.sysctl("net.ipv4.tcp_syn_retries", 1)
    # The client's kernel has accepted; the server never learns of it.
    setup.cable.policy = lambda s: "pass" if s.has(t.SYN) else "drop"
    with setup.left.inside():
        client = t.connect(setup.server)
        c = t.End(client, "client")
    s = setup.request_end(client)
    with setup.right.inside():
        t.wait_diag(s.cookie, None)
    setup.events.expect(c, "CLOSE SYN_SENT ESTABLISHED")
    setup.events.expect(s, "LISTEN SYN_RECV CLOSE", reason="timeout",
                        detail="synack")
    setup.events.finish()


def defer_accept(source):
    setup = Setup(source, defer_accept=True)
    with setup.left.inside():
        client = t.connect(setup.server)
        c = t.End(client, "client")
    s = setup.request_end(client)
    setup.events.wait_state(s, "SYN_RECV")
    t.wait_until(lambda: len(setup.cable.of(s).received) >= 2,
                 "the third segment")
    with setup.right.inside():
        t.check_equal(t.diag(s.cookie).state, "SYN_RECV",
                      "the state after the third segment")
    client.sendall(b"now accept")
    setup.server.settimeout(t.LIMIT)
    child, _ = setup.server.accept()
    t.check_equal(t.cookie(child), s.cookie, "the cookie of the child")
    setup.events.expect(c, "CLOSE SYN_SENT ESTABLISHED")
    setup.events.expect(s, "LISTEN SYN_RECV ESTABLISHED")
    setup.events.finish()
    data = next(x for x in setup.cable.of(s).received if x.length)
    established = setup.events.of(s)[-1]
    t.check(established["mono_ns"] >= data.time_ns,
            "ESTABLISHED is older than the data that made it so")


if __name__ == "__main__":
    t.main(third_segment_late, third_segment_lost, never_answered, defer_accept,
           shares=("events",))
