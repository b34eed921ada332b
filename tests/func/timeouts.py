#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The peer is gone without a word, and a timer gives up: which one is told."""
import socket

import tcpstate_test as t

OPEN = "CLOSE SYN_SENT ESTABLISHED"


class Setup:
    """A connection whose cable is cut after the handshake."""

    def __init__(self, source):
        self.left, self.right = t.Namespace(), t.Namespace()
        self.cable = t.Cable(self.left, self.right)
        self.events = t.Watch(source, netns=(self.left, self.right))
        with self.right.inside():
            self.server = t.listener(t.Cable.RIGHT)
            self.events.expect(t.End(self.server, "listener"), "CLOSE LISTEN")
        with self.left.inside():
            self.client = t.connect(self.server)
            self.c = t.End(self.client, "client")
        self.child, _ = self.server.accept()
        with self.right.inside():
            s = t.End(self.child, "server")
        self.events.expect(s, "LISTEN SYN_RECV ESTABLISHED")
        self.cable.policy = lambda segment: "drop"

    def finish(self, path=OPEN + " CLOSE", **last):
        with self.left.inside():
            t.wait_diag(self.c.cookie, None)
        self.events.expect(self.c, path, **last)
        self.events.finish()


def set_keepalive(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(t.SOL_TCP, socket.TCP_KEEPIDLE, 1)
    sock.setsockopt(t.SOL_TCP, socket.TCP_KEEPINTVL, 1)
    sock.setsockopt(t.SOL_TCP, socket.TCP_KEEPCNT, 2)


def keepalive(source):
    setup = Setup(source)
    set_keepalive(setup.client)
    t.wait_state(setup.client, "CLOSE")
    setup.finish(reason="keepalive")


def data(source):
    setup = Setup(source)
    with setup.left.inside():
        t.sysctl("net.ipv4.tcp_retries2", 1)
    setup.client.sendall(b"anybody?")
    t.wait_state(setup.client, "CLOSE")
    setup.finish(reason="timeout", detail="data")


def user_timeout(source):
    setup = Setup(source)
    setup.client.setsockopt(t.SOL_TCP, socket.TCP_USER_TIMEOUT, 1000)
    setup.client.sendall(b"anybody?")
    t.wait_state(setup.client, "CLOSE")
    setup.finish(reason="timeout", detail="user_timeout")


def user_timeout_of_keepalive(source):
    setup = Setup(source)
    set_keepalive(setup.client)
    setup.client.setsockopt(t.SOL_TCP, socket.TCP_USER_TIMEOUT, 1500)
    t.wait_state(setup.client, "CLOSE")
    setup.finish(reason="timeout", detail="user_timeout")


def fin(source):
    setup = Setup(source)
    with setup.left.inside():
        t.sysctl("net.ipv4.tcp_orphan_retries", 1)
        setup.client.close()
        t.wait_diag(setup.c.cookie, "FIN_WAIT1")
    setup.finish(OPEN + " FIN_WAIT1 CLOSE", reason="timeout", detail="fin")


if __name__ == "__main__":
    t.main(keepalive, data, user_timeout, user_timeout_of_keepalive, fin,
           shares=("events",))
