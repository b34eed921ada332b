# SPDX-License-Identifier: GPL-2.0
"""The packets themselves: the truth that does not come from the tool."""
import fcntl
import os
import select
import socket
import struct
import subprocess
import threading
import time

from tcpstate_net import LIMIT, Skip, run, sysctl

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


class Segment:
    def __init__(self, packet):
        self.time_ns = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        self.packet = packet
        version = packet[0] >> 4
        if version == 4:
            at = (packet[0] & 15) * 4
            self.is_tcp = packet[9] == 6
            total = struct.unpack_from("!H", packet, 2)[0]
            self.src = socket.inet_ntop(socket.AF_INET, packet[12:16])
            self.dst = socket.inet_ntop(socket.AF_INET, packet[16:20])
        else:
            at = 40
            self.is_tcp = version == 6 and packet[6] == 6
            total = 40 + struct.unpack_from("!H", packet, 4)[0]
            self.src = socket.inet_ntop(socket.AF_INET6, packet[8:24])
            self.dst = socket.inet_ntop(socket.AF_INET6, packet[24:40])
        if not self.is_tcp:
            return
        (self.sport, self.dport, self.seq, self.ack, offset,
         self.flags) = struct.unpack_from("!HHIIBB", packet, at)
        self.length = total - at - (offset >> 4) * 4

    def has(self, flags):
        return self.flags & flags == flags

    def fin(self):
        """The number of its FIN."""
        return (self.seq + self.length) % 2**32

    def __str__(self):
        names = "".join(n for bit, n in ((SYN, "S"), (FIN, "F"), (RST, "R"),
                                         (ACK, ".")) if self.flags & bit)
        return (f"{self.sport}>{self.dport} {names} seq {self.seq} "
                f"ack {self.ack} len {self.length}")


def _sum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def _ip(src, dst, protocol, payload):
    def header(checksum):
        return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 0, 0,
                           64, protocol, checksum, src, dst)
    return header(_sum(header(0))) + payload


def forged(src, dst, flags, seq, ack=0):
    """An IPv4 packet with one segment and no data; src, dst: (address, port)."""
    here, there = socket.inet_aton(src[0]), socket.inet_aton(dst[0])

    def tcp(checksum):
        return struct.pack("!HHIIBBHHH", src[1], dst[1], seq % 2**32,
                           ack % 2**32, 5 << 4, flags, 65535, checksum, 0)
    pseudo = here + there + struct.pack("!HH", 6, 20)
    return _ip(here, there, 6, tcp(_sum(pseudo + tcp(0))))


def unreachable(by, packet):
    """The ICMP message of a host, that @packet cannot go on from it."""
    def icmp(checksum):
        # destination unreachable: host
        return struct.pack("!BBHI", 3, 1, checksum, 0) + packet[:28]
    return _ip(socket.inet_aton(by), packet[12:16], 1, icmp(_sum(icmp(0))))


class Wiretap:
    """All TCP segments that arrive on the loopback device of this namespace."""

    def __init__(self, device="lo"):
        self.segments = []
        self._sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM,
                                   socket.htons(3))
        self._sock.setsockopt(socket.SOL_SOCKET, 33, 1 << 24)
        self._sock.bind((device, 3))
        self._sock.settimeout(0.05)
        self._stop = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        while True:
            try:
                packet, (_, _, kind, *_) = self._sock.recvfrom(65536)
            except TimeoutError:
                if self._stop:
                    return
                continue
            # Each is seen when it leaves (4) and when it arrives (0).
            if kind == 0 and len(packet) >= 40:
                segment = Segment(packet)
                if segment.is_tcp:
                    self.segments.append(segment)

    def stop(self):
        """Read what is left, and end."""
        self._stop = True
        self._thread.join(LIMIT)
        self._sock.close()

    def of(self, end, nth=0):
        return Conversation(end, self.segments, nth)


