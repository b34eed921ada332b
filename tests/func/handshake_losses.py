#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Segments of the handshake are lost: what is sent again is counted at the end
that sent it, and SYN_SENT and SYN_RECV last until the answer has come.

    left [tun] --- some segments end here --- [tun] right

The third segment alone: syn_recv_from_syn.
"""
import tcpstate_test as t

ACTIVE = "CLOSE SYN_SENT ESTABLISHED FIN_WAIT1 FIN_WAIT2 TIME_WAIT"
PASSIVE = "LISTEN SYN_RECV ESTABLISHED CLOSE_WAIT LAST_ACK CLOSE"
RTO_US = 0.9e6          # a second, less the roundness of timers


def lose_first(link, *kinds):
    """Of each kind, which is a predicate, the first one."""
    left = list(kinds)

    def policy(segment):
        for kind in left:
            if kind(segment):
                left.remove(kind)
                return "drop"
        return "pass"
    link.cable.policy = policy
    return left


def is_syn(segment):
    return segment.has(t.SYN) and not segment.has(t.ACK)


def is_synack(segment):
    return segment.has(t.SYN | t.ACK)


def is_third(segment):
    return segment.src == t.Cable.LEFT and not segment.has(t.SYN)


def sent_again(link, end, **times):
    """What is told of its handshake is what was on the wire."""
    talk = link.cable.of(end)
    count = sum(x.has(t.SYN) for x in talk.sent) - 1
    numbers = talk.numbers()
    t.check_conn(link.conns, end, reason="fin",
                 state="TIME_WAIT" if end.role == "client" else "CLOSE",
                 basis={"tracepoint", "probe", "inferred", "snapshot"},
                 handshake={"syn_retrans": count, "cookie": False,
                            "fastopen": False, "isn_local": numbers["isn_local"],
                            "isn_peer": numbers["isn_peer"], **times})
    return count


def close_both(link, client, c, child):
    client.close()
    t.read_to_end(child)
    link.wait(c, "FIN_WAIT2")
    child.close()
    link.wait(c, "TIME_WAIT")


def handshake(source, lost, syn_sent, syn_recv, data=False):
    """syn_sent, syn_recv: what must be true of the time in them."""
    link = t.Link(source)
    left = lose_first(link, *lost)
    client, c = link.connect()
    if data:
        client.sendall(b"this acknowledges too")
    child, s = link.accept()
    t.check(not left, "the handshake had nothing to lose")
    close_both(link, client, c, child)
    link.expect(c, ACTIVE, orphan=True)
    link.expect(s, PASSIVE, reason="fin")
    link.events.wait_expected()
    again = (sent_again(link, c, syn_us=syn_sent),
             sent_again(link, s, syn_us=syn_recv))
    link.finish()
    return again


def long(us):
    return us > RTO_US


def short(us):
    return us < RTO_US


def syn_lost(source):
    again = handshake(source, [is_syn], long, short)
    t.check_equal(again, (1, 0), "SYNs and SYN-ACKs sent again")


def synack_lost(source):
    """Either end may be the first to send again: both timers are a second."""
    again = handshake(source, [is_synack], long, long)
    t.check(again[1] >= 1, "no SYN-ACK was sent again")


def both_lost(source):
    again = handshake(source, [is_syn, is_synack], long, long)
    t.check(again[0] >= 1 and again[1] >= 1, f"{again} were sent again")


def third_lost_and_data(source):
    """The first data makes it good, before any timer."""
    again = handshake(source, [is_third], short, short, data=True)
    t.check_equal(again, (0, 0), "SYNs and SYN-ACKs sent again")


if __name__ == "__main__":
    t.main(syn_lost, synack_lost, both_lost, third_lost_and_data,
           shares=("events", "conns"))
