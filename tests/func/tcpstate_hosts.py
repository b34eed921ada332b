# SPDX-License-Identifier: GPL-2.0
"""Two hosts with a cable between them: connections that can be disturbed."""
import socket

from tcpstate_net import (LIMIT, SOL_TCP, End, Namespace, listener, sockets,
                          unaccepted, wait_diag, wait_until)
from tcpstate_net import connect as connect_to
from tcpstate_wire import ACK, RST, Cable, forged

TCP_REPAIR = 19


class Hosts:
    """A client's host on the left, a server's on the right."""

    def __init__(self, backlog=16, listen=True):
        # With processes in them, so that dumps find them.
        self.left, self.right = Namespace().settle(), Namespace().settle()
        self.cable = Cable(self.left, self.right)
        self.server = self.door = None
        if listen:
            self.listen(backlog)

    def close(self):
        self.cable.close()
        self.left.close()
        self.right.close()

    def listen(self, backlog=16):
        with self.right.inside():
            self.server = listener(Cable.RIGHT, backlog=backlog)
            self.door = End(self.server, "listener")
        self.server.settimeout(LIMIT)
        return self.server

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

    def requests(self, port):
        """Those of a listener, as sock_diag shows them."""
        with self.right.inside():
            return [s for s in sockets() if s.state == "SYN_RECV" and
                    s.sport == port]

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

    @staticmethod
    def crash(sock):
        """Its host is gone from one moment to the next: nothing is sent."""
        sock.setsockopt(SOL_TCP, TCP_REPAIR, 1)
        sock.close()
