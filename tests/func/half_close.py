#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The client closes one direction only and goes on reading: data after the FIN
belongs to the connection, and the half close lasts until the server's FIN."""
import socket
import time

import tcpstate_test as t


def half_close(source):
    events = t.Watch(source)
    conns = t.Watch(source, "conns")
    tap = t.Wiretap()

    server = t.listener()
    client, child = t.pair(server)
    c, s = t.ends(client, child)
    door = t.End(server, "listener")
    client.sendall(b"question")
    client.shutdown(socket.SHUT_WR)
    t.check_equal(t.read_to_end(child), b"question", "what the server read")
    t.wait_state(client, "FIN_WAIT2")
    began = time.monotonic()
    data = b"data after the FIN" * 5000
    child.settimeout(None)
    got = b""
    # In portions, so that neither end waits for the other's buffer.
    for i in range(0, len(data), 9000):
        child.sendall(data[i:i + 9000])
        while len(got) < i + len(data[i:i + 9000]):
            got += client.recv(65536)
    t.check(got == data, "the client did not get the data after its FIN")
    lasted_us = (time.monotonic() - began) * 1e6
    child.close()
    t.check_equal(client.recv(10), b"", "what the client read at the end")
    t.wait_diag(c.cookie, "TIME_WAIT")
    client.close()

    events.expect(c, "CLOSE SYN_SENT ESTABLISHED FIN_WAIT1 FIN_WAIT2 TIME_WAIT")
    events.expect(s, "LISTEN SYN_RECV ESTABLISHED CLOSE_WAIT LAST_ACK CLOSE",
                  reason="fin")
    events.expect(door, "CLOSE LISTEN")
    events.finish()

    tap.stop()
    t.check_equal(tap.of(c).kinds(), {"four_segment"}, "the close on the wire")
    for end, state, first in ((c, "TIME_WAIT", "local"), (s, "CLOSE", "peer")):
        line = t.check_fin_close(conns, tap, end, state=state, first=first)
        t.check(line["close"]["half_close_us"] >= lasted_us,
                f"half_close_us is {line['close']['half_close_us']}, and data "
                f"went for {lasted_us:.0f} us after the FIN")
    t.check_equal(conns.stop(), 0, "the exit status of conns")
    conns.check_summary()


if __name__ == "__main__":
    t.main(half_close)
