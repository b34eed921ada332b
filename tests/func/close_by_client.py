#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The client closes first, the server reads the end of file and closes later:
four segments. TIME_WAIT is the client's."""
import tcpstate_test as t


def close_by_client(source):
    events = t.Watch(source)
    conns = t.Watch(source, "conns")
    tap = t.Wiretap()

    server = t.listener()
    client, child = t.pair(server)
    c, s = t.ends(client, child)
    door = t.End(server, "listener")
    client.sendall(b"question")
    t.check_equal(child.recv(100), b"question", "what the server read")
    client.close()
    t.check_equal(child.recv(100), b"", "what the server read at the end")
    t.wait_diag(c.cookie, "FIN_WAIT2")
    child.close()
    t.wait_diag(c.cookie, "TIME_WAIT")
    server.close()

    events.expect(c, "CLOSE SYN_SENT ESTABLISHED FIN_WAIT1 FIN_WAIT2 TIME_WAIT",
                  orphan=True)
    events.expect(s, "LISTEN SYN_RECV ESTABLISHED CLOSE_WAIT LAST_ACK CLOSE",
                  reason="fin")
    events.expect(door, "CLOSE LISTEN CLOSE", reason="closed")
    events.finish()

    tap.stop()
    t.check_equal(tap.of(c).kinds(), {"four_segment"}, "the close on the wire")
    t.check_fin_close(conns, tap, c, state="TIME_WAIT", first="local",
                      orphan=True)
    t.check_fin_close(conns, tap, s, state="CLOSE", first="peer")
    t.check_equal(conns.stop(), 0, "the exit status of conns")
    conns.check_summary()
    t.check(not conns.of(door, "conn"), "a listener has a conn line")


if __name__ == "__main__":
    t.main(close_by_client)
