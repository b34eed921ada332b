# SPDX-License-Identifier: GPL-2.0
"""The textbook's cases, each provoked on a real kernel: two hosts, and a cable
that loses, holds and forges.

A scene gets its Hosts, plays, and returns what `ladder` is to be asked for: the
connections that it is about, one after the other. Documentation/textbook.rst has
their ladders.
"""
import select
import socket

from tcpstate_net import (LIMIT, SOL_TCP, cookie, linger0, run, sysctl,
                          wait_diag, wait_until)
from tcpstate_wire import ACK, FIN, RST, SYN, Cable, forged

TEXT = b"x" * 312       # the exercise's
ANSWER = b"y" * 20
PORT = 5555             # of a client that must have this one


class Drop:
    """A policy: the first @count segments of one side that are meant are lost."""

    def __init__(self, src, flags, without=0, count=1):
        self.src, self.flags, self.without = src, flags, without
        self.left = count

    def __call__(self, segment):
        if (self.left and segment.src == self.src and segment.has(self.flags)
                and not segment.flags & self.without):
            self.left -= 1
            return "drop"
        return "pass"


def conn(*ends):
    return [["--conn", end.cookie] for end in ends]


def read(sock, size):
    while size:
        size -= len(sock.recv(size))


def close_normally(hosts, client, c, child, s):
    """By the client, and then by the server: four segments."""
    client.close()
    hosts.wait(c, "FIN_WAIT2")
    child.close()
    hosts.wait(s, None)
    hosts.wait(c, "TIME_WAIT")


# ---- the handshake ----

def three_and_four(hosts):
    """RFC 9293, figures 6 and 12."""
    client, c, child, s = hosts.pair()
    client.sendall(TEXT)
    read(child, len(TEXT))
    close_normally(hosts, client, c, child, s)
    return conn(c)


def with_loss(hosts, policy):
    hosts.cable.policy = policy
    client, c, child, s = hosts.pair()
    hosts.cable.release()
    close_normally(hosts, client, c, child, s)
    return conn(c)


def syn_lost(hosts):
    """The client's timer sends it again, after a second."""
    return with_loss(hosts, Drop(Cable.LEFT, SYN))


def syn_ack_lost(hosts):
    """Both ends wait, and both send again."""
    return with_loss(hosts, Drop(Cable.RIGHT, SYN | ACK))


def third_ack_lost(hosts):
    """The client is ESTABLISHED, the server not: its timer asks again."""
    return with_loss(hosts, Drop(Cable.LEFT, ACK, without=SYN | FIN))


def refused(hosts):
    port = hosts.server.getsockname()[1]
    hosts.server.close()
    sock, c = hosts.start(port)
    wait_until(lambda: sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR),
               "the refusal")
    sock.close()
    return conn(c)


def simultaneous_open(hosts):
    """Figure 7: the SYNs cross."""
    here, there = (Cable.LEFT, PORT), (Cable.RIGHT, PORT + 1)
    hosts.cable.policy = lambda segment: "hold"
    ends = []
    for ns, own, other in ((hosts.left, here, there),
                           (hosts.right, there, here)):
        with ns.inside():
            sock = socket.socket()
        sock.bind(own)
        sock.setblocking(False)
        sock.connect_ex(other)
        ends.append(sock)
    wait_until(lambda: hosts.cable.held() >= 2, "both SYNs on the wire")
    hosts.cable.release()
    for sock in ends:
        wait_until(lambda sock=sock: select.select([], [sock], [], 0)[1],
                   "ESTABLISHED")
        sock.setblocking(True)
    one, other = ends
    there = cookie(other)
    one.close()
    read_end(other)
    other.close()
    with hosts.right.inside():
        wait_diag(there, None)
    return [["--sport", str(PORT)]]


def read_end(sock):
    sock.settimeout(LIMIT)
    while sock.recv(4096):
        pass


# ---- segments of former connections ----

def wait_request(hosts, count):
    """SYN-ACKs on the wire, so many."""
    wait_until(lambda: sum(s.has(SYN | ACK) for s in hosts.cable.segments) >=
               count, f"{count} SYN-ACKs")


def wait_rst(hosts):
    wait_until(lambda: any(s.has(RST) for s in hosts.cable.segments), "a RST")


def old_syn(hosts, seq):
    """Of a connection that is over, from a port that may be in use again."""
    to = Cable.RIGHT, hosts.server.getsockname()[1]
    hosts.cable.inject(forged((Cable.LEFT, PORT), to, SYN, seq))


def stale_syn(hosts):
    """The client's host knows of nothing, and says so."""
    old_syn(hosts, 90)
    wait_rst(hosts)
    return [["--dport", str(PORT)]]


def waits_in_vain(hosts):
    """It is not even there any more: with two segments the server would be
    ESTABLISHED, and wait for ever."""
    with hosts.right.inside():
        sysctl("net.ipv4.tcp_synack_retries", 2)
    hosts.cable.policy = lambda segment: ("drop" if segment.src == Cable.LEFT
                                          else "pass")
    old_syn(hosts, 90)
    wait_request(hosts, 3)
    port = hosts.server.getsockname()[1]
    wait_until(lambda: not hosts.requests(port), "the end of the request")
    return [["--dport", str(PORT)]]


def old_duplicate_syn(hosts):
    """Figure 8: it arrives before the real one."""
    hosts.cable.policy = lambda s: ("hold" if s.src == Cable.LEFT and
                                    s.has(SYN) else "pass")
    client, c = hosts.start(source=(Cable.LEFT, PORT))
    wait_until(hosts.cable.held, "the SYN on the wire")
    real = hosts.cable.segments[0].seq
    old_syn(hosts, real - 10)
    wait_rst(hosts)
    hosts.cable.release()
    client.setblocking(True)
    child, s = hosts.accept()
    close_normally(hosts, client, c, child, s)
    return [["--port", str(PORT)]]


