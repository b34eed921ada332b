#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""TIME_WAIT ends after a minute by its timer: -> CLOSE with that reason, and
--wait-tw tells the connection then."""
import socket

import tcpstate_test as t

MINUTE_US = 60 * 10**6


def time_wait_end(source):
    events = t.Watch(source)
    conns = t.Watch(source, "conns", "--wait-tw")
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

    events.expect(c, "CLOSE SYN_SENT ESTABLISHED FIN_WAIT1 FIN_WAIT2 TIME_WAIT "
                  "CLOSE", reason="tw_expired")
    events.expect(s, "LISTEN SYN_RECV ESTABLISHED CLOSE_WAIT LAST_ACK CLOSE",
                  reason="fin")
    events.expect(door, "CLOSE LISTEN")
    events.finish()
    span_us = events.of(c)[-1]["span_us"]
    t.check(MINUTE_US <= span_us < MINUTE_US * 1.1,
            f"TIME_WAIT lasted {span_us} us, and must a minute")
    line = t.check_conn(conns, c, state="CLOSE", reason="fin",
                        close={"first": "local", "kind": "four_segment",
                               "time_wait_us": lambda us: us is not None and
                               abs(us - span_us) < 10**5})
    t.check(line["duration_us"] < MINUTE_US,
            "duration_us counts TIME_WAIT")
    t.check_equal(conns.stop(), 0, "the exit status of conns")


if __name__ == "__main__":
    t.main(time_wait_end)
