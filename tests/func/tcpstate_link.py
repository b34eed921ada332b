# SPDX-License-Identifier: GPL-2.0
"""Two hosts with a cable between them, both watched, and the kernel's word at
the end."""
import contextlib
import socket

from tcpstate_net import (LIMIT, End, Namespace, check, check_equal, listener,
                          sockets, unaccepted, wait_diag, wait_until)
from tcpstate_net import connect as connect_to
from tcpstate_watch import Watch
from tcpstate_wire import ACK, RST, Cable, forged


def told_states(events):
    """By cookie: where the logical stream has led, CLOSE left out."""
    told = {o["conn_id"]: o["new_state"] for o in list(events.objects)
            if o["event"] == "state" and events.is_own(o)}
    return {cookie: name for cookie, name in told.items() if name != "CLOSE"}


def kernel_states(namespaces):
    found = {}
    for ns in namespaces:
        with ns.inside():
            found.update({s.cookie: s.state for s in sockets()
                          if s.state != "CLOSE"})
    return found


class Here:
    """The namespace of this thread, for wait_agreed()."""

    @staticmethod
    def inside():
        return contextlib.nullcontext()


def wait_agreed(events, *namespaces):
    """What is told is what sock_diag shows, socket for socket."""
    def same():
        return told_states(events) == kernel_states(namespaces)
    try:
        wait_until(same, "agreement with sock_diag")
    finally:
        check_equal(told_states(events), kernel_states(namespaces),
                    "the state of each socket, as told and as in sock_diag,")


class Link:
    """A client's host on the left, a server's on the right.

    Nothing is expected until expect(); finish() compares all of it.
    """

    def __init__(self, source, *args, backlog=16, listen=True):
        """args: more of them for tcpstate-watch."""
        # With processes in them, so that dumps find them.
        self.left, self.right = Namespace().settle(), Namespace().settle()
        self.cable = Cable(self.left, self.right)
        both = self.left, self.right
        self.events = Watch(source, "events", *args, netns=both)
        self.conns = Watch(source, "conns", *args, netns=both)
        self.server = None
        if listen:
            self.server = self.listen(backlog)
            self.expect(self.door, "CLOSE LISTEN")

    def listen(self, backlog):
        with self.right.inside():
            server = listener(Cable.RIGHT, backlog=backlog)
            self.door = End(server, "listener")
        server.settimeout(LIMIT)
        return server

    def expect(self, end, path, **kw):
        self.events.expect(end, path, **kw)

    # the left

    def start(self, port=None, source=None):
        """connect() that is under way."""
        to = Cable.RIGHT, port or self.server.getsockname()[1]
        with self.left.inside():
            sock = socket.socket()
            sock.bind(source or (Cable.LEFT, 0))
            sock.setblocking(False)
            sock.connect_ex(to)
            end = End(sock, "listener")     # it has no peer yet
        end.role, (end.daddr, end.dport) = "client", to
        return sock, end

    def connect(self):
        with self.left.inside():
            client = connect_to(self.server)
            return client, End(client, "client")

    # the right

    def accept(self):
        child, _ = self.server.accept()
        with self.right.inside():
            return child, End(child, "server")

    def unaccepted(self, client):
        with self.right.inside():
            return unaccepted(client, self.server)

    def request(self, client):
        """The End of the request_sock, which sock_diag shows."""
        here = client.getsockname()

        def find():
            return next((s for s in sockets() if s.state == "SYN_RECV" and
                         (s.daddr, s.dport) == here), None)
        with self.right.inside():
            return End(wait_until(find, "SYN_RECV in sock_diag"), "server")

    # both

    def side(self, end):
        return self.left if end.saddr == Cable.LEFT else self.right

    def pair(self):
        client, c = self.connect()
        return (client, c, *self.accept())

    def wait(self, end, name):
        """A state in sock_diag; None: until it is gone."""
        with self.side(end).inside():
            wait_diag(end.cookie, name)

    def wait_sent(self, end, flags, at_least=1):
        """So many segments on the wire with these flags; they may be lost."""
        def enough():
            found = [s for s in self.cable.of(end).sent if s.has(flags)]
            return found if len(found) >= at_least else None
        return wait_until(enough, f"{at_least} segments of {end}")

    def reset(self, end):
        """A RST of the peer's, that is in order."""
        acked = [s.ack for s in self.cable.of(end).sent if s.has(ACK)]
        there, here = (end.daddr, end.dport), (end.saddr, end.sport)
        if acked:
            self.cable.inject(forged(there, here, RST, acked[-1]))
            return
        syn = self.cable.of(end).sent[0]
        self.cable.inject(forged(there, here, RST | ACK, 0, syn.seq + 1))

    def finish(self):
        self.events.wait_expected()
        wait_agreed(self.events, self.left, self.right)
        self.events.finish()
        # It may see the end of an orphan later: a dump of its own shows it.
        for e in self.events.expected:
            if (e.end.role != "listener" and
                    e.path[-1] in ("CLOSE", "TIME_WAIT")):
                self.conns.wait_for(lambda o, e=e: o["event"] == "conn" and
                                    (o["conn_id"], o["life"]) ==
                                    (e.end.cookie, e.life), f"conn {e.end}")
        # An end is told again in its summary; it takes a moment.
        check_equal(self.conns.stop(), 0, "the exit status of conns")
        self.conns.check_summary()
        check(not self.illegal(), f"illegal moves: {self.illegal()}")

    def illegal(self):
        return [o for o in self.events.objects if o.get("legal") is False]

