#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""A new connection takes over the addresses and ports of one in TIME_WAIT: the
old one ends with that reason, the new one has a story of its own."""
import tcpstate_test as t


def time_wait_reused(source):
    t.sysctl("net.ipv4.tcp_tw_reuse", 1)
    events = t.Watch(source)
    server = t.listener()
    door = t.End(server, "listener")
    made = []
    source_address = None
    for _ in range(2):
        client, child = t.pair(server, source_address)
        c, s = t.ends(client, child)
        source_address = client.getsockname()
        # The server's end keeps TIME_WAIT; a new SYN may take it over.
        child.close()
        t.check_equal(client.recv(1), b"", "what the client read")
        t.wait_diag(s.cookie, "FIN_WAIT2")
        client.close()
        t.wait_diag(s.cookie, "TIME_WAIT")
        made.append((c, s))

    (c1, s1), (c2, s2) = made
    for c in (c1, c2):
        events.expect(c, "CLOSE SYN_SENT ESTABLISHED CLOSE_WAIT LAST_ACK CLOSE",
                      reason="fin")
    first_half = "LISTEN SYN_RECV ESTABLISHED FIN_WAIT1 FIN_WAIT2 TIME_WAIT"
    events.expect(s1, first_half + " CLOSE", orphan=True, reason="tw_reused")
    events.expect(s2, first_half, orphan=True)
    events.expect(door, "CLOSE LISTEN")
    events.finish()
    t.check(c1.sport == c2.sport and s1.cookie != s2.cookie,
            "the connections do not have the same ports")


if __name__ == "__main__":
    t.main(time_wait_reused)
