#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Mini-sockets end before their time: by `ss -K`, a RST, a closed listener, and
with their network namespace."""
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

    def __init__(self, source):
        self.left, self.right = t.Namespace(), t.Namespace()
        self.cable = t.Cable(self.left, self.right)
        self.events = t.Watch(source, netns=(self.left, self.right))
        with self.right.inside():
            self.server = t.listener(t.Cable.RIGHT)
            self.door = t.End(self.server, "listener")
        self.cable.policy = lambda s: "pass" if s.has(t.SYN) else "hold"
        with self.left.inside():
            self.client = t.connect(self.server)
            self.c = t.End(self.client, "client")
            here = self.client.getsockname()

        def find():
            return next((s for s in t.sockets() if s.state == "SYN_RECV" and
                         (s.daddr, s.dport) == here), None)
        with self.right.inside():
            self.s = t.End(t.wait_until(find, "SYN_RECV in sock_diag"), "server")

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
    t.main(time_wait, request_killed, request_reset, request_without_listener,
           namespace_gone)
