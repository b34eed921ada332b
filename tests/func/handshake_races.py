#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The same SYN, and then the same third segment, on two CPUs at once: one of
them loses, and may have made a request or a child by then. Each connection is
told once, whoever lost.

    two writers, one on each CPU --> [tun with two queues] listener
"""
import fcntl
import mmap
import os
import select
import struct
import subprocess
import sys
import traceback

import tcpstate_test as t

HERE, THERE = "10.8.0.2", "10.8.0.1"
ROUNDS = 100
PASSIVE = "LISTEN SYN_RECV ESTABLISHED CLOSE"
TUNSETIFF = 0x400454ca
IFF_TUN, IFF_NO_PI, IFF_MULTI_QUEUE = 0x0001, 0x1000, 0x0100


def queues():
    """Two descriptors of one device."""
    fds = []
    subprocess.run(["modprobe", "-q", "tun"], check=False)
    for _ in range(2):
        try:
            fd = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
        except OSError as e:
            raise t.Skip(f"/dev/net/tun: {e.strerror}") from None
        fcntl.ioctl(fd, TUNSETIFF, struct.pack(
            "16sH22x", b"race0", IFF_TUN | IFF_NO_PI | IFF_MULTI_QUEUE))
        fds.append(fd)
    t.run("ip", "addr", "add", HERE, "peer", THERE, "dev", "race0")
    t.run("ip", "link", "set", "race0", "up")
    return fds


class Writers:
    """Processes that write the same packet at the same time."""

    TURN, DONE, SIZE, PACKET = 0, 4, 12, 16     # offsets in what they share

    def __init__(self, fds):
        self.shared = mmap.mmap(-1, 4096)
        self.turn = 0
        self.pids = []
        cpus = sorted(os.sched_getaffinity(0))
        for n, fd in enumerate(fds):
            pid = os.fork()
            if not pid:
                t.die_with_parent()
                os.sched_setaffinity(0, {cpus[n % len(cpus)]})
                self._work_or_say(n, fd)
            self.pids.append(pid)

    def _get(self, at):
        return struct.unpack_from("=I", self.shared, at)[0]

    def _work_or_say(self, n, fd):
        try:
            self._work(n, fd)
        except BaseException:   # pylint: disable=broad-except
            traceback.print_exc()
            sys.stderr.flush()
        os._exit(1)

    def _work(self, n, fd):
        turn = 0
        while True:
            # pack_into() writes zeros before it writes the number
            while self._get(self.TURN) <= turn:
                os.sched_yield()
            turn += 1
            size = self._get(self.SIZE)
            os.write(fd, self.shared[self.PACKET:self.PACKET + size])
            struct.pack_into("=I", self.shared, self.DONE + 4 * n, turn)

    def write(self, packet):
        self.shared[self.PACKET:self.PACKET + len(packet)] = packet
        struct.pack_into("=I", self.shared, self.SIZE, len(packet))
        self.turn += 1
        struct.pack_into("=I", self.shared, self.TURN, self.turn)

        def both():
            for pid in self.pids:
                t.check_equal(os.waitpid(pid, os.WNOHANG)[0], 0,
                              "a writer that has ended")
            return all(self._get(self.DONE + 4 * n) == self.turn
                       for n in range(2))
        t.wait_until(both, f"turn {self.turn} of both writers")


def answers(fds, port):
    """The numbers of the SYN-ACKs for this port, so far; at least one."""
    numbers = []

    def some():
        while select.select(fds, [], [], 0)[0]:
            for fd in select.select(fds, [], [], 0)[0]:
                x = t.Segment(os.read(fd, 65536))
                if (x.is_tcp and x.has(t.SYN | t.ACK) and x.dport == port and
                        x.seq not in numbers):
                    numbers.append(x.seq)
        return numbers
    return t.wait_until(some, "a SYN-ACK")


def one(writers, fds, server, port):
    """A connection whose segments all come twice; its End."""
    here, there = (THERE, port), (HERE, server.getsockname()[1])
    writers.write(t.forged(here, there, t.SYN, port * 1000))
    for number in answers(fds, port):
        writers.write(t.forged(here, there, t.ACK, port * 1000 + 1, number + 1))
    child, _ = server.accept()
    s = t.End(child, "server")
    t.check_equal(s.dport, port, "the port of the peer")
    t.linger0(child)
    child.close()
    return s


def handshake_races(source):
    fds = queues()
    t.sysctl("net.ipv4.tcp_syncookies", 0)
    events = t.Watch(source)
    server = t.listener(HERE)
    server.settimeout(t.LIMIT)
    events.expect(t.End(server, "listener"), "CLOSE LISTEN")
    writers = Writers(fds)
    for n in range(ROUNDS):
        s = one(writers, fds, server, 20000 + n)
        events.expect(s, PASSIVE, reason="abort", detail="linger0")
    events.wait_expected()
    t.wait_agreed(events, t.Here())
    # A loser is not told later either: its end settles in a few milliseconds,
    # and what comes after it has seen it pass.
    last = t.listener(HERE)
    door = t.End(last, "listener")
    last.close()
    events.wait_state(door, "CLOSE")
    events.expect(door, "CLOSE LISTEN CLOSE", reason="closed")
    events.finish()
    kept = [e.end.cookie for e in events.expected]
    t.check_equal(len(set(kept)), ROUNDS + 2, "the number of cookies")


if __name__ == "__main__":
    t.main(handshake_races, limit=120)
