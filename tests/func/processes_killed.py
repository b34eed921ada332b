#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""A process with sockets in every state is killed; a network namespace is
removed with what is left of others. Each has its end, and the ends that the
process's own end made say so."""
import os
import pickle
import signal
import socket

import tcpstate_test as t

OPEN = "CLOSE SYN_SENT ESTABLISHED"
PASSIVE = "LISTEN SYN_RECV ESTABLISHED"
NOWHERE = "192.0.2.1"
EACH = 5


class Sockets:
    """Of the process that will be killed, by the state that they are in."""

    def __init__(self, server):
        owner = t.Owner(os.getpid())
        self.keep, self.ends = [], {}
        for name in ("established", "unread", "close_wait", "half_closed"):
            self.ends[name] = []
            for _ in range(EACH):
                sock = t.connect(server)
                sock.sendall(name.encode().ljust(16))
                self.ends[name].append(t.End(sock, "client", owner=owner))
                if name == "half_closed":
                    sock.shutdown(socket.SHUT_WR)
                self.keep.append(sock)
        self.trying(owner)
        self.listening(owner)

    def trying(self, owner):
        sock = socket.socket()
        sock.bind(("127.0.0.1", 0))
        sock.setblocking(False)
        sock.connect_ex((NOWHERE, 9))
        end = t.End(sock, "listener", owner=owner)
        end.role, end.daddr, end.dport = "client", NOWHERE, 9
        self.keep.append(sock)
        self.ends["syn_sent"] = [end]

    def listening(self, owner):
        """And one that nobody has accepted."""
        door = t.listener()
        client = t.connect(door)
        self.keep += door, client
        self.ends["door"] = [t.End(door, "listener", owner=owner)]
        self.ends["unaccepted_client"] = [t.End(client, "client", owner=owner)]
        waiting = t.unaccepted(client, door)
        waiting.owner = owner
        self.ends["unaccepted"] = [waiting]


def in_child(server):
    """The process and the ends of its sockets."""
    r, w = os.pipe()
    child = os.fork()
    if not child:
        t.die_with_parent()
        mine = Sockets(server)
        os.write(w, pickle.dumps(mine.ends))
        os.close(w)
        while True:
            signal.pause()
    os.close(w)
    with os.fdopen(r, "rb") as said:
        return child, pickle.loads(said.read())


def accept_all(server, ends):
    """The peers' ends, by name; each does what its name says."""
    peers = {}
    for _ in range(4 * EACH):
        sock, _ = server.accept()
        sock.settimeout(t.LIMIT)
        name = sock.recv(16, socket.MSG_WAITALL).decode().strip()
        peers.setdefault(name, []).append((sock, t.End(sock, "server")))
    for sock, _ in peers["unread"]:
        sock.sendall(b"nobody reads this")
    for sock, _ in peers["close_wait"]:
        sock.shutdown(socket.SHUT_WR)
    for end in ends["close_wait"]:
        t.wait_diag(end.cookie, "CLOSE_WAIT")
    for end in ends["half_closed"]:
        t.wait_diag(end.cookie, "FIN_WAIT2")
    for end in ends["unread"]:
        t.wait_until(lambda end=end: t.diag(end.cookie).rqueue, "unread data")
    return peers


def expect_after_kill(events, ends, peers):
    by_exit = {"by_exit": True}
    for name, path, last in (
            ("established", OPEN + " FIN_WAIT1 FIN_WAIT2 TIME_WAIT", {}),
            ("half_closed", OPEN + " FIN_WAIT1 FIN_WAIT2 TIME_WAIT", {}),
            ("unread", OPEN + " CLOSE",
             {"reason": "abort", "detail": "unread_data", **by_exit}),
            ("close_wait", OPEN + " CLOSE_WAIT LAST_ACK CLOSE",
             {"reason": "fin", **by_exit}),
            ("syn_sent", "CLOSE SYN_SENT CLOSE",
             {"reason": "closed", **by_exit}),
            ("door", "CLOSE LISTEN CLOSE", {"reason": "closed", **by_exit})):
        for end in ends[name]:
            events.expect(end, path, orphan=path.endswith("TIME_WAIT"), **last)
    for name, path, last in (
            ("established", " CLOSE_WAIT LAST_ACK CLOSE", {"reason": "fin"}),
            ("half_closed", " CLOSE_WAIT LAST_ACK CLOSE", {"reason": "fin"}),
            ("unread", " CLOSE", {"reason": "rst_received"}),
            ("close_wait", " FIN_WAIT1 FIN_WAIT2 TIME_WAIT", {})):
        for _, end in peers[name]:
            # That one's FIN was there before accept().
            events.expect(end, PASSIVE + path, accepted=name != "half_closed",
                          **last)