class Conversation:
    """The segments of a connection, seen from one of its ends."""

    def __init__(self, end, segments, nth=0):
        """nth: how many before it had the same addresses and ports."""
        here, there = (end.saddr, end.sport), (end.daddr, end.dport)
        both = [s for s in segments if
                {(s.src, s.sport), (s.dst, s.dport)} == {here, there}]
        self.both = self._split(both)[nth]
        self.sent = [s for s in self.both if (s.src, s.sport) == here]
        self.received = [s for s in self.both if (s.src, s.sport) == there]

    @staticmethod
    def _split(segments):
        """One list for each connection; the first SYN of each has a new
        number."""
        lists, numbers = [[]], set()
        for s in segments:
            if s.has(SYN) and not s.has(ACK):
                if (s.src, s.sport, s.seq) not in numbers and any(
                        x.src_port() == s.src_port() for x in lists[-1]):
                    lists.append([])
                numbers.add((s.src, s.sport, s.seq))
            lists[-1].append(s)
        return lists

    @staticmethod
    def _first(segments, flag):
        return next((s for s in segments if s.has(flag)), None)

    def numbers(self):
        """isn_local, isn_peer, fin_local, fin_peer; None: not on the wire."""
        def isn(segments):
            s = self._first(segments, SYN)
            return s and s.seq

        def fin(segments):
            s = self._first(segments, FIN)
            return s and s.fin()
        return {"isn_local": isn(self.sent), "isn_peer": isn(self.received),
                "fin_local": fin(self.sent), "fin_peer": fin(self.received)}

    def fin_retrans(self):
        """How often its FIN was sent again."""
        return max(0, sum(s.has(FIN) for s in self.sent) - 1)

    def acks_of_fin(self):
        """v: the numbers of what acknowledged the first FIN."""
        first = self._first(self.both, FIN)
        there = self.received if first in self.sent else self.sent
        return {s.seq for s in there if s.ack == (first.fin() + 1) % 2**32}

    def kinds(self):
        """Of a close by two FINs, as the textbook counts segments: what may be
        said of it at this end. More than one only if segments overtook each
        other on the way from CPU to CPU."""
        first = self._first(self.both, FIN)
        second = self._first(self.received if first in self.sent else self.sent,
                             FIN)
        acked = (first.fin() + 1) % 2**32
        if second.ack != acked:
            return {"simultaneous"}
        # What was sent before the FIN does not count it.
        acks = [s for s in (self.sent if second in self.sent else self.received)
                if s.ack == acked and not s.has(FIN) and
                (second.fin() - s.seq) % 2**32 < 2**31]
        if not acks:
            return {"three_segment"}
        if (self.both.index(acks[0]) > self.both.index(second) and
                second in self.received):
            return {"three_segment", "four_segment"}
        return {"four_segment"}

    def __str__(self):
        return "; ".join(map(str, self.both))


Segment.src_port = lambda self: (self.src, self.sport)


class Cable:
    """Two namespaces, and a point-to-point link in the hands of the test.

        left  10.9.0.1 fd09::1 [tun] --- policy --- [tun] 10.9.0.2 fd09::2  right

    policy(segment) says "pass", "drop" or "hold"; what is held goes on in
    order at release(). All segments are kept in .segments when they are sent.
    """

    LEFT, RIGHT = "10.9.0.1", "10.9.0.2"
    LEFT6, RIGHT6 = "fd09::1", "fd09::2"

    def __init__(self, left, right):
        self.left, self.right = left, right
        self.segments = []
        self.policy = lambda segment: "pass"
        self._held = []
        self._lock = threading.Lock()
        self._fds = [self._tun(left, self.LEFT, self.RIGHT, self.LEFT6),
                     self._tun(right, self.RIGHT, self.LEFT, self.RIGHT6)]
        self._stop_r, self._stop_w = os.pipe()
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    @staticmethod
    def _tun(ns, addr, peer, addr6):
        subprocess.run(["modprobe", "-q", "tun"], check=False)
        with ns.inside():
            try:
                fd = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
            except OSError as e:
                raise Skip(f"/dev/net/tun: {e.strerror}") from None
            # IFF_TUN | IFF_NO_PI
            fcntl.ioctl(fd, 0x400454ca, struct.pack("16sH22x", b"cable0", 0x1001))
            sysctl("net.ipv6.conf.cable0.accept_dad", 0)
            run("ip", "addr", "add", addr, "peer", peer, "dev", "cable0")
            run("ip", "link", "set", "cable0", "up")
            run("ip", "addr", "add", addr6 + "/64", "dev", "cable0", "nodad")
        return fd

    def _carry(self):
        while True:
            ready, _, _ = select.select([*self._fds, self._stop_r], [], [])
            if self._stop_r in ready:
                return
            for fd in ready:
                packet = os.read(fd, 65536)
                with self._lock:
                    self._one(packet, self._fds[fd == self._fds[0]])

    def _one(self, packet, to):
        segment = Segment(packet)
        verdict = "pass"
        if segment.is_tcp:
            self.segments.append(segment)
            verdict = self.policy(segment)
        if verdict == "hold":
            self._held.append((packet, to))
        elif verdict == "pass":
            os.write(to, packet)

    def held(self):
        with self._lock:
            return len(self._held)

    def release(self, policy=None):
        """Let go what was held; from now on policy, or everything passes."""
        with self._lock:
            self.policy = policy or (lambda segment: "pass")
            for packet, to in self._held:
                os.write(to, packet)
            self._held = []

    def inject(self, packet):
        """To the side that its destination is on."""
        to = self._fds[Segment(packet).dst in (self.RIGHT, self.RIGHT6)]
        with self._lock:
            os.write(to, packet)

    def of(self, end):
        return Conversation(end, self.segments)

    def close(self):
        os.write(self._stop_w, b"x")
        self._thread.join(LIMIT)
        for fd in (*self._fds, self._stop_r, self._stop_w):
            os.close(fd)
