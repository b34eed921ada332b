#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""What is stuck in another state than CLOSE_WAIT is found, with its cause, its
peer and whose it is; and what is nearly that, and normal life, is not.

    left [tun] --- some segments end here --- [tun] right
"""
import contextlib
import os
import socket
import time

import tcpstate_test as t

AGE = 2.0           # seconds; what is stuck for less is not told
PORTS = 20


class Hosts:
    """A client's host on the left, a server's on the right, and leaks."""

    def __init__(self, source, *args, backlog=64):
        self.left, self.right = t.Namespace().settle(), t.Namespace().settle()
        self.cable = t.Cable(self.left, self.right)
        with self.right.inside():
            self.server = t.listener(t.Cable.RIGHT, backlog=backlog)
        self.server.settimeout(t.LIMIT)
        self.watch = t.Watch(source, "leaks", "--age", f"{AGE:g}s",
                             "--duration", "1h", *args,
                             netns=(self.left, self.right))

    def pair(self):
        with self.left.inside():
            client = t.connect(self.server)
            c = t.End(client, "client")
        child, _ = self.server.accept()
        with self.right.inside():
            return client, c, child, t.End(child, "server")

    def start(self, port=None):
        """connect() that is under way."""
        port = port or self.server.getsockname()[1]
        with self.left.inside():
            sock = socket.socket()
            sock.setblocking(False)
            sock.connect_ex((t.Cable.RIGHT, port))
            return sock, t.cookie(sock)

    def side(self, end):
        return self.left if end.saddr == t.Cable.LEFT else self.right

    def wait(self, end, name):
        with self.side(end).inside():
            t.wait_diag(end.cookie, name)

    def wait_fins(self, end, n):
        def sent():
            return sum(s.has(t.FIN) for s in self.cable.of(end).sent) >= n
        t.wait_until(sent, f"{n} FINs of {end}", 2 * t.LIMIT)

    def requests(self):
        with self.right.inside():
            return [s for s in t.sockets() if s.state == "SYN_RECV"]

    def wait_requests(self, n):
        return t.wait_until(lambda: len(self.requests()) >= n and
                            self.requests(), f"{n} requests")

    def report(self):
        """The findings, now."""
        t.check_equal(self.watch.stop(limit=2 * t.LIMIT), 0,
                      "the exit status of leaks")
        self.watch.check_summary()
        return [o for o in self.watch.objects if o["event"] == "finding"]


def wait_age(began):
    """What began then is older than AGE, as the tool counts as well."""
    t.wait_until(lambda: time.monotonic() > began + AGE + 0.5, "the age")


def finding_of(findings, cookie, rule, cause, **fields):
    mine = [f for f in findings if cookie in f["conn_ids"]]
    t.check_equal([(f["rule"], f.get("cause")) for f in mine], [(rule, cause)],
                  f"what is told of {cookie}")
    for key, value in fields.items():
        t.check_equal(mine[0].get(key), value, f"{rule} {cause}: {key}")
    t.check(mine[0]["verdict"], f"{rule} {cause}: no verdict")
    return mine[0]


def silent(findings, *cookies):
    for cookie in cookies:
        told = [f for f in findings if cookie in f["conn_ids"]]
        t.check(not told, f"{cookie} is well, and is told: {told}")


def from_left(segment):
    return "drop" if segment.src == t.Cable.LEFT else "pass"


def me():
    owner = t.Owner()
    return {"pid": owner.pid, "comm": owner.comm}


def check_end(finding, most_s):
    """The kernel ends all of them, within so many seconds."""
    ends = finding.get("ends", {})
    t.check_equal(ends.get("count"), finding["count"],
                  f"{finding['rule']}: how many the kernel ends")
    t.check(0 <= ends["first_us"] <= ends["last_us"] <= most_s * 1e6,
            f"{finding['rule']}: ends {ends}, at most {most_s} s are left")


# ---- the peer is gone ----

def peer_gone(source):
    """FIN_WAIT1 and LAST_ACK: what we send is not acknowledged. Beside them one
    that was closed and whose FIN is lost once."""
    hosts = Hosts(source)
    client, c, child, s = hosts.pair()
    other, oc, ochild, os_ = hosts.pair()
    well, wc, wchild, ws = hosts.pair()
    ochild.close()
    hosts.wait(oc, "CLOSE_WAIT")
    hosts.wait(os_, "FIN_WAIT2")
    lost = []

    def policy(segment):
        if segment.sport == wc.sport or segment.dport == wc.sport:
            if segment.has(t.FIN) and not lost:
                lost.append(segment)
                return "drop"
            return "pass"
        return from_left(segment)
    hosts.cable.policy = policy
    for sock in (client, other, well):
        sock.close()
    began = time.monotonic()
    hosts.wait(wc, "FIN_WAIT2")
    wchild.close()
    hosts.wait(c, "FIN_WAIT1")
    hosts.wait(oc, "LAST_ACK")
    for end in (c, oc):
        hosts.wait_fins(end, 5)
    wait_age(began)
    findings = hosts.report()
    for end, rule in ((c, "fin_wait1"), (oc, "last_ack")):
        f = finding_of(findings, end.cookie, rule, "peer_gone", count=1,
                       orphans=1, closed_by=me(), unsent=0,
                       severity="warning", state=rule.upper(),
                       peer={"daddr": t.Cable.RIGHT, "dport": end.dport},
                       pid=None, fds=[])
        t.check(f["again"]["min"] >= 3, f"{rule}: again {f['again']}")
        check_end(f, 220)
    silent(findings, s.cookie, os_.cookie, wc.cookie, ws.cookie)
    child.close()


def older_than_the_tool(source):
    """The timer proves since when."""
    hosts = Hosts(source)
    _client, c, _child, _s = hosts.pair()
    hosts.cable.policy = from_left
    began = time.monotonic()
    _client.close()
    # 0.2 + 0.4 .. + 3.2 s
    hosts.wait_fins(c, 7)
    hosts.watch.stop()
    hosts.watch = t.Watch(source, "leaks", "--age", f"{AGE:g}s", "--duration",
                          "0", netns=(hosts.left, hosts.right))
    hosts.watch.wait_for(lambda o: o["event"] == "summary", "the report")
    f = finding_of(hosts.report(), c.cookie, "fin_wait1", "peer_gone",
                   oldest_exact=False, growth_per_min=None, eta_s=None)
    # A timer may be a tick or so longer than it says.
    most = (time.monotonic() - began) * 1e6 + 1e5
    t.check(AGE * 1e6 <= f["oldest_us"] <= most,
            f"oldest_us {f['oldest_us']}, {most:.0f} at most")


def both_closed(source):
    """CLOSING: the FINs have crossed, and ours is not acknowledged."""
    hosts = Hosts(source)
    client, c, child, s = hosts.pair()
    hosts.cable.policy = from_left
    client.close()
    child.close()
    hosts.wait(c, "CLOSING")
    began = time.monotonic()
    hosts.wait_fins(c, 5)
    wait_age(began)
    findings = hosts.report()
    f = finding_of(findings, c.cookie, "closing", "peer_gone", orphans=1)
    check_end(f, 220)
    # To the right it is the left that is gone.
    finding_of(findings, s.cookie, "fin_wait1", "peer_gone")


# ---- the peer does not read ----

def fill(sock):
    """Until nothing has gone for a while: the window is shut."""
    sock.setblocking(False)
    last = time.monotonic()
    while time.monotonic() < last + 0.5:
        with contextlib.suppress(BlockingIOError):
            sock.send(bytes(65536))
            last = time.monotonic()
        time.sleep(0.01)


def window_shut(source):
    """Its own verdict; of a descriptor that is left the kernel waits for ever.
    Beside it a peer that reads slowly."""
    hosts = Hosts(source)
    # Small buffers, and the kernel does not make them larger.
    hosts.server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client, c, _child, _s = hosts.pair()
    held, h, _hchild, _hs = hosts.pair()
    slow, sl, schild, ss = hosts.pair()
    for sock in (client, held, slow):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 18)
        fill(sock)
    client.close()
    held.shutdown(socket.SHUT_WR)
    slow.close()

    def read():
        schild.recv(256)
    with t.repeated(read):
        for end in (c, h, sl):
            hosts.wait(end, "FIN_WAIT1")
        wait_age(time.monotonic())
        findings = hosts.report()
    f = finding_of(findings, c.cookie, "fin_wait1", "window_shut", orphans=1,
                   unsent=1)
    check_end(f, 450)
    f = finding_of(findings, h.cookie, "fin_wait1", "window_shut", orphans=0,
                   unsent=1, ends={"count": 0}, fds=[held.fileno()], **me())
    t.check(any(t.Cable.RIGHT in line for line in f["advice"]),
            f"no advice names the peer: {f['advice']}")
    silent(findings, sl.cookie, ss.cookie)


# ---- the peer does not close ----

def peer_open(source):
    """FIN_WAIT2 with a descriptor. Beside it half a close whose answer comes."""
    hosts = Hosts(source)
    client, c, _child, s = hosts.pair()
    well, wc, wchild, _ws = hosts.pair()
    gone, gc, _gchild, _gs = hosts.pair()
    client.shutdown(socket.SHUT_WR)
    well.shutdown(socket.SHUT_WR)
    gone.close()
    hosts.wait(c, "FIN_WAIT2")
    hosts.wait(wc, "FIN_WAIT2")
    hosts.wait(gc, "FIN_WAIT2")
    began = time.monotonic()
    with t.repeated(lambda: wchild.send(b".")):
        wait_age(began)
        findings = hosts.report()
    f = finding_of(findings, c.cookie, "fin_wait2", "peer_open", count=1,
                   fds=[client.fileno()], ends={"count": 0}, orphans=0, **me(),
                   peer={"daddr": t.Cable.RIGHT, "dport": c.dport})
    t.check(f["oldest_us"] >= AGE * 1e6, f"oldest_us is {f['oldest_us']}")
    silent(findings, wc.cookie, gc.cookie)
    # There they are in CLOSE_WAIT.
    t.check([x for x in findings if x["rule"] == "close_wait" and
             s.cookie in x["conn_ids"]], "the other end is not told")


# ---- handshakes ----

def syn_sent(source):
    """Filtered. Beside it one that is refused, and one that opens."""
    hosts = Hosts(source)
    with hosts.left.inside():
        hosts.cable.policy = lambda x: ("drop" if x.dport == 9 else "pass")
        sock, cookie = hosts.start(port=9)
        _refused, refused = hosts.start(port=10)
        _opened, opened = hosts.start()

    def syns():
        return [x for x in hosts.cable.segments if x.dport == 9]
    t.wait_until(lambda: len(syns()) >= 4, "four SYNs", 2 * t.LIMIT)
    findings = hosts.report()
    f = finding_of(findings, cookie, "syn_sent", "no_answer",
                   fds=[sock.fileno()], **me(),
                   peer={"daddr": t.Cable.RIGHT, "dport": 9})
    t.check(3 <= f["again"]["max"] < len(syns()) + 1, f"again {f['again']}")
    check_end(f, 140)
    silent(findings, refused, opened)


def lost_synacks(source):
    """Ten that ask again and again; nine are not yet worth a word."""
    for n in (9, 10):
        hosts = Hosts(source)
        hosts.cable.policy = lambda x: ("drop" if x.has(t.SYN | t.ACK) else
                                        "pass")
        socks = [hosts.start()[0] for _ in range(n)]
        wait_again(hosts, n)
        findings = [f for f in hosts.report() if f["rule"] == "syn_recv"]
        t.check_equal([f["cause"] for f in findings],
                      ["no_answer"] if n == 10 else [], f"of {n} requests")
        for f in findings:
            t.check_equal(f["count"], n, "the number of requests")
            t.check_equal(f["listener"].get("pid"), os.getpid(), "its listener")
            t.check_equal(f["peers"], [{"daddr": t.Cable.LEFT, "count": n}],
                          "its peers")
            check_end(f, 130)
        for sock in socks:
            sock.close()


def wait_again(hosts, n):
    """Until each SYN-ACK was sent again twice by its timer; a SYN that comes
    again brings one forth as well."""
    def synacks():
        count = {}
        for x in list(hosts.cable.segments):
            if x.has(t.SYN | t.ACK):
                count[x.dst, x.dport] = count.get((x.dst, x.dport), 0) + 1
        return sum(c >= 7 for c in count.values()) >= n
    t.wait_until(synacks, f"SYN-ACKs to {n} peers", 3 * t.LIMIT)


def flood(source):
    """SYNs of many that never were."""
    hosts = Hosts(source)
    with hosts.right.inside():
        t.run("ip", "route", "add", "10.9.1.0/24", "dev", "cable0")
    to = t.Cable.RIGHT, hosts.server.getsockname()[1]
    hosts.cable.policy = lambda x: "drop"
    for i in range(1, PORTS + 1):
        hosts.cable.inject(t.forged((f"10.9.1.{i}", 1000 + i), to, t.SYN, i))
    hosts.wait_requests(PORTS)

    def again():
        count = [x.dst for x in list(hosts.cable.segments)
                 if x.has(t.SYN | t.ACK)]
        return all(count.count(f"10.9.1.{i}") >= 3
                   for i in range(1, PORTS + 1))
    t.wait_until(again, "three SYN-ACKs to each", 2 * t.LIMIT)
    findings = [f for f in hosts.report() if f["rule"] == "syn_recv"]
    t.check_equal([(f["cause"], f["count"], len(f["peers"]))
                   for f in findings], [("flood", PORTS, PORTS)], "the flood")


def backlog(source):
    """Seven of ten places are taken; six are not too many."""
    for n in (6, 7):
        hosts = Hosts(source, backlog=10)
        hosts.cable.policy = lambda x: ("hold" if x.has(t.SYN | t.ACK) else
                                        "pass")
        socks = [hosts.start()[0] for _ in range(n)]
        hosts.wait_requests(n)
        findings = [f for f in hosts.report() if f["rule"] == "syn_recv"]
        t.check_equal([(f["count"], f["accept_limit"]) for f in findings],
                      [(7, 10)] if n == 7 else [], f"{n} requests")
        for sock in socks:
            sock.close()


def accept_queue_full(source):
    """Handshakes that are complete but for room: of a backlog of three, four may
    wait to be accepted; two do, and of three more that come at once one finds no
    place."""
    hosts = Hosts(source, backlog=3)
    socks = []
    for _ in range(2):
        with hosts.left.inside():
            socks.append(t.connect(hosts.server))
    hosts.cable.policy = lambda x: ("hold" if x.src == t.Cable.LEFT and
                                    not x.has(t.SYN) else "pass")
    socks += [hosts.start()[0] for _ in range(3)]
    hosts.wait_requests(3)
    hosts.cable.release()

    def asked_again():
        ports = [x.dport for x in list(hosts.cable.segments)
                 if x.has(t.SYN | t.ACK)]
        left = hosts.requests()
        return len(left) == 1 and ports.count(left[0].dport) >= 3
    t.wait_until(asked_again, "one that is left, and its SYN-ACKs")
    findings = [f for f in hosts.report() if f["rule"] == "syn_recv"]
    t.check_equal([(f["cause"], f["count"], f["accept_queue"],
                    f["accept_limit"]) for f in findings],
                  [("accept_queue_full", 1, 4, 3)], "the queue")


# ---- watch ----

def watched(source):
    """It is in the picture as well, as soon as it is a finding."""
    hosts = Hosts(source)
    hosts.watch.stop()
    watch = t.Watch(source, "watch", "--interval", "1s",
                    netns=(hosts.left, hosts.right))
    with hosts.left.inside():
        hosts.cable.policy = lambda x: ("drop" if x.dport == 9 else "pass")
        _sock, cookie = hosts.start(port=9)
    f = watch.wait_for(lambda o: o["event"] == "finding" and
                       cookie in o["conn_ids"], "the finding", 2 * t.LIMIT)
    t.check_equal((f["rule"], f["cause"]), ("syn_sent", "no_answer"),
                  "what is told")
    t.check_equal(watch.stop(), 0, "the exit status of watch")


# ---- idle ----

def idle(source):
    """Nobody would notice. Beside it a pool with keepalive, and a busy one."""
    hosts = Hosts(source, "--idle-age", f"{AGE:g}s")
    client, c, child, s = hosts.pair()
    kept, k, kchild, ks = hosts.pair()
    busy, b, bchild, bs = hosts.pair()
    for sock in (kept, kchild):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    began = time.monotonic()
    with t.repeated(lambda: (busy.send(b"."), bchild.recv(1))):
        wait_age(began)
        findings = hosts.report()
    f = finding_of(findings, c.cookie, "idle", "no_keepalive", **me(),
                   state="ESTABLISHED", fds=[client.fileno()])
    t.check(f["oldest_us"] >= AGE * 1e6, f"oldest_us is {f['oldest_us']}")
    finding_of(findings, s.cookie, "idle", "no_keepalive",
               fds=[child.fileno()], **me())
    silent(findings, k.cookie, ks.cookie, b.cookie, bs.cookie)


def nothing(source):
    """Listening, connected and in TIME_WAIT is not stuck."""
    hosts = Hosts(source)
    client, c, child, _s = hosts.pair()
    _pair = hosts.pair()
    client.close()
    child.close()
    hosts.wait(c, "TIME_WAIT")
    t.check_equal(hosts.report(), [], "the findings")


if __name__ == "__main__":
    t.main(peer_gone, older_than_the_tool, both_closed, window_shut, peer_open,
           syn_sent, lost_synacks, flood, backlog, accept_queue_full, watched,
           idle, nothing, shared=True)
