#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""tcp_migrate_req: a listener is closed, and another one of the same port takes
over its half-open and its unaccepted connections. They live on, with the cookie
that they had.

    left [tun] --- the third segment may wait here --- [tun] right
"""
import socket

import tcpstate_test as t

OPEN = "CLOSE SYN_SENT ESTABLISHED"
PASSIVE = "LISTEN SYN_RECV ESTABLISHED"


class Doors(t.Link):
    """Two listeners with one port; at first there is but the one that is to be
    closed."""

    def __init__(self, source):
        super().__init__(source, listen=False)
        with self.right.inside():
            t.sysctl("net.ipv4.tcp_migrate_req", 1)
        self.closing = self.server = self.reuse()
        self.expect(self.door, "CLOSE LISTEN CLOSE", reason="closed")

    def reuse(self, port=0):
        with self.right.inside():
            server = socket.socket()
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            server.bind((t.Cable.RIGHT, port))
            server.listen(16)
            self.door = t.End(server, "listener")
        server.settimeout(t.LIMIT)
        return server

    def close_the_first(self):
        self.server = self.reuse(self.closing.getsockname()[1])
        self.expect(self.door, "CLOSE LISTEN")
        self.closing.close()

    def accept_and_close(self, client, c, s):
        child, again = self.accept()
        t.check_equal(again.cookie, s.cookie, "the cookie of what is accepted")
        client.close()
        self.wait(c, "FIN_WAIT2")
        child.close()
        self.wait(c, "TIME_WAIT")
        self.expect(c, OPEN + " FIN_WAIT1 FIN_WAIT2 TIME_WAIT", orphan=True)
        self.expect(s, PASSIVE + " CLOSE_WAIT LAST_ACK CLOSE", reason="fin")
        self.finish()


def request_by_its_third_segment(source):
    link = Doors(source)
    link.cable.policy = lambda x: "pass" if x.has(t.SYN) else "hold"
    client, c = link.connect()
    s = link.request(client)
    link.close_the_first()
    link.cable.release()
    link.accept_and_close(client, c, s)


def request_by_its_timer(source):
    """The SYN-ACK is sent again for the other listener."""
    link = Doors(source)
    link.cable.policy = lambda x: "pass" if x.has(t.SYN) else "drop"
    client, c = link.connect()
    s = link.request(client)
    link.close_the_first()
    link.wait_sent(s, t.SYN | t.ACK, at_least=2)
    link.cable.release()
    link.accept_and_close(client, c, s)


def unaccepted(source):
    link = Doors(source)
    client, c = link.connect()
    s = link.unaccepted(client)
    link.close_the_first()
    link.accept_and_close(client, c, s)


if __name__ == "__main__":
    t.main(request_by_its_third_segment, request_by_its_timer, unaccepted,
           shares=("events", "conns"))
