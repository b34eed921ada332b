#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Mini-sockets end before their time: by `ss -K`, a RST, an ICMP message, a
closed listener, and with their network namespace."""
import os

import tcpstate_test as t


def kill(*what):
    t.run("ss", "-K", "-tn", *what)


def time_wait(source):
    events = t.Watch(source)
    server = t.listener()
    client, child = t.pair(server)
    c, s = t.ends(client, child)
    client.close()
    t.wait_diag(c.cookie, "FIN_WAIT2")
    child.close()
    t.wait_diag(c.cookie, "TIME_WAIT")
    kill("state", "time-wait", "sport", "=", f":{c.sport}")
    if t.diag(c.cookie):
        raise t.Skip("ss -K does nothing here")
    events.expect(t.End(server, "listener"), "CLOSE LISTEN")
    events.expect(c, "CLOSE SYN_SENT ESTABLISHED FIN_WAIT1 FIN_WAIT2 TIME_WAIT "
                  "CLOSE", orphan=True, reason="killed")
    events.expect(s, "LISTEN SYN_RECV ESTABLISHED CLOSE_WAIT LAST_ACK CLOSE",
                  reason="fin")
    events.finish()


class Request:
    """A request_sock on the right, whose third segment waits."""

    def __init__(self, source, backlog=16, waiting=0):
        self.left, self.right = t.Namespace(), t.Namespace()
        self.cable = t.Cable(self.left, self.right)
        self.events = t.Watch(source, netns=(self.left, self.right))
        with self.right.inside():
            self.server = t.listener(t.Cable.RIGHT, backlog=backlog)
            self.door = t.End(self.server, "listener")
        self.waiting = []
        self.fill(waiting)
        self.cable.policy = lambda s: "pass" if s.has(t.SYN) else "hold"
        self.client, self.c, self.s = self.another()

    def fill(self, n):
        """Connections that nobody accepts."""
        for _ in range(n):
            with self.left.inside():
                client = t.connect(self.server)
                c = t.End(client, "client")
            with self.right.inside():
                s = t.unaccepted(client, self.server)
            self.waiting.append(client)
            self.events.expect(c, "CLOSE SYN_SENT ESTABLISHED")
            self.events.expect(s, "LISTEN SYN_RECV ESTABLISHED", accepted=False)

    def another(self):
        with self.left.inside():
            client = t.connect(self.server)
            c = t.End(client, "client")
            here = client.getsockname()

        def find():
            return next((s for s in t.sockets() if s.state == "SYN_RECV" and
                         (s.daddr, s.dport) == here), None)
        with self.right.inside():
            return client, c, t.End(t.wait_until(find, "SYN_RECV in sock_diag"),
                                    "server")

    def wait_gone(self):
        with self.right.inside():
            t.wait_diag(self.s.cookie, None)

    def finish(self, door="CLOSE LISTEN", client="", client_reason=None,
               **last):
        self.events.expect(self.door, door,
                           **({"reason": "closed"} if "LISTEN CLOSE" in door
                              else {}))
        self.events.expect(self.c, "CLOSE SYN_SENT ESTABLISHED" + client,
                           **({"reason": client_reason} if client else {}))
        self.events.expect(self.s, "LISTEN SYN_RECV CLOSE", **last)
        self.events.finish()


def request_killed(source):
    request = Request(source)
    with request.right.inside():
        kill("state", "syn-recv")
        if t.diag(request.s.cookie):
            raise t.Skip("ss -K does nothing here")
    request.finish(reason="killed")


def request_reset(source):
    """By the client's own RST, which overtakes the third segment."""
    request = Request(source)
    c = request.c
    seq = request.cable.of(c).numbers()["isn_local"] + 1
    request.cable.inject(t.forged((c.saddr, c.sport), (c.daddr, c.dport), t.RST,
                                  seq))
    request.wait_gone()
    request.finish(reason="rst_received")


def request_unreachable(source):
    """A router says that the SYN-ACK cannot be delivered."""
    request = Request(source)
    synack = next(x for x in request.cable.of(request.s).sent
                  if x.has(t.SYN | t.ACK))
    request.cable.inject(t.unreachable(t.Cable.LEFT, synack.packet))
    request.wait_gone()
    request.finish(reason="unreachable")


def request_without_room(source):
    """The accept queue is full, and tcp_abort_on_overflow is set."""
    request = Request(source, backlog=2, waiting=2)
    with request.right.inside():
        t.sysctl("net.ipv4.tcp_abort_on_overflow", 1)
    second, c, s = request.another()
    # The request of the one has its third segment first, and fills the queue.
    request.cable.release()
    with request.left.inside():
        t.wait_state(second, "CLOSE")
    request.events.expect(request.door, "CLOSE LISTEN")
    request.events.expect(request.c, "CLOSE SYN_SENT ESTABLISHED")
    request.events.expect(request.s, "LISTEN SYN_RECV ESTABLISHED",
                          accepted=False)
    request.events.expect(c, "CLOSE SYN_SENT ESTABLISHED CLOSE",
                          reason="rst_received")
    request.events.expect(s, "LISTEN SYN_RECV CLOSE", reason="overflow")
    request.events.finish()


def request_without_listener(source):
    """The listener is closed; the third segment finds nobody."""
    request = Request(source)
    request.server.close()
    request.cable.release()
    request.wait_gone()
    with request.left.inside():
        t.wait_state(request.client, "CLOSE")
    request.finish(door="CLOSE LISTEN CLOSE", client=" CLOSE",
                   client_reason="rst_received", reason="abort",
                   detail="listener_closed")


def namespace_gone(source):
    events = t.Watch(source, "events", netns=None)
    left = t.Namespace()
    events.own = {left.inode}
    with left.inside():
        server = t.listener()
        client, child = t.pair(server)
        c, s = t.ends(client, child)
        door = t.End(server, "listener")
        client.close()
        t.wait_diag(c.cookie, "FIN_WAIT2")
        child.close()
        t.wait_diag(c.cookie, "TIME_WAIT")
        server.close()
    os.close(left.fd)
    events.expect(door, "CLOSE LISTEN CLOSE", reason="closed")
    events.expect(c, "CLOSE SYN_SENT ESTABLISHED FIN_WAIT1 FIN_WAIT2 TIME_WAIT "
                  "CLOSE", orphan=True, reason="netns")
    events.expect(s, "LISTEN SYN_RECV ESTABLISHED CLOSE_WAIT LAST_ACK CLOSE",
                  reason="fin")
    events.finish()


if __name__ == "__main__":
    t.main(time_wait, request_killed, request_reset, request_unreachable,
           request_without_room, request_without_listener, namespace_gone,
           shares=("events",))
