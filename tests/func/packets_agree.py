#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""What is told of a connection is what its packets say: random connections of
all kinds over a path that loses and reorders, with tcpdump at both ends.

    left 10.9.2.1 === middle: netem both ways === 10.9.3.1 right

Each number, each count of segments and of retransmissions, and the verdict of
three or four is compared at each end with what passed that end's device. A verdict
may be unknown, never wrong.
"""
import collections
import os
import random
import socket
import threading
import time

import tcpstate_test as t
from tcpstate_pcap import Tcpdump
from tcpstate_truth import Truth

ROUNDS = int(os.environ.get("TCPSTATE_ROUNDS", "220"))
AT_ONCE = 40
FIRST_PORT = 10000
GIVE_UP = t.LIMIT / 4
LEFT, RIGHT = "10.9.2.1", "10.9.3.1"
ROUTER_LEFT, ROUTER_RIGHT = "10.9.2.254", "10.9.3.254"
NETEM = ("netem", "limit", "10000", "delay", "5ms", "4ms", "loss", "7%")
# A packet is seen before it is taken, on a machine with few processors.
AROUND_NS = 100_000_000

KINDS = ("client", "server", "both", "half_client", "half_server", "piped",
         "abort_client", "abort_server", "unread", "refused")


class Path:
    """Two hosts, and a router between them that is no good."""

    def __init__(self):
        name = f"tcpstate-{os.getpid()}-{os.urandom(3).hex()}"
        self.left = t.Namespace(name + "-l")
        self.middle = t.Namespace(name + "-m")
        self.right = t.Namespace(name + "-r")
        self._wire(self.left, "west", LEFT, ROUTER_LEFT)
        self._wire(self.right, "east", RIGHT, ROUTER_RIGHT)
        with self.middle.inside():
            t.sysctl("net.ipv4.ip_forward", 1)

    def _wire(self, side, host, addr, router):
        middle = self.middle.name
        try:
            t.run("ip", "link", "add", host, "netns", side.name, "gso_max_segs",
                  "1", "type", "veth", "peer", "name", host, "netns", middle)
        except RuntimeError as e:
            raise t.Skip(f"no veth: {e}") from None
        t.run("ip", "-n", side.name, "addr", "add", addr + "/24", "dev", host)
        t.run("ip", "-n", middle, "addr", "add", router + "/24", "dev", host)
        for ns in side.name, middle:
            t.run("ip", "-n", ns, "link", "set", host, "up")
        t.run("ip", "-n", side.name, "route", "add", "default", "via",
              router)
        # One processor takes all that comes, or what tcpdump saw first may be
        # taken last.
        t.run("ip", "netns", "exec", side.name, "sh", "-c",
              f"echo 1 > /sys/class/net/{host}/queues/rx-0/rps_cpus")
        try:
            t.run("tc", "-n", middle, "qdisc", "add", "dev", host, "root", *NETEM)
        except RuntimeError as e:
            raise t.Skip(f"no netem: {e}") from None

    def close(self):
        for ns in self.left, self.middle, self.right:
            ns.close()


class Plan:
    """One connection: what each end does, and when it did."""

    def __init__(self, seed):
        rng = random.Random(seed)
        sizes = 0, 1, 10, 1000, 1448, 5000, 14000
        self.kind = rng.choice(KINDS)
        self.to_server, self.to_client, self.late = (
            b"x" * rng.choice(sizes) for _ in range(3))
        self.pause = rng.choice([0, 0, 0.002, 0.06])
        self.together = threading.Barrier(2)
        self.ends = {}
        self.closed_ns = {}

    def _leave(self, role, sock, how=socket.socket.close):
        self.closed_ns.setdefault(role, time.time_ns())
        how(sock)

    def _abort(self, role, sock):
        t.linger0(sock)
        self._leave(role, sock)

    @staticmethod
    def _read(sock, size):
        while size:
            got = len(sock.recv(size))
            if not got:
                return
            size -= got

    def client(self, sock):
        sock.sendall(self.to_server)
        if self.kind in ("piped", "unread"):
            return self._end("client", sock)
        self._read(sock, len(self.to_client))
        return self._end("client", sock)

    def server(self, sock):
        if self.kind == "unread":
            sock.recv(1, socket.MSG_PEEK)
            return self._leave("server", sock)
        self._read(sock, len(self.to_server))
        if self.kind != "piped":
            sock.sendall(self.to_client)
        return self._end("server", sock)

    def _end(self, role, sock):
        """The first to close has a word in the kind."""
        if self.kind == "abort_" + role:
            return self._abort(role, sock)
        if self.kind == "half_" + role:
            self._leave(role, sock, lambda s: s.shutdown(socket.SHUT_WR))
            t.read_to_end(sock)
            return sock.close()
        if self.kind == "both":
            self.together.wait(t.LIMIT)
        if self.kind in (role, "both") or (self.kind, role) == ("piped",
                                                               "client"):
            return self._leave(role, sock)
        # The timing is what is varied here; nothing waits for it.
        t.read_to_end(sock)
        time.sleep(self.pause)
        if self.kind.startswith("half_"):
            sock.sendall(self.late)
        return self._leave(role, sock)


class Traffic:
    def __init__(self, path, seed, count):
        self.path = path
        self.plans = [Plan(f"{seed}/{n}") for n in range(count)]
        self._by_port = {}
        self._room = threading.Semaphore(AT_ONCE)
        with path.right.inside():
            self._server = t.listener(RIGHT, backlog=1000)
            closed = t.listener(RIGHT)
            self._closed = closed.getsockname()[1]
            closed.close()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        t.enter_netns(self.path.right.fd)
        while True:
            child, peer = self._server.accept()
            plan = self._by_port[peer[1]]
            # It may be reset by now, and have no peer any more.
            end = t.End(child, "listener")
            end.role, (end.daddr, end.dport) = "server", peer
            plan.ends["server"] = end
            self._in_thread(plan.server, child)

    @staticmethod
    def _in_thread(act, sock):
        def work():
            try:
                # Longer is what lost the other end's RST.
                sock.settimeout(GIVE_UP)
                act(sock)
            except (OSError, threading.BrokenBarrierError):
                pass    # the other end's doing; what is told of it is compared
            finally:
                sock.close()
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        return thread

    def _one(self, plan):
        refused = plan.kind == "refused"
        to = RIGHT, self._closed if refused else self._server.getsockname()[1]
        with self.path.left.inside():
            sock = socket.socket()
        # One that no other has had: packets are told apart by it.
        sock.bind((LEFT, FIRST_PORT + self.plans.index(plan)))
        end = t.End(sock, "listener", netns=self.path.left.inode)
        end.role, (end.daddr, end.dport) = "client", to
        plan.ends["client"] = end
        self._by_port[end.sport] = plan

        def work(sock):
            sock.connect(to)
            plan.client(sock)
        try:
            self._in_thread(work, sock).join()
        finally:
            self._room.release()

    def run(self):
        threads = []
        for plan in self.plans:
            self._room.acquire()
            thread = threading.Thread(target=self._one, args=(plan,))
            thread.start()
            threads.append(thread)
        for thread in threads:
            thread.join()

    def ends(self):
        return [(plan, end) for plan in self.plans
                for end in list(plan.ends.values())]


class Comparison:
    """One end: what is told of it, and what its packets say."""

    def __init__(self, plan, end, line, segments):
        self.plan, self.end, self.line = plan, end, line
        self.truth = Truth(end, segments)
        self.at_ns = t.ts_ns(line["ts"])
        self.wrong = []
        self.compared = []      # what may be unknown, and was not

    def equal(self, what, told, true):
        if told != true:
            self.wrong.append(f"{what} is {told!r}, by its packets {true!r}")

    def within(self, what, told, count, since_ns=None):
        """What may have come just before it was closed, or just after.
        since_ns: it was closed then, or as late as its line says."""
        least = count((since_ns or self.at_ns) - AROUND_NS)
        most = count(self.at_ns + AROUND_NS)
        if told is None or not least <= told <= most:
            self.wrong.append(f"{what} is {told!r}, by its packets {least} "
                              f"to {most}")

    def compare(self):
        self._handshake()
        self._data()
        if self.line.get("reason") == "fin":
            self._close()
        if "contradiction" in self.line:
            self.wrong.append(f"contradiction {self.line['contradiction']}")
        return self.wrong

    def _handshake(self):
        told, truth = self.line["handshake"], self.truth
        self.equal("isn_local", told.get("isn_local"), truth.isn_local())
        if "isn_peer" in told or self.line.get("reason") == "fin":
            self.equal("isn_peer", told.get("isn_peer"), truth.isn_peer())
        self.equal("syn_retrans", told["syn_retrans"],
                   truth.again(t.SYN))

    def _data(self):
        told, truth = self.line.get("data", {}), self.truth
        if self.line["reason"] == "refused":
            return      # nothing was exchanged
        self.equal("segments_out", told["segments_out"], truth.segments_out())
        self.equal("retrans", told["retrans"], truth.retrans())
        # An orphan's FIN_WAIT2 is a mini-socket, which counts nothing: copies of
        # text may still come to it.
        acked = truth.fin_acked
        self.within("segments_in", told["segments_in"], truth.segments_in,
                    acked and acked.time_ns)
        if "isn_peer" in self.line["handshake"]:
            self.within("bytes_in", told.get("bytes_in"), truth.bytes_in)
        self.within("bytes_out", told.get("bytes_out"), truth.bytes_out)

    def _close(self):
        told, truth = self.line["close"], self.truth
        for key, true in (("fin_local", truth.fin_local()),
                          ("fin_peer", truth.fin_peer()),
                          ("fin_retrans", truth.again(t.FIN) or None)):
            self.equal(key, told.get(key), true)
        first, kind = truth.close() or (None, None)
        if first == "peer" and self._closed_before():
            # Its FIN had to wait for what was to be sent before it.
            first, kind = "both", "simultaneous"
        self.equal("first", told["first"], first)
        if told["kind"] is not None:
            self.equal("kind", told["kind"], kind)
        if first != "both" and "ack_seq" in told:
            self.equal("ack_seq", told["ack_seq"], truth.ack_seq())
            self.compared.append("v")

    def _closed_before(self):
        return (self.line["close"]["first"] == "both" and
                self.plan.closed_ns[self.end.role] <=
                self.truth.their.fin_taken.time_ns + AROUND_NS)


def packets_agree(source):
    seed = os.environ.get("TCPSTATE_SEED", os.urandom(4).hex())
    path = Path()
    conns = t.Watch(source, "conns", netns=(path.left, path.right))
    dumps = {path.left.inode: Tcpdump(path.left, "west", ROUTER_LEFT),
             path.right.inode: Tcpdump(path.right, "east", ROUTER_RIGHT)}
    traffic = Traffic(path, seed, ROUNDS)
    traffic.run()
    lines = {}
    for _, end in traffic.ends():
        lines[end.cookie] = conns.wait_for(
            lambda o, end=end: o["event"] == "conn" and
            o["conn_id"] == end.cookie, f"conn {end}, seed {seed}", 3 * t.LIMIT)
    segments = {inode: dump.stop() for inode, dump in dumps.items()}
    wrong, seen = [], collections.Counter()
    for plan, end in traffic.ends():
        line = lines[end.cookie]
        found = Comparison(plan, end, line, segments[end.netns])
        for sentence in found.compare():
            wrong.append(f"{plan.kind} {end}: {sentence}; {line}; "
                         f"{found.truth}")
        seen["ends"] += 1
        seen.update(found.compared)
        seen[line["reason"]] += 1
        if line["reason"] == "fin":
            seen[line["close"]["kind"] or "unknown"] += 1
        seen["sent again"] += line.get("data", {}).get("retrans", 0)
    conns.finish()
    path.close()
    print(f"# seed {seed}: {dict(seen)}", flush=True)
    t.check(not wrong, f"seed {seed}: {len(wrong)} differences, "
            + "\n".join(w[:3000] for w in wrong[:3]))
    # Or it was no test.
    for kind in ("four_segment", "three_segment", "simultaneous"):
        t.check(seen[kind], f"no {kind} among {dict(seen)}")
    t.check(seen["v"] * 10 > 8 * (seen["fin"] - seen["simultaneous"]),
            f"v was rarely told: {dict(seen)}")
    t.check(seen["sent again"] > ROUNDS // 4, f"nothing was lost: {dict(seen)}")
    t.check(seen["unknown"] * 10 <= seen["fin"],
            f"too many verdicts are unknown: {dict(seen)}")


if __name__ == "__main__":
    t.main(packets_agree, limit=240)
