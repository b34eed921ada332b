#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""A SYN, SYN-ACK or FIN that is sent again, and each RST, is an event: as many
as went over the cable, with their numbers."""
import socket

import tcpstate_test as t
from tcpstate_wire import ACK, FIN, RST, SYN, forged

OPEN = "CLOSE SYN_SENT ESTABLISHED"
SERVED = "LISTEN SYN_RECV ESTABLISHED"


class Setup:
    def __init__(self, source):
        self.left, self.right = t.Namespace(), t.Namespace()
        self.cable = t.Cable(self.left, self.right)
        self.events = t.Watch(source, netns=(self.left, self.right))
        with self.right.inside():
            self.server = t.listener(t.Cable.RIGHT)
            self.door = t.End(self.server, "listener")
        self.events.expect(self.door, "CLOSE LISTEN")

    def connect(self):
        with self.left.inside():
            self.client = t.connect(self.server)
            self.c = t.End(self.client, "client")
        self.child, _ = self.server.accept()
        with self.right.inside():
            self.s = t.End(self.child, "server")

    def seen(self, src, flags, without=0):
        return [x for x in self.cable.segments if x.src == src and
                x.has(flags) and not x.flags & without]

    def check_again(self, end, name, segments, number):
        """What the cable carried of one segment after the first time; all is
        over, so that neither runs ahead."""
        t.check(len(segments()) > 1, f"no {name} was sent again")
        got = [(o["segment"], o["times"], o["seq"], o["role"], o["basis"])
               for o in self.events.of(end, "retransmit")]
        want = [(name, n + 1, number(x), end.role, "tracepoint")
                for n, x in enumerate(segments()[1:])]
        t.check_equal(got, want, f"what is told of {name}")


def of_syn(segment):
    return segment.seq


def syn_again(source):
    setup = Setup(source)

    def syns():
        return setup.seen(t.Cable.LEFT, SYN, ACK)
    setup.cable.policy = lambda x: "drop" if len(syns()) < 3 else "pass"
    setup.connect()
    setup.events.expect(setup.c, OPEN)
    setup.events.expect(setup.s, SERVED)
    setup.events.finish()
    setup.check_again(setup.c, "SYN", syns, of_syn)
    t.check_equal(setup.events.of(setup.s, "retransmit"), [],
                  "what is told of the server")


def synack_again(source):
    setup = Setup(source)

    def synacks():
        return setup.seen(t.Cable.RIGHT, SYN | ACK)
    setup.cable.policy = lambda x: "drop" if x.has(SYN | ACK) and \
        len(synacks()) < 2 else "pass"
    setup.connect()
    setup.events.expect(setup.c, OPEN)
    setup.events.expect(setup.s, SERVED)
    setup.events.finish()
    setup.check_again(setup.s, "SYN-ACK", synacks, of_syn)


def fin_again(source):
    setup = Setup(source)
    setup.connect()

    def fins():
        return setup.seen(t.Cable.LEFT, FIN)
    setup.cable.policy = lambda x: "drop" if len(fins()) < 3 and \
        x.has(FIN) else "pass"
    setup.client.sendall(b"the FIN comes with the last of this")
    setup.client.close()
    setup.events.wait_state(setup.s, "CLOSE_WAIT")
    t.read_to_end(setup.child)
    setup.child.close()
    setup.events.expect(setup.c, OPEN + " FIN_WAIT1 FIN_WAIT2 TIME_WAIT")
    setup.events.expect(setup.s, SERVED + " CLOSE_WAIT LAST_ACK CLOSE",
                        reason="fin")
    setup.events.finish()
    setup.check_again(setup.c, "FIN", fins, lambda x: x.fin())


def check_reset(setup, end, event, state, **fields):
    t.wait_until(lambda: setup.events.of(end, event), f"{event} of {end}")
    told = setup.events.of(end, event)
    t.check_equal(len(told), 1, f"the number of {event} events")
    t.check_equal(told[0]["state"], state, f"the state at {event}")
    for key, value in fields.items():
        t.check_equal(told[0].get(key), value, f"{key} of {event}")


def rst_sent_and_received(source):
    """With unread data close() sends a RST: CLOSE comes first (F24)."""
    setup = Setup(source)
    setup.connect()
    setup.client.sendall(b"not read")
    setup.child.recv(1, socket.MSG_PEEK)
    setup.child.close()
    t.wait_state(setup.client, "CLOSE")
    setup.events.expect(setup.s, SERVED + " CLOSE", reason="abort",
                        detail="unread_data")
    setup.events.expect(setup.c, OPEN + " CLOSE", reason="rst_received")
    check_reset(setup, setup.s, "rst_sent", "CLOSE", rst_reason=(
        "TCP_ABORT_ON_CLOSE" if t.kernel() >= (6, 10) else None))
    check_reset(setup, setup.c, "rst_received", "ESTABLISHED")
    setup.events.finish()
    t.check_equal(len(setup.seen(t.Cable.RIGHT, RST)), 1, "RSTs on the cable")


def rst_of_a_listener(source):
    """An ACK that belongs to nothing: the listener's answer names its peer."""
    setup = Setup(source)
    port = setup.server.getsockname()[1]
    setup.cable.inject(forged((t.Cable.LEFT, 4711), (t.Cable.RIGHT, port), ACK,
                              1000, 2000))
    t.wait_until(lambda: setup.seen(t.Cable.RIGHT, RST), "the RST")
    check_reset(setup, setup.door, "rst_sent", "LISTEN", daddr=t.Cable.LEFT,
                dport=4711, saddr=t.Cable.RIGHT, sport=port)
    setup.events.finish()


def late_data(source):
    """Data for an orphan is answered by our RST; none has come."""
    setup = Setup(source)
    setup.connect()
    setup.cable.policy = lambda x: "hold" if x.src == t.Cable.RIGHT else "pass"
    setup.child.sendall(b"too late")
    t.wait_until(setup.cable.held, "the data to be held")
    with setup.left.inside():
        setup.client.close()
        t.wait_diag(setup.c.cookie, "FIN_WAIT1")
    setup.cable.release()
    t.wait_state(setup.child, "CLOSE")
    setup.events.expect(setup.c, OPEN + " FIN_WAIT1 CLOSE", reason="rst_sent",
                        detail="data_after_close")
    setup.events.expect(setup.s, SERVED + " CLOSE_WAIT CLOSE",
                        reason="rst_received")
    check_reset(setup, setup.c, "rst_sent", "CLOSE")
    check_reset(setup, setup.s, "rst_received", "CLOSE_WAIT")
    setup.events.finish()
    t.check_equal(setup.events.of(setup.c, "rst_received"), [],
                  "RSTs that the orphan got")


if __name__ == "__main__":
    t.main(syn_again, synack_again, fin_again, rst_sent_and_received,
           rst_of_a_listener, late_data,
           shares=("events",))