def killed(source):
    t.run("ip", "route", "add", "192.0.2.0/24", "dev", "lo", "src", "127.0.0.1")
    events = t.Watch(source)
    server = t.listener(backlog=64)
    server.settimeout(t.LIMIT)
    child, ends = in_child(server)
    peers = accept_all(server, ends)
    # Which of the two is closed first when a process ends, is not said.
    both = ends["unaccepted_client"] + ends["unaccepted"]
    events.own_connections |= {e.cookie for e in both}
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    for end in ends["established"]:
        t.wait_diag(end.cookie, "FIN_WAIT2")
    for name in ("established", "half_closed"):
        for sock, _ in peers[name]:
            sock.close()
        for end in ends[name]:
            t.wait_diag(end.cookie, "TIME_WAIT")
    events.expect(t.End(server, "listener"), "CLOSE LISTEN")
    expect_after_kill(events, ends, peers)
    for end in both:
        events.wait_state(end, "CLOSE")
    t.wait_agreed(events, t.Here())
    events.finish()


class Removed(t.Link):
    """A namespace on the left, that nothing holds but its orphans."""

    def leave(self):
        """One in TIME_WAIT, one in FIN_WAIT2, one in FIN_WAIT1."""
        client, self.waiting, child, self.ended = self.pair()
        client.close()
        self.wait(self.waiting, "FIN_WAIT2")
        child.close()
        self.wait(self.waiting, "TIME_WAIT")
        client, self.half, self.kept, self.half_peer = self.pair()
        client.close()
        self.wait(self.half, "FIN_WAIT2")
        client, self.trying, self.kept2, self.trying_peer = self.pair()
        self.cable.policy = lambda x: "drop"
        client.close()
        self.wait(self.trying, "FIN_WAIT1")

    def remove(self):
        self.cable.close()
        self.left.resident.kill()
        self.left.resident.wait()
        os.close(self.left.fd)


def namespace_removed(source):
    """The one that still sends its FIN keeps the namespace, until it gives up;
    the mini-sockets do not."""
    link = Removed(source)
    with link.left.inside():
        t.sysctl("net.ipv4.tcp_orphan_retries", 1)
    link.leave()
    link.remove()
    link.events.wait_state(link.trying, "CLOSE")
    link.expect(link.waiting, OPEN + " FIN_WAIT1 FIN_WAIT2 TIME_WAIT CLOSE",
                orphan=True, reason="netns")
    link.expect(link.half, OPEN + " FIN_WAIT1 FIN_WAIT2 CLOSE", reason="netns")
    # Its device went with the cable.
    link.expect(link.trying, OPEN + " FIN_WAIT1 CLOSE", reason="unreachable")
    link.expect(link.ended, PASSIVE + " CLOSE_WAIT LAST_ACK CLOSE",
                reason="fin")
    link.expect(link.half_peer, PASSIVE + " CLOSE_WAIT")
    link.expect(link.trying_peer, PASSIVE)
    link.events.finish()
    gone = link.events.of(link.trying)[-1]["mono_ns"]
    for end in link.waiting, link.half:
        t.check(link.events.of(end)[-1]["mono_ns"] >= gone,
                f"{end} has gone before the last socket of its namespace")


if __name__ == "__main__":
    t.main(killed, namespace_removed, limit=90,
           shares=("events",))
