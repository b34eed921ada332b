#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Half-open connections that come to nothing, or to something late: queues that
are full, a listener that was closed, a deferred accept() without data.

    left [tun] --- what the client sends may end here --- [tun] right
"""
import socket

import tcpstate_test as t

OPEN = "CLOSE SYN_SENT ESTABLISHED"
PASSIVE = "LISTEN SYN_RECV ESTABLISHED"


def no_cookies(link):
    """With a short queue the kernel may answer by one, without a request."""
    with link.right.inside():
        t.sysctl("net.ipv4.tcp_syncookies", 0)


def few_retries(link):
    no_cookies(link)
    with link.right.inside():
        t.sysctl("net.ipv4.tcp_synack_retries", 1)


def fill(link, n):
    """The accept queue, with connections that nobody accepts."""
    kept = []
    for _ in range(n):
        client, c = link.connect()
        s = link.unaccepted(client)
        link.expect(c, OPEN)
        link.expect(s, PASSIVE, accepted=False)
        kept.append(client)
    return kept


def half_open(link):
    """One whose third segment has not arrived, nor does it until it is let go:
    its SYN-ACK is sent again after a second, which may be soon."""
    link.cable.policy = lambda x: "pass" if x.has(t.SYN) else "hold"
    client, c = link.connect()
    link.expect(c, OPEN)
    link.cable.policy = lambda x: ("hold" if x.sport == c.sport and
                                   not x.has(t.SYN) else "pass")
    return client, link.request(client)


def accept_queue_full(source):
    """The third segment finds no room, and the request waits for its timer."""
    link = t.Link(source, backlog=1)
    few_retries(link)
    kept = fill(link, 1)
    client, s = half_open(link)
    # This one has its third segment first, and takes the last place.
    kept += fill(link, 1)
    link.cable.release()
    link.wait(s, None)
    link.expect(s, "LISTEN SYN_RECV CLOSE", reason="overflow")
    link.finish()
    synacks = link.wait_sent(s, t.SYN | t.ACK)
    t.check_equal(len(synacks), 2, "the number of SYN-ACKs")
    t.check_conn(link.conns, s, {"syn_retrans": 1},
                 absent=("pid", "comm", "uid"), state="CLOSE",
                 reason="overflow")
    client.close()


def accept_queue_has_room_again(source):
    """It comes to something after all."""
    link = t.Link(source, backlog=1)
    no_cookies(link)
    kept = fill(link, 1)
    client, s = half_open(link)
    kept += fill(link, 1)
    link.cable.release()
    for _ in range(3):
        child, _ = link.server.accept()
        kept.append(child)
    t.check_equal(t.cookie(child), s.cookie, "the cookie of the third")
    link.expect(s, PASSIVE)
    link.finish()
    synacks = link.wait_sent(s, t.SYN | t.ACK)
    t.check(len(synacks) > 1, "the SYN-ACK was not sent again")
    client.close()


def syn_queue_full(source):
    """Only SYNs for which there is a request are told."""
    link = t.Link(source, backlog=8)
    few_retries(link)
    with link.right.inside():
        t.sysctl("net.ipv4.tcp_max_syn_backlog", 8)
    link.cable.policy = lambda x: "drop" if x.has(t.ACK) else "pass"
    to = link.door.saddr, link.door.sport
    for n in range(64):
        link.cable.inject(t.forged((t.Cable.LEFT, 20000 + n), to, t.SYN, n))
    with link.right.inside():
        made = [t.End(x, "server") for x in t.sockets()
                if x.state == "SYN_RECV"]
    t.check(0 < len(made) < 64, f"{len(made)} of 64 SYNs have a request")
    for end in made:
        link.wait(end, None)
        link.expect(end, "LISTEN SYN_RECV CLOSE", reason="timeout",
                    detail="synack")
    link.finish()


def listener_closed(source):
    """No third segment comes any more; the timer finds no listener."""
    link = t.Link(source, listen=False)
    link.server = link.listen(16)
    link.expect(link.door, "CLOSE LISTEN CLOSE", reason="closed")
    client, s = half_open(link)
    link.server.close()
    link.wait(s, None)
    link.expect(s, "LISTEN SYN_RECV CLOSE", reason="abort",
                detail="listener_closed")
    link.finish()
    client.close()


def defer(link, seconds):
    link.server.setsockopt(t.SOL_TCP, socket.TCP_DEFER_ACCEPT, seconds)


def deferred_without_data(source):
    """When the time is up, the SYN-ACK is sent again, and its ACK suffices."""
    link = t.Link(source)
    defer(link, 1)
    client, c = link.connect()
    s = link.request(client)
    link.wait_sent(c, t.ACK)
    child, _ = link.server.accept()
    t.check_equal(t.cookie(child), s.cookie, "the cookie of the child")
    link.expect(c, OPEN)
    link.expect(s, PASSIVE)
    link.finish()
    synacks = link.wait_sent(s, t.SYN | t.ACK)
    t.check(len(synacks) > 1, "the SYN-ACK was not sent again")
    span_us = link.events.of(s)[-1]["span_us"]
    t.check(span_us > 0.9e6, f"it was deferred for {span_us} us")


def deferred_and_expired(source):
    """The client has acknowledged, and then is gone."""
    link = t.Link(source)
    few_retries(link)
    defer(link, 1)
    client, c = link.connect()
    s = link.request(client)
    link.wait_sent(c, t.ACK)
    link.cable.policy = lambda x: "drop"
    link.wait(s, None)
    link.expect(c, OPEN)
    link.expect(s, "LISTEN SYN_RECV CLOSE", reason="timeout", detail="synack")
    link.finish()
    client.close()


if __name__ == "__main__":
    t.main(accept_queue_full, accept_queue_has_room_again, syn_queue_full,
           listener_closed, deferred_without_data, deferred_and_expired,
           shares=("events", "conns"))
