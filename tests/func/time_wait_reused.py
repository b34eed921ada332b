#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""A new connection takes over the addresses and ports of one in TIME_WAIT, by
its SYN or by connect(): the old one ends with that reason, the new one has a
story of its own."""
import time

import tcpstate_test as t

PASSIVE = "LISTEN SYN_RECV ESTABLISHED FIN_WAIT1 FIN_WAIT2 TIME_WAIT"
ACTIVE = "CLOSE SYN_SENT ESTABLISHED FIN_WAIT1 FIN_WAIT2 TIME_WAIT"
# tcp_tw_reuse waits until the clock of the timestamps has moved on.
REUSE_DELAY = 1.2


def close_in_turn(first, first_end, second):
    first.close()
    t.check_equal(second.recv(1), b"", "what the second one read")
    t.wait_diag(first_end.cookie, "FIN_WAIT2")
    second.close()
    t.wait_diag(first_end.cookie, "TIME_WAIT")


def by_syn(source):
    events = t.Watch(source)
    server = t.listener()
    door = t.End(server, "listener")
    made = []
    source_address = None
    for _ in range(2):
        client, child = t.pair(server, source_address)
        c, s = t.ends(client, child)
        source_address = client.getsockname()
        close_in_turn(child, s, client)
        made.append((c, s))

    (c1, s1), (c2, s2) = made
    for c in (c1, c2):
        events.expect(c, "CLOSE SYN_SENT ESTABLISHED CLOSE_WAIT LAST_ACK CLOSE",
                      reason="fin")
    events.expect(s1, PASSIVE + " CLOSE", orphan=True, reason="tw_reused")
    events.expect(s2, PASSIVE, orphan=True)
    events.expect(door, "CLOSE LISTEN")
    events.finish()
    t.check(c1.sport == c2.sport and s1.cookie != s2.cookie,
            "the connections do not have the same ports")


def by_connect(source):
    t.sysctl("net.ipv4.tcp_tw_reuse", 1)
    events = t.Watch(source)
    server = t.listener()
    door = t.End(server, "listener")
    # One port for all.
    t.sysctl("net.ipv4.ip_local_port_range", "40404 40404")
    client, child = t.pair(server)
    c1, s1 = t.ends(client, child)
    close_in_turn(client, c1, child)
    began = time.monotonic()
    t.wait_until(lambda: time.monotonic() - began > REUSE_DELAY, "time to pass")
    client, child = t.pair(server)
    c2, s2 = t.ends(client, child)

    events.expect(c1, ACTIVE + " CLOSE", orphan=True, reason="tw_reused")
    events.expect(s1, "LISTEN SYN_RECV ESTABLISHED CLOSE_WAIT LAST_ACK CLOSE",
                  reason="fin")
    events.expect(c2, "CLOSE SYN_SENT ESTABLISHED")
    events.expect(s2, "LISTEN SYN_RECV ESTABLISHED")
    events.expect(door, "CLOSE LISTEN")
    events.finish()
    t.check(c1.sport == c2.sport and c1.cookie != c2.cookie,
            "the connections do not have the same ports")


if __name__ == "__main__":
    t.main(by_syn, by_connect,
           shares=("events",))
