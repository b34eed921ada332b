#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Above tcp_max_tw_buckets no TIME_WAIT is entered although the kernel tried:
that CLOSE is real, and its reason is told."""
import socket

import tcpstate_test as t


def time_wait_overflow(source):
    t.sysctl("net.ipv4.tcp_max_tw_buckets", 1)
    events = t.Watch(source)
    server = t.listener()
    events.expect(t.End(server, "listener"), "CLOSE LISTEN")
    keep = []
    for _ in range(3):
        client, child = t.pair(server)
        c, s = t.ends(client, child)
        keep.append((client, child))
        client.shutdown(socket.SHUT_WR)
        t.wait_state(client, "FIN_WAIT2")
        child.close()
        t.wait_until(lambda end=c: not t.diag(end.cookie) or
                     t.diag(end.cookie).state == "TIME_WAIT",
                     "the end of FIN_WAIT2")
        entered = t.diag(c.cookie) is not None
        client.close()
        if entered:
            events.expect(c, "CLOSE SYN_SENT ESTABLISHED FIN_WAIT1 FIN_WAIT2 "
                          "TIME_WAIT")
        else:
            events.expect(c, "CLOSE SYN_SENT ESTABLISHED FIN_WAIT1 FIN_WAIT2 "
                          "CLOSE", reason="tw_overflow")
        events.expect(s, "LISTEN SYN_RECV ESTABLISHED CLOSE_WAIT LAST_ACK "
                      "CLOSE", reason="fin")
    t.check(not entered, "the third TIME_WAIT was entered with one bucket")
    events.finish()


if __name__ == "__main__":
    t.main(time_wait_overflow)
