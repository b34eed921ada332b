#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""A RST of the peer's in every state: -> CLOSE at once, with the reason of that
state, by whatever object is in it; not in LISTEN. (TIME_WAIT: time_wait_reset.)

    left [tun] --- a forged RST, in order --- [tun] right
"""
import socket

import tcpstate_test as t

OPEN = "CLOSE SYN_SENT ESTABLISHED"
PASSIVE = "LISTEN SYN_RECV ESTABLISHED"


def lose_all_of(link, end):
    link.cable.policy = lambda x: "drop" if x.src == end.saddr else "pass"


class Reset:
    """An end in some state, and what its peer has been through meanwhile."""

    def __init__(self, link):
        self.link = link
        self.keep = []
        self.first = "none"

    def pair(self):
        client, self.c, child, self.s = self.link.pair()
        self.keep += client, child
        return client, child

    # each leads the left end there; what both ends must have been through

    def syn_sent(self):
        self.link.cable.policy = lambda x: "drop"
        client, self.c = self.link.start()
        self.keep.append(client)
        self.link.wait_sent(self.c, t.SYN)
        return "CLOSE SYN_SENT", None

    def syn_recv_of_connect(self):
        """A SYN comes for our SYN: a full socket in SYN_RECV."""
        self.link.cable.policy = lambda x: "drop"
        client, self.c = self.link.start(port=9)
        self.keep.append(client)
        syn = self.link.wait_sent(self.c, t.SYN)[0]
        c = self.c
        self.link.cable.inject(t.forged((c.daddr, c.dport), (c.saddr, c.sport),
                                        t.SYN, syn.seq + 1000))
        self.link.wait(c, "SYN_RECV")
        self.link.wait_sent(c, t.SYN | t.ACK)
        self.first = "peer"
        return "CLOSE SYN_SENT SYN_RECV", None

    def established(self):
        self.pair()
        self.first = "peer"
        return OPEN, PASSIVE

    def fin_wait1(self):
        client, _ = self.pair()
        lose_all_of(self.link, self.s)
        client.close()
        self.link.wait(self.c, "FIN_WAIT1")
        self.first = "local"
        return OPEN + " FIN_WAIT1", PASSIVE + " CLOSE_WAIT"

    def fin_wait2(self):
        """Half closed: a full socket."""
        client, _ = self.pair()
        client.shutdown(socket.SHUT_WR)
        self.link.wait(self.c, "FIN_WAIT2")
        self.first = "local"
        return OPEN + " FIN_WAIT1 FIN_WAIT2", PASSIVE + " CLOSE_WAIT"

    def fin_wait2_of_orphan(self):
        client, _ = self.pair()
        client.close()
        self.link.wait(self.c, "FIN_WAIT2")
        self.first = "local"
        return OPEN + " FIN_WAIT1 FIN_WAIT2", PASSIVE + " CLOSE_WAIT"

    def close_wait(self):
        _, child = self.pair()
        child.close()
        self.link.wait(self.c, "CLOSE_WAIT")
        self.link.wait(self.s, "FIN_WAIT2")
        self.first = "peer"
        return OPEN + " CLOSE_WAIT", PASSIVE + " FIN_WAIT1 FIN_WAIT2"

    def last_ack(self):
        client, child = self.pair()
        child.close()
        self.link.wait(self.c, "CLOSE_WAIT")
        self.link.wait(self.s, "FIN_WAIT2")
        self.link.cable.policy = lambda x: "drop"
        client.close()
        self.link.wait(self.c, "LAST_ACK")
        self.first = "peer"
        return OPEN + " CLOSE_WAIT LAST_ACK", PASSIVE + " FIN_WAIT1 FIN_WAIT2"

    def closing(self):
        client, child = self.pair()
        cable = self.link.cable
        cable.policy = lambda x: "hold" if x.has(t.FIN) else "pass"
        client.close()
        child.close()
        t.wait_until(lambda: cable.held() >= 2, "two FINs under way")
        # The FINs arrive, their ACKs do not.
        cable.release(lambda x: "drop")
        self.link.wait(self.c, "CLOSING")
        self.link.wait(self.s, "CLOSING")
        self.first = "both"
        return OPEN + " FIN_WAIT1 CLOSING", PASSIVE + " FIN_WAIT1 CLOSING"


def reset(source, lead, reason="rst_received", orphan=False, **expected):
    link = t.Link(source)
    it = Reset(link)
    path, of_peer = lead(it)
    link.reset(it.c)
    link.wait(it.c, None)
    link.expect(it.c, path + " CLOSE", reason=reason, orphan=orphan)
    if of_peer:
        link.expect(it.s, of_peer)
    line = t.check_conn(link.conns, it.c, state="CLOSE", reason=reason,
                        close={"first": it.first, "time_wait_us": None,
                               **expected})
    link.finish()
    syns = link.wait_sent(it.c, t.SYN)
    t.check_equal(line["handshake"]["isn_local"], syns[0].seq,
                  "the number of our SYN")


def syn_sent(source):
    reset(source, Reset.syn_sent, reason="refused", kind="refused")


def syn_recv_of_connect(source):
    reset(source, Reset.syn_recv_of_connect, kind="rst")


def listen(source):
    """Nothing happens, and nothing is told."""
    link = t.Link(source)
    seen = link.door.saddr, link.door.sport
    for ack in 0, t.ACK:
        link.cable.inject(t.forged((t.Cable.LEFT, 40000), seen, t.RST | ack, 7,
                                   7))
    # What comes after them on the same way has seen them pass.
    _client, c, _child, s = link.pair()
    link.expect(c, OPEN)
    link.expect(s, PASSIVE)
    link.finish()


def syn_recv(source):
    """A request_sock: a RST from the left, in place of the third segment."""
    link = t.Link(source)
    link.cable.policy = lambda x: "pass" if x.has(t.SYN) else "drop"
    client, c = link.connect()
    s = link.request(client)
    link.reset(s)
    link.wait(s, None)
    link.expect(c, OPEN)
    link.expect(s, "LISTEN SYN_RECV CLOSE", reason="rst_received")
    link.finish()


def established(source):
    reset(source, Reset.established, kind="rst")


def fin_wait1(source):
    reset(source, Reset.fin_wait1, kind="rst")


def fin_wait2(source):
    reset(source, Reset.fin_wait2, kind="rst")


def fin_wait2_of_orphan(source):
    reset(source, Reset.fin_wait2_of_orphan, orphan=True, kind="rst")


def close_wait(source):
    reset(source, Reset.close_wait, kind="rst")


def last_ack(source):
    reset(source, Reset.last_ack, kind="rst")


def closing(source):
    reset(source, Reset.closing, kind="rst")


if __name__ == "__main__":
    t.main(listen, syn_sent, syn_recv_of_connect, syn_recv, established, fin_wait1,
           fin_wait2, fin_wait2_of_orphan, close_wait, last_ack, closing,
           shares=("events", "conns"))
