#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The server's FIN carries the ACK of the client's: FIN_WAIT2 lasts no time,
and the close has three segments. The packets on the wire decide what it was."""
import socket

import tcpstate_test as t


def close(server):
    """A connection, closed at both ends in one breath."""
    client, child = t.pair(server)
    # After an exchange of data the ACK of the FIN may wait for our own FIN.
    for _ in range(3):
        client.sendall(b"ping")
        child.recv(100)
        child.sendall(b"pong")
        client.recv(100)
    child.setsockopt(t.SOL_TCP, socket.TCP_QUICKACK, 0)
    c, s = t.ends(client, child)
    client.close()
    child.close()
    t.wait_diag(c.cookie, "TIME_WAIT")
    return c, s


def close_three_segments(source):
    events = t.Watch(source)
    conns = t.Watch(source, "conns")
    tap = t.Wiretap()

    server = t.listener()
    door = t.End(server, "listener")
    made = [close(server) for _ in range(8)]

    events.expect(door, "CLOSE LISTEN")
    for c, s in made:
        events.expect(c, "CLOSE SYN_SENT ESTABLISHED FIN_WAIT1 FIN_WAIT2 "
                      "TIME_WAIT", orphan=True)
        events.expect(s, "LISTEN SYN_RECV ESTABLISHED CLOSE_WAIT LAST_ACK "
                      "CLOSE", reason="fin")
    events.finish()

    tap.stop()
    kinds = [tap.of(c).kinds() for c, _ in made]
    t.check({"three_segment"} in kinds, "not one close had three segments: "
            f"{kinds}")
    for c, s in made:
        t.check_fin_close(conns, tap, c, state="TIME_WAIT", first="local",
                          orphan=True)
        t.check_fin_close(conns, tap, s, state="CLOSE", first="peer")
    t.check_equal(conns.stop(), 0, "the exit status of conns")
    conns.check_summary()


if __name__ == "__main__":
    t.main(close_three_segments)
