#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""TCP Fast Open: the child is made at the SYN; its data may be accepted, answered
and closed before the third segment comes, or a RST in its place.

    left [tun] --- the third segment may wait here --- [tun] right
"""
import socket

import tcpstate_test as t

OPEN = "CLOSE SYN_SENT ESTABLISHED"
PASSIVE = "LISTEN SYN_RECV ESTABLISHED"
MSG_FASTOPEN, TCP_FASTOPEN_CONNECT = 0x20000000, 30
SYN_DATA = b"before the handshake"


class FastOpen(t.Link):
    """A listener that takes data in SYNs, and a client's host that has its
    cookie, from a first connection."""

    def __init__(self, source, listen=True):
        # A dump would find the child in SYN_RECV, before that is told.
        super().__init__(source, "--reconcile", "1h", listen=False)
        for ns in self.left, self.right:
            with ns.inside():
                t.sysctl("net.ipv4.tcp_fastopen", 3)
        self.server = self.listen(16)
        if listen:
            self.expect(self.door, "CLOSE LISTEN")
        self.server.setsockopt(t.SOL_TCP, socket.TCP_FASTOPEN, 16)
        self.keep = []
        client, self.first_c = self.open()
        child, self.first_s = self.accept()
        t.wait_state(client, "ESTABLISHED")
        self.keep += client, child
        self.expect(self.first_c, OPEN)
        self.expect(self.first_s, PASSIVE)

    def open(self):
        """connect() with data, without waiting for the SYN-ACK."""
        with self.left.inside():
            client = socket.socket()
            client.bind((t.Cable.LEFT, 0))
            client.setblocking(False)
            try:
                client.sendto(SYN_DATA, MSG_FASTOPEN, self.server.getsockname())
            except BlockingIOError:
                pass        # it has no cookie yet
            c = t.End(client, "listener")
        c.role = "client"
        c.daddr, c.dport = self.server.getsockname()
        return client, c

    def half_open(self):
        """One whose third segment waits: the client's end, the server's."""
        self.cable.policy = lambda x: ("hold" if x.src == t.Cable.LEFT and
                                       not x.has(t.SYN) else "pass")
        client, c = self.open()
        self.keep.append(client)
        s = self.unaccepted(client)
        self.wait(s, "SYN_RECV")
        t.wait_state(client, "ESTABLISHED")
        syn = self.wait_sent(c, t.SYN)[0]
        t.check_equal(syn.length, len(SYN_DATA), "the length of the SYN's data")
        return client, c, s

    def accept_early(self):
        client, c, s = self.half_open()
        child, again = self.accept()
        t.check_equal(again.cookie, s.cookie, "the cookie of the child")
        t.check_equal(t.state(child), "SYN_RECV", "the state of what is accepted")
        t.check_equal(child.recv(100), SYN_DATA, "what came with the SYN")
        return client, c, child, s

    def ended_early(self, s, reason, detail=None):
        """In SYN_RECV; its port may be gone with it."""
        self.events.wait_state(s, "CLOSE")
        self.events.own_connections.add(s.cookie)
        told = self.events.of(s)
        moves = [(o["old_state"], o["new_state"]) for o in told]
        # A dump after a loss finds it in SYN_RECV, and then that is no move.
        t.check(moves in ([("LISTEN", "SYN_RECV"), ("SYN_RECV", "CLOSE")],
                          [("SYN_RECV", "CLOSE")]), f"the moves of {s}: {moves}")
        t.check_equal((told[-1]["reason"], told[-1].get("detail"),
                       told[-1]["role"]), (reason, detail, "server"),
                      f"the end of {s}")

    def check_facts(self, end, used=True, **close):
        line = self.conns.wait_for(
            lambda o: o["event"] == "conn" and o["conn_id"] == end.cookie,
            f"the line of {end}")
        numbers = self.cable.of(end).numbers()
        again = len(self.wait_sent(end, t.SYN)) - 1
        expected = {"fastopen": used, "cookie": False, "syn_retrans": again,
                    "isn_local": numbers["isn_local"],
                    "isn_peer": numbers["isn_peer"]}
        told = line["handshake"]
        t.check_equal({k: told.get(k) for k in expected}, expected,
                      f"the handshake of {end}")
        t.check_equal({k: line["close"].get(k) for k in close}, close,
                      f"the close of {end}")
        return line


def close_both(link, client, c, child, s):
    """The client first."""
    client.close()
    link.wait(c, "FIN_WAIT2")
    child.close()
    link.wait(c, "TIME_WAIT")
    link.wait(s, None)


def data_in_syn(source):
    """Accepted and read before the third segment; which then makes it
    ESTABLISHED. The connection that only asked for a cookie is none of these."""
    link = FastOpen(source)
    client, c, child, s = link.accept_early()
    t.check("ESTABLISHED" not in [o["new_state"] for o in link.events.of(s)],
            "ESTABLISHED was told before the third segment")
    link.cable.release()
    t.wait_state(child, "ESTABLISHED")
    close_both(link, client, c, child, s)
    link.expect(c, OPEN + " FIN_WAIT1 FIN_WAIT2 TIME_WAIT", orphan=True)
    link.expect(s, PASSIVE + " CLOSE_WAIT LAST_ACK CLOSE", fastopen=True,
                reason="fin")
    link.check_facts(c, first="local")
    link.check_facts(s, first="peer")
    link.finish()


def cookie_asked_for(source):
    """It was an ordinary handshake."""
    link = FastOpen(source)
    client, child = link.keep
    t.check_equal(link.wait_sent(link.first_c, t.SYN)[0].length, 0,
                  "the length of the SYN's data")
    c, s = link.first_c, link.first_s
    close_both(link, client, c, child, s)
    link.events.expected = [e for e in link.events.expected
                            if e.end not in (c, s)]
    link.expect(c, OPEN + " FIN_WAIT1 FIN_WAIT2 TIME_WAIT", orphan=True)
    link.expect(s, PASSIVE + " CLOSE_WAIT LAST_ACK CLOSE", reason="fin")
    link.check_facts(c, used=False)
    link.check_facts(s, used=False)
    link.finish()


def closed_before_its_ack(source):
    """SYN_RECV -> FIN_WAIT1: legal, and no ESTABLISHED is made up."""
    link = FastOpen(source)
    client, c, child, s = link.accept_early()
    child.close()
    link.wait(s, "FIN_WAIT1")
    link.cable.release()
    t.wait_state(client, "CLOSE_WAIT")
    link.wait(s, "FIN_WAIT2")
    client.close()
    link.wait(s, "TIME_WAIT")
    link.expect(c, OPEN + " CLOSE_WAIT LAST_ACK CLOSE", reason="fin")
    link.expect(s, "LISTEN SYN_RECV FIN_WAIT1 FIN_WAIT2 TIME_WAIT",
                orphan=True, fastopen=True)
    line = link.check_facts(s, first="local")
    t.check("established_us" not in line["handshake"], "it was ESTABLISHED")
    link.check_facts(c, first="peer")
    link.finish()


def reset_before_its_ack(source):
    link = FastOpen(source)
    _client, c, child, s = link.accept_early()
    link.reset(s)
    t.wait_state(child, "CLOSE")
    link.expect(c, OPEN)
    link.ended_early(s, "rst_received")
    link.check_facts(s, kind="rst", first="peer")
    link.finish()


def reset_before_accept(source):
    link = FastOpen(source)
    _client, c, s = link.half_open()
    link.reset(s)
    link.wait(s, None)
    link.expect(c, OPEN)
    link.ended_early(s, "rst_received")
    link.finish()


def listener_closed(source):
    """Nobody will accept it: our RST."""
    link = FastOpen(source, listen=False)
    client, c, s = link.half_open()
    link.server.close()
    link.wait(s, None)
    link.cable.release()
    t.wait_state(client, "CLOSE")
    link.expect(link.door, "CLOSE LISTEN CLOSE", reason="closed")
    link.expect(c, OPEN + " CLOSE", reason="rst_received")
    link.ended_early(s, "abort", "listener_closed")
    link.finish()


def never_acknowledged(source):
    """The SYN-ACK is sent again and again, by a full socket."""
    link = FastOpen(source)
    with link.right.inside():
        t.sysctl("net.ipv4.tcp_synack_retries", 1)
    _client, c, child, s = link.accept_early()
    link.cable.policy = lambda x: "drop" if x.src == t.Cable.LEFT else "pass"
    t.wait_state(child, "CLOSE")
    link.expect(c, OPEN)
    link.ended_early(s, "timeout", "synack")
    link.wait_sent(s, t.SYN | t.ACK, at_least=2)
    link.check_facts(s, kind="timeout", first="none")
    link.finish()


def connect_without_syn(source):
    """TCP_FASTOPEN_CONNECT: connect() sends nothing before the first data; the
    socket waits in SYN_SENT until it is closed, and had a port."""
    link = FastOpen(source)
    with link.left.inside():
        client = socket.socket()
        client.setsockopt(t.SOL_TCP, TCP_FASTOPEN_CONNECT, 1)
        client.connect(link.server.getsockname())
        t.check_equal(t.state(client), "SYN_SENT", "the state after connect()")
        c = t.End(client, "listener")
    link.events.wait_state(c, "SYN_SENT")
    client.close()
    told = link.events.wait_state(c, "CLOSE")
    link.events.own_connections.add(c.cookie)
    t.check_equal(len(link.events.of(c)), 2, "the number of moves")
    t.check_equal((told["old_state"], told["reason"], told["role"]),
                  ("SYN_SENT", "closed", "client"), "the end of it")
    link.finish()


if __name__ == "__main__":
    t.main(data_in_syn, cookie_asked_for, closed_before_its_ack,
           reset_before_its_ack, reset_before_accept, listener_closed,
           never_acknowledged, connect_without_syn, limit=60,
           shares=("events --reconcile 1h", "conns --reconcile 1h"))
