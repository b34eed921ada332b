#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Beside tcpstates of bcc (libbpf-tools), on the same traffic: each move that it
prints is one of our raw records of full sockets, as often; and we tell those
that it cannot. Documentation/peers.rst lists the differences that this measures.

It wants tracefs, which is mounted in a mount namespace of its own.
"""
import collections
import os
import re
import signal
import socket
import subprocess
import threading

import tcpstate_test as t

CONNECTIONS = 40
# SKADDR C-PID C-COMM IP LADDR LPORT RADDR RPORT OLDSTATE -> NEWSTATE MS; a
# comm may have blanks.
LINE = re.compile(r"[0-9a-f]+ +(\d+) +(.*?) +[46] +(\S+) +(\d+) +(\S+) +(\d+) +"
                  r"(\w+) +-> (\w+) +[\d.]+")
THEIR_NAMES = {"FIN_WAIT_1": "FIN_WAIT1", "FIN_WAIT_2": "FIN_WAIT2"}


class Peer:
    def __init__(self):
        self.moves = []
        self.header = threading.Event()
        command = ("mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null; "
                   "exec stdbuf -oL tcpstates -w")
        self.process = subprocess.Popen(
            ["unshare", "-m", "sh", "-c", command], text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, preexec_fn=t.die_with_parent)
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()
        t.wait_until(lambda: self.header.is_set() or
                     self.process.poll() is not None, "a word of tcpstates")
        t.check(self.process.poll() is None, "tcpstates ended: " +
                (self.process.stderr.read() if self.process.poll() else ""))

    def _read(self):
        for line in self.process.stdout:
            self.header.set()
            if m := LINE.match(line):
                _, _, saddr, sport, daddr, dport, old, new = m.groups()
                self.moves.append((saddr, int(sport), daddr, int(dport),
                                   THEIR_NAMES.get(old, old),
                                   THEIR_NAMES.get(new, new)))

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(t.LIMIT)
        self.thread.join(t.LIMIT)


def one(server, kind):
    """A connection, ended in one of the ways."""
    client, child = t.pair(server)
    first, second = (client, child) if kind % 2 else (child, client)
    if kind % 4 < 2:
        first.shutdown(socket.SHUT_WR)
        t.read_to_end(second)
        second.close()
        t.read_to_end(first)
    else:
        t.linger0(first)
        first.close()
        t.wait_state(second, "CLOSE")
        second.close()
    first.close()


def traffic(port):
    server = t.listener(port=port)
    for kind in range(CONNECTIONS):
        one(server, kind)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with socket.socket() as nobody:
            t.check(nobody.connect_ex(free.getsockname()), "connected to nobody")
    server.close()


def raw_moves(watch, port):
    """As the peer's, of our records of full sockets with this port. At -> CLOSE
    the port has been given back (sk_num), and is that of the record before."""
    wild = "0.0.0.0"
    ports = {}
    moves = collections.Counter()
    for o in watch.objects:
        if not o.get("raw") or o["type"] != "state":
            continue
        key = o["conn_id"]
        if o.get("sport") and o["old_state"] != "LISTEN":
            ports[key] = o["sport"]
        sport = o.get("sport") or 0
        if o["new_state"] == "CLOSE" and not sport:
            sport = ports.get(key, 0)
        if port in (sport, o.get("dport")):
            moves[o.get("saddr", wild), sport, o.get("daddr", wild),
                  o.get("dport", 0), o["old_state"], o["new_state"]] += 1
    return moves


def beside_tcpstates(source):
    # It does not know namespaces: ports that no other test has.
    port = 19000 + os.getpid() % 1000
    peer = Peer()
    raw = t.Watch(source, "events", "--raw")
    events = t.Watch(source)
    traffic(port)
    for watch in (raw, events):
        watch.wait_for(lambda o: o.get("old_state") == "LISTEN" and
                       o.get("new_state") == "CLOSE", "the listener's end")
    theirs = lambda: [m for m in peer.moves if port in (m[1], m[3])]  # noqa: E731
    ours = raw_moves(raw, port)
    try:
        t.wait_until(lambda: collections.Counter(theirs()) == ours,
                     "what tcpstates prints")
    except t.Failure:
        counted = collections.Counter(theirs())
        raise t.Failure(
            f"only tcpstates has {dict(counted - ours)}, only we have "
            f"{dict(ours - counted)}") from None
    peer.stop()
    for watch in (raw, events):
        t.check_equal(watch.stop(), 0, "the exit status")
        watch.check_summary()
    what_it_cannot(theirs(), events)


def what_it_cannot(theirs, events):
    """The differences of peers.rst."""
    their_moves = collections.Counter(m[4:] for m in theirs)
    logical = collections.Counter((o["old_state"], o["new_state"])
                                  for o in events.objects
                                  if o["event"] == "state")
    half = CONNECTIONS // 2
    print(f"# tcpstates: {len(theirs)} moves, {dict(their_moves)}")
    print(f"# ours: {sum(logical.values())} moves, {dict(logical)}")
    t.check_equal(their_moves[("FIN_WAIT2", "CLOSE")], half,
                  "their false CLOSE of closes by FIN")
    t.check_equal(logical[("FIN_WAIT2", "TIME_WAIT")], half, "our TIME_WAIT")
    t.check_equal([m for m in their_moves if "TIME_WAIT" in m], [],
                  "moves of TIME_WAIT by tcpstates")
    t.check_equal(logical[("LISTEN", "SYN_RECV")], CONNECTIONS, "our SYN_RECV")
    unnamed = [m for m in theirs if m[4:] == ("LISTEN", "SYN_RECV")
               and not m[3]]
    print(f"#   {len(unnamed)} of their {CONNECTIONS} SYN_RECV have no peer")
    early = [m for m in theirs if m[4:] == ("CLOSE", "SYN_SENT") and not m[1]]
    print(f"#   {len(early)} of their SYN_SENT have no source port")
    t.check(early, "their SYN_SENT have a source port now: mend peers.rst")
    told = [o for o in events.objects if o.get("new_state") == "SYN_SENT"]
    t.check(all(o.get("sport") for o in told) or events.infers(t.CONNECT_PORT),
            "one of our SYN_SENT has no source port")


if __name__ == "__main__":
    t.main(beside_tcpstates)
