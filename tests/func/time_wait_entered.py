#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The kernel's tracepoint says FIN_WAIT2 -> CLOSE; the connection has entered
TIME_WAIT. The logical stream says so, and nothing about CLOSE; --raw shows
what the hooks saw."""
import socket

import tcpstate_test as t


def into_time_wait():
    """The client's End of a connection in TIME_WAIT, all else closed."""
    server = t.listener()
    client, child = t.pair(server)
    c, s = t.ends(client, child)
    door = t.End(server, "listener")
    # FIN_WAIT2 as a full socket: then TIME_WAIT is entered by the FIN.
    client.shutdown(socket.SHUT_WR)
    t.check_equal(child.recv(1), b"", "what the server read")
    t.wait_state(client, "FIN_WAIT2")
    child.close()
    t.check_equal(client.recv(1), b"", "what the client read")
    t.wait_diag(c.cookie, "TIME_WAIT")
    client.close()
    server.close()
    return c, s, door


def expect_all(events, c, s, door):
    events.expect(c, "CLOSE SYN_SENT ESTABLISHED FIN_WAIT1 FIN_WAIT2 TIME_WAIT")
    events.expect(s, "LISTEN SYN_RECV ESTABLISHED CLOSE_WAIT LAST_ACK CLOSE",
                  reason="fin")
    events.expect(door, "CLOSE LISTEN CLOSE", reason="closed")


def time_wait_entered(source):
    events = t.Watch(source)
    expect_all(events, *into_time_wait())
    # Were there a CLOSE to come, it would be told before these are.
    expect_all(events, *into_time_wait())
    events.finish()


def raw_has_false_close(source):
    raw = t.Watch(source, "events", "--raw")
    c, _, _ = into_time_wait()
    raw.wait_for(lambda o: o.get("conn_id") == c.cookie and
                 (o.get("old_state"), o.get("new_state")) ==
                 ("FIN_WAIT2", "CLOSE"), "the raw FIN_WAIT2 -> CLOSE")
    t.check_equal(raw.stop(), 0, "the exit status")
    raw.check_summary()


def line_when_it_begins(source):
    now = t.Watch(source, "conns")
    later = t.Watch(source, "conns", "--wait-tw")
    c, s, _ = into_time_wait()
    now.wait_for(lambda o: o.get("conn_id") == c.cookie, "the line of TIME_WAIT")
    for watch in (now, later):
        watch.wait_for(lambda o: o.get("conn_id") == s.cookie,
                       "the line of the server's end")
    t.check(not later.of(c, "conn"),
            "--wait-tw did not hold back the line of a TIME_WAIT")
    t.check_equal(later.stop(), 0, "the exit status with --wait-tw")
    t.check_equal(now.stop(), 0, "the exit status")
    for watch in (now, later):
        t.check_equal(watch.conn(c)["state"], "TIME_WAIT", "the state of it")
        t.check_equal(watch.conn(s)["state"], "CLOSE", "the state of the other")


if __name__ == "__main__":
    t.main(time_wait_entered, raw_has_false_close, line_when_it_begins,
           shares=("events", "conns"))
