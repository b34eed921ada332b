# SPDX-License-Identifier: GPL-2.0
"""Random traffic: everything that programs do to their connections, chosen by a
seed. A Worker never blocks, and when it is told to stop it leaves all as it
stands and holds its sockets."""
import contextlib
import os
import random
import select
import signal
import socket
import subprocess
import time

import tcpstate_net as net

# Every connection has one of these at one end, and no other run's has.
FIRST_PORT = 20000 + os.getpid() % 12 * 1000
PORTS = FIRST_PORT, FIRST_PORT + 999
PORTS_EACH = 100            # of a worker
SOCKETS = 60                # open at a time, of a worker
LIFE_OF_A_PLACE = 40        # connections in a namespace that goes away
# What a busy port, a full queue or a peer's reset says is no failure.
EXPECTED = (OSError,)


class Place:
    """A namespace, and what a worker has open there."""

    def __init__(self, namespace, ports, rng):
        self.namespace = namespace
        self.ports = ports
        self.rng = rng
        self.servers = []
        self.socks = []

    def socket(self):
        s = socket.socket()
        s.setblocking(False)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return s

    def to(self, port):
        return f"127.0.{self.rng.randrange(3)}.{self.rng.randrange(1, 9)}", port

    # what can be done

    def serve(self):
        if len(self.servers) >= 4:
            return
        s = self.socket()
        try:
            s.bind(("0.0.0.0", self.rng.choice(self.ports)))
            s.listen(self.rng.choice((1, 4, 64)))
            self.servers.append(s)
        except EXPECTED:
            s.close()

    def open(self):
        """To a listener, now and then to nobody."""
        port = self.rng.choice(self.ports)
        if self.servers and self.rng.random() < 0.95:
            port = self.rng.choice(self.servers).getsockname()[1]
        s = self.socket()
        s.connect_ex(self.to(port))
        self.socks.append(s)

    def open_to_itself(self):
        """A simultaneous open: both SYNs are its own."""
        s = self.socket()
        self.socks.append(s)
        at = "127.0.0.1", self.rng.choice(self.ports)
        with contextlib.suppress(*EXPECTED):
            s.bind(at)
            s.connect_ex(at)

    def accept(self):
        for server in self.servers:
            with contextlib.suppress(*EXPECTED):
                s, _ = server.accept()
                s.setblocking(False)
                self.socks.append(s)

    def pick(self):
        return self.rng.choice(self.socks) if self.socks else None

    def take(self):
        return self.socks.pop(self.rng.randrange(len(self.socks))) \
            if self.socks else None

    def send(self):
        if s := self.pick():
            with contextlib.suppress(*EXPECTED):
                s.send(b"x" * self.rng.choice((1, 100, 5000)))

    def receive(self):
        if s := self.pick():
            with contextlib.suppress(*EXPECTED):
                s.recv(self.rng.choice((1, 100, 65536)))

    def half_close(self):
        if s := self.pick():
            with contextlib.suppress(*EXPECTED):
                s.shutdown(self.rng.choice((socket.SHUT_WR, socket.SHUT_RD,
                                            socket.SHUT_RDWR)))

    def close(self):
        """With whatever is unread."""
        if s := self.take():
            s.close()

    def abort(self):
        if s := self.take():
            net.linger0(s)
            s.close()

    def linger2(self):
        """Its FIN_WAIT2 is short, or none."""
        if s := self.take():
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_LINGER2,
                         self.rng.choice((-1, 1)))
            s.close()

    def disconnect(self):
        """AF_UNSPEC, and perhaps another life. Not beside a TIME_WAIT of the
        former one: two connections of one cookie, of which only the younger
        is told of (design.rst)."""
        s = self.pick()
        if not s or net.state(s) not in ("SYN_SENT", "ESTABLISHED",
                                         "CLOSE_WAIT") or not dissolve(s):
            return
        if self.rng.random() < 0.5 and self.servers:
            s.connect_ex(self.to(self.rng.choice(self.servers)
                                 .getsockname()[1]))
        elif self.rng.random() < 0.5 and len(self.servers) < 6:
            with contextlib.suppress(*EXPECTED):
                s.bind(("0.0.0.0", self.rng.choice(self.ports)))
                s.listen(4)
                self.socks.remove(s)
                self.servers.append(s)

    def stop_serving(self):
        """Whoever is in its queues dies with it."""
        if self.servers:
            self.servers.pop(self.rng.randrange(len(self.servers))).close()

    def killed_by_admin(self):
        port = self.rng.choice(self.ports)
        which = self.rng.choice(("sport", "dport"))
        subprocess.run(["ss", "-K", "-tanH", which, "=", f":{port}"],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       check=False)

    def killed_program(self):
        """A child opens some, and is killed in the midst of it."""
        r, w = os.pipe()
        seed = self.rng.random()
        pid = os.fork()
        if not pid:
            net.die_with_parent()
            self.rng = random.Random(seed)
            while True:
                self.open()
                self.accept()
                self.send()
                os.write(w, b".")
        os.read(r, self.rng.randrange(1, 16))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(r)
        os.close(w)

    MANY = (open, open, accept, accept, send, receive, receive, half_close,
            close, close)
    FEW = (serve, abort, linger2, disconnect, open_to_itself)
    RARE = (stop_serving, killed_by_admin, killed_program)

    def step(self):
        dice = self.rng.random()
        deeds = self.RARE if dice < 0.01 else self.FEW if dice < 0.2 \
            else self.MANY
        if len(self.socks) > SOCKETS:
            deeds = (Place.close, Place.abort)
        self.rng.choice(deeds)(self)

    def leave(self):
        for s in self.socks + self.servers:
            s.close()


def dissolve(sock):
    """connect() to AF_UNSPEC, which Python does not have."""
    return not net._libc.connect(sock.fileno(), b"\0" * 16, 16)


class Worker:
    """A process that does random things in all these namespaces."""

    def __init__(self, seed, number, namespaces):
        self.rng = random.Random(f"{seed}/{number}")
        first = PORTS[0] + number * PORTS_EACH
        self.ports = range(first, first + PORTS_EACH)
        self.places = [Place(n, self.ports, self.rng) for n in namespaces]
        self.told, self.tell = os.pipe()
        self.ready, rested = os.pipe()
        self.pid = os.fork()
        if self.pid:
            os.close(rested)
            return
        try:
            net.die_with_parent()
            self._run()
            os.write(rested, b"rest")
            signal.pause()
        finally:
            os._exit(1)

    def _run(self):
        steps = 0
        while not select.select([self.told], [], [], 0)[0]:
            place = self.rng.choice(self.places)
            net.enter_netns(place.namespace.fd)
            for _ in range(self.rng.randrange(1, 20)):
                place.step()
                steps += 1
            if self.rng.random() < 0.002:
                self._short_lived_namespace()
            # Others have their turn.
            time.sleep(self.rng.random() * 0.01)

    def _short_lived_namespace(self):
        """It goes while its connections are in all states."""
        place = Place(net.Namespace(), self.ports, self.rng)
        net.enter_netns(place.namespace.fd)
        place.serve()
        for _ in range(LIFE_OF_A_PLACE):
            place.step()
        net.enter_netns(self.places[0].namespace.fd)
        place.leave()
        place.namespace.close()

    def stop(self):
        """It stands still when this returns."""
        os.write(self.tell, b"stop")
        net.check(select.select([self.ready], [], [], net.LIMIT)[0] and
                  os.read(self.ready, 4) == b"rest",
                  "a worker of random traffic did not come to rest")
