#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""close() with data unread sends RST instead of FIN: the data is lost, and the
reason says so. An unread FIN is no data."""
import tcpstate_test as t


def abort_unread_data(source):
    events = t.Watch(source)
    conns = t.Watch(source, "conns")
    server = t.listener()
    door = t.End(server, "listener")
    client, child = t.pair(server)
    c, s = t.ends(client, child)
    child.sendall(b"x" * 812)
    t.wait_until(lambda: t.diag(c.cookie).rqueue == 812,
                 "the data at the client")
    client.close()
    t.wait_state(child, "CLOSE")

    events.expect(c, "CLOSE SYN_SENT ESTABLISHED CLOSE", reason="abort",
                  detail="unread_data")
    events.expect(s, "LISTEN SYN_RECV ESTABLISHED CLOSE", reason="rst_received")
    events.expect(door, "CLOSE LISTEN")
    events.finish()
    t.check_conn(conns, c, close={"first": "local", "kind": "rst"},
                 state="CLOSE", reason="abort", detail="unread_data",
                 unread_bytes=812)
    t.check_equal(conns.stop(), 0, "the exit status of conns")


def unread_fin(source):
    events = t.Watch(source)
    server = t.listener()
    door = t.End(server, "listener")
    client, child = t.pair(server)
    c, s = t.ends(client, child)
    child.close()
    t.wait_state(client, "CLOSE_WAIT")
    t.wait_diag(s.cookie, "FIN_WAIT2")
    client.close()
    t.wait_diag(s.cookie, "TIME_WAIT")
    events.expect(c, "CLOSE SYN_SENT ESTABLISHED CLOSE_WAIT LAST_ACK CLOSE",
                  reason="fin")
    events.expect(s, "LISTEN SYN_RECV ESTABLISHED FIN_WAIT1 FIN_WAIT2 "
                  "TIME_WAIT", orphan=True)
    events.expect(door, "CLOSE LISTEN")
    events.finish()


if __name__ == "__main__":
    t.main(abort_unread_data, unread_fin,
           shares=("events",))
