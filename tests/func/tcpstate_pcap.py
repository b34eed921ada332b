# SPDX-License-Identifier: GPL-2.0
"""tcpdump beside the tool: the packets as somebody else saw them."""
import os
import re
import signal
import socket
import struct
import subprocess
import tempfile

from tcpstate_net import LIMIT, Skip, check, check_equal, wait_until
from tcpstate_wire import Segment

ETHERNET = 1
MARK_PORT = 1


class Tcpdump:
    """All TCP segments that pass a device, in the order in which they do."""

    def __init__(self, namespace, device, neighbour):
        """neighbour: an address behind the device, where nobody listens."""
        self._namespace, self._last = namespace, (neighbour, MARK_PORT)
        handle, self.path = tempfile.mkstemp(suffix=".pcap")
        os.close(handle)
        # In one process, which needs no other user's right to write.
        command = ["ip", "netns", "exec", namespace.name, "tcpdump", "-i",
                   device, "-n", "-p", "-U", "--immediate-mode", "-s", "128",
                   "-B", "16384", "-Z", "root", "-w", self.path, "tcp"]
        try:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                text=True)
        except FileNotFoundError as e:
            raise Skip(f"no {e.filename}") from None
        first = self._process.stderr.readline()
        if "listening on" not in first:
            raise Skip(f"tcpdump: {first.strip() or 'said nothing'}")

    def _read(self):
        with open(self.path, "rb") as f:
            return list(_segments(f.read()))

    def _is_written(self):
        """What it has seen is written some time later: a SYN marks the end."""
        with self._namespace.inside(), socket.socket() as mark:
            mark.connect_ex(self._last)
        return any((s.dst, s.dport) == self._last for s in self._read())

    def stop(self):
        """What it saw."""
        wait_until(self._is_written, "the last packet in tcpdump's file")
        self._process.send_signal(signal.SIGINT)
        _, said = self._process.communicate(timeout=LIMIT)
        dropped = re.search(r"(\d+) packets? dropped by kernel", said)
        check(dropped, f"tcpdump said {said!r}")
        check_equal(int(dropped[1]), 0, "what tcpdump dropped")
        segments = self._read()
        os.unlink(self.path)
        return segments


def _segments(data):
    if len(data) < 24:
        return
    magic, *_, link = struct.unpack_from("=IHHIIII", data)
    check_equal((magic, link), (0xa1b2c3d4, ETHERNET), "the head of the pcap")
    at = 24
    while at + 16 <= len(data):
        seconds, micros, kept, length = struct.unpack_from("=IIII", data, at)
        at += 16
        packet = data[at + 14:at + kept]    # without the Ethernet header
        at += kept
        if at > len(data):
            return      # it is being written
        check(length < 1600, f"a segment of {length} bytes: not as on a wire")
        segment = Segment(packet)
        segment.time_ns = seconds * 10**9 + micros * 1000
        yield segment
