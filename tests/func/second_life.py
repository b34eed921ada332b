#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""One socket, several connections: connect, dissolve (AF_UNSPEC), connect,
dissolve, listen. One cookie, and each life is a story of its own."""
import ctypes
import os
import socket
import struct

import tcpstate_test as t


def dissolve(sock):
    nothing = struct.pack("H14x", socket.AF_UNSPEC)
    if t._libc.connect(sock.fileno(), nothing, len(nothing)):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def second_life(source):
    events = t.Watch(source)
    server = t.listener()
    events.expect(t.End(server, "listener"), "CLOSE LISTEN")
    sock = socket.socket()
    keep = []
    for life in (1, 2):
        sock.connect(server.getsockname())
        child, _ = server.accept()
        c, s = t.ends(sock, child)
        keep.append(child)
        dissolve(sock)
        t.wait_state(child, "CLOSE")
        events.expect(c, "CLOSE SYN_SENT ESTABLISHED CLOSE", life=life,
                      reason="abort", detail="disconnect")
        events.expect(s, "LISTEN SYN_RECV ESTABLISHED CLOSE",
                      reason="rst_received")
    sock.bind(("127.0.0.1", 0))
    sock.listen(1)
    door = t.End(sock, "listener")
    t.check_equal(door.cookie, c.cookie, "the cookie of the third life")
    sock.close()
    events.expect(door, "CLOSE LISTEN CLOSE", life=3, reason="closed")
    events.finish()


if __name__ == "__main__":
    t.main(second_life)
