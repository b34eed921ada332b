#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""TIME_WAIT ends after a minute by its timer: -> CLOSE with that reason, and
--wait-tw tells the connection then."""
import socket

import tcpstate_test as t

MINUTE_US = 60 * 10**6


class Pair:
    """What one source says of it."""

    def __init__(self, source):
        self.events = t.Watch(source)
        self.conns = t.Watch(source, "conns", "--wait-tw")

    def check(self, c, s, door):
        self.events.expect(c, "CLOSE SYN_SENT ESTABLISHED FIN_WAIT1 FIN_WAIT2 "
                           "TIME_WAIT CLOSE", reason="tw_expired")
        self.events.expect(s, "LISTEN SYN_RECV ESTABLISHED CLOSE_WAIT LAST_ACK "
                           "CLOSE", reason="fin")
        self.events.expect(door, "CLOSE LISTEN")
        self.events.finish()
        span_us = self.events.of(c)[-1]["span_us"]
        t.check(MINUTE_US <= span_us < MINUTE_US * 1.1,
                f"TIME_WAIT lasted {span_us} us, and must a minute")
        line = t.check_conn(self.conns, c, state="CLOSE", reason="fin",
                            close={"first": "local", "kind": "four_segment",
                                   "time_wait_us": lambda us: us is not None and
                                   abs(us - span_us) < 10**5})
        t.check(line["duration_us"] < MINUTE_US,
                "duration_us counts TIME_WAIT")
        t.check_equal(self.conns.stop(), 0, "the exit status of conns")


def time_wait_end():
    """One minute for all sources."""
    pairs = [Pair(source) for source in t.sources()]
    server = t.listener()
    client, child = t.pair(server)
    c, s = t.ends(client, child)
    door = t.End(server, "listener")
    client.shutdown(socket.SHUT_WR)
    t.wait_state(client, "FIN_WAIT2")
    child.close()
    t.wait_diag(c.cookie, "TIME_WAIT")
    client.close()
    t.wait_diag(c.cookie, None, limit=80)
    for pair in pairs:
        pair.check(c, s, door)


if __name__ == "__main__":
    t.main(time_wait_end, per_source=False)