def old_syn_to_two_listeners(hosts):
    """Figure 11: nobody wants to open, and nobody does."""
    with hosts.left.inside():
        sock = socket.socket()
    sock.bind((Cable.LEFT, PORT))
    sock.listen()
    old_syn(hosts, 90)
    wait_rst(hosts)
    return [["--dport", str(PORT)]]


def half_open_syn(hosts):
    """Figure 9: the client's host has crashed, and connects again."""
    first, c = hosts.start(source=(Cable.LEFT, PORT))
    child, s = hosts.accept()
    hosts.crash(first)
    client, again = hosts.start(source=(Cable.LEFT, PORT))
    wait_rst(hosts)
    other, t = hosts.accept()
    client.setblocking(True)
    child.close()
    close_normally(hosts, client, again, other, t)
    return conn(s, again)


def half_open_data(hosts):
    """Figure 10: the client's host has crashed, and the server sends."""
    client, _, child, s = hosts.pair()
    hosts.crash(client)
    child.sendall(ANSWER)
    hosts.wait(s, None)
    child.close()
    return conn(s)


# ---- the close ----

def server_first(hosts):
    client, c, child, s = hosts.pair()
    child.close()
    hosts.wait(s, "FIN_WAIT2")
    client.close()
    hosts.wait(c, None)
    hosts.wait(s, "TIME_WAIT")
    return conn(c)


def half_close(hosts):
    """The client has nothing more to say, the server has."""
    client, c, child, s = hosts.pair()
    client.sendall(TEXT)
    client.shutdown(socket.SHUT_WR)
    read_end(child)
    hosts.wait(c, "FIN_WAIT2")
    child.sendall(ANSWER)
    read(client, len(ANSWER))
    child.sendall(ANSWER)
    child.close()
    read_end(client)
    client.close()
    hosts.wait(c, "TIME_WAIT")
    hosts.wait(s, None)
    return conn(c)


def three_to_close(hosts):
    """The ACK of the first FIN waits for what the server may send, and that
    is its FIN."""
    client, c, child, s = hosts.pair()
    for _ in range(3):
        client.sendall(ANSWER)
        read(child, len(ANSWER))
        child.sendall(ANSWER)
        read(client, len(ANSWER))
    child.setsockopt(SOL_TCP, socket.TCP_QUICKACK, 0)
    hosts.cable.policy = lambda s: "hold" if s.has(FIN) else "pass"
    client.close()
    wait_until(hosts.cable.held, "the FIN on the wire")
    # It has been told to close before the FIN has come to be read.
    child.setblocking(True)
    hosts.cable.release()
    read_end(child)
    child.close()
    hosts.wait(c, "TIME_WAIT")
    hosts.wait(s, None)
    return conn(c)


def fin_lost(hosts):
    client, c, child, s = hosts.pair()
    hosts.cable.policy = Drop(Cable.LEFT, FIN)
    close_normally(hosts, client, c, child, s)
    return conn(c)


def last_ack_lost(hosts):
    """The server sends its FIN again, and 2MSL begins anew."""
    client, c, child, s = hosts.pair()
    client.close()
    hosts.wait(c, "FIN_WAIT2")
    hosts.cable.policy = Drop(Cable.LEFT, ACK)
    child.close()
    hosts.wait(s, None)
    hosts.wait(c, "TIME_WAIT")
    return conn(c)


def simultaneous_close(hosts):
    """Figure 13: the FINs cross."""
    client, c, child, s = hosts.pair()
    hosts.cable.policy = lambda s: "hold" if s.has(FIN) else "pass"
    client.close()
    child.close()
    wait_until(lambda: hosts.cable.held() >= 2, "both FINs on the wire")
    hosts.cable.release()
    hosts.wait(c, "TIME_WAIT")
    hosts.wait(s, "TIME_WAIT")
    return conn(c)


def reset(hosts):
    """No FIN at all: SO_LINGER with 0."""
    client, c, child, s = hosts.pair()
    linger0(client)
    client.close()
    hosts.wait(s, None)
    child.close()
    return conn(c)


# ---- silence ----

def keepalive(hosts):
    """2 h, 75 s and 9 probes; here 2 s, 1 s and 3."""
    client, c, child, _ = hosts.pair()
    for option, value in ((socket.TCP_KEEPIDLE, 2), (socket.TCP_KEEPINTVL, 1),
                          (socket.TCP_KEEPCNT, 3)):
        child.setsockopt(SOL_TCP, option, value)
    hosts.cable.policy = lambda segment: "drop"
    child.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    wait_until(lambda: child.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR),
               "the end by keepalive")
    child.close()
    hosts.crash(client)
    return conn(c)


# ---- the exercise ----

def exercise(hosts):
    """312 bytes; windows and segments of 100; 100 and 200 begin (--isn)."""
    for ns in hosts.left, hosts.right:
        with ns.inside():
            # Options take their room from the text.
            sysctl("net.ipv4.tcp_timestamps", 0)
    with hosts.right.inside():
        run("ip", "route", "replace", Cable.LEFT, "dev", "cable0", "advmss",
            "100", "window", "100")
    return [[*args, "--isn", "100,200"] for args in three_and_four(hosts)]


SCENES = (three_and_four, syn_lost, syn_ack_lost, third_ack_lost, refused,
          simultaneous_open, stale_syn, waits_in_vain, old_duplicate_syn,
          old_syn_to_two_listeners, half_open_syn, half_open_data, server_first,
          half_close, three_to_close, fin_lost, last_ack_lost,
          simultaneous_close, reset, exercise, keepalive)
