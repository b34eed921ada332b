#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""A socket that connects to itself: a simultaneous open with one end, and a
simultaneous close of it."""
import socket

import tcpstate_test as t


def self_connect(source):
    events = t.Watch(source)
    conns = t.Watch(source, "conns")
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    sock.connect(sock.getsockname())
    c = t.End(sock, "client")
    sock.sendall(b"to myself")
    t.check_equal(sock.recv(100), b"to myself", "what came back")
    sock.close()
    t.wait_diag(c.cookie, "TIME_WAIT")
    events.expect(c, "CLOSE SYN_SENT SYN_RECV ESTABLISHED FIN_WAIT1 CLOSING "
                  "TIME_WAIT")
    events.finish()
    t.check_conn(conns, c, state="TIME_WAIT", reason="fin",
                 close={"first": "both", "kind": "simultaneous"})
    t.check_equal(conns.stop(), 0, "the exit status of conns")


if __name__ == "__main__":
    t.main(self_connect)
