#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The server closes first, as HTTP/1.0 does: TIME_WAIT is the server's."""
import tcpstate_test as t


def close_by_server(source):
    events = t.Watch(source)
    conns = t.Watch(source, "conns")
    tap = t.Wiretap()

    server = t.listener()
    client, child = t.pair(server)
    c, s = t.ends(client, child)
    door = t.End(server, "listener")
    child.sendall(b"answer")
    child.close()
    t.check_equal(t.read_to_end(client), b"answer", "what the client read")
    t.wait_diag(s.cookie, "FIN_WAIT2")
    client.close()
    t.wait_diag(s.cookie, "TIME_WAIT")

    events.expect(c, "CLOSE SYN_SENT ESTABLISHED CLOSE_WAIT LAST_ACK CLOSE",
                  reason="fin")
    events.expect(s, "LISTEN SYN_RECV ESTABLISHED FIN_WAIT1 FIN_WAIT2 "
                  "TIME_WAIT", orphan=True)
    events.expect(door, "CLOSE LISTEN")
    events.finish()

    tap.stop()
    t.check_fin_close(conns, tap, c, state="CLOSE", first="peer")
    t.check_fin_close(conns, tap, s, state="TIME_WAIT", first="local",
                      orphan=True)
    t.check_equal(conns.stop(), 0, "the exit status of conns")
    conns.check_summary()


if __name__ == "__main__":
    t.main(close_by_server)
