#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Servers that people run, misconfigured or stopped so that they leak or run out
of something: which rule, whose fault, which descriptors, and the numbers that ss
and /proc say; told by a tool that saw it begin, and by one that came later. Each
has its near miss beside it, the same without the mistake: nothing is told."""
import os
import signal
import socket
import time

import tcpstate_closers as closers
import tcpstate_servers as servers
import tcpstate_test as t

AGE = 2.0           # seconds; what is stuck for less is not told
BEHIND = servers.PORT + 1
PORTS = 200
PING = b"PING\r\n"
# Addresses that do not say that they are of the same host.
HERE, THERE = "192.0.2.1", "192.0.2.2"
# A program that a request starts, and that outlives it with its connection.
INETD = "127.0.0.1:{port} stream tcp nowait root /bin/sh sh {dir}/start.sh\n"
START = "sleep {seconds} &\necho started\n"


class Look:
    """leaks from now on. seen(): what it says when all is AGE seconds old; told():
    and what one says that comes then."""

    def __init__(self, source, *args):
        self.source = source
        self.args = "--age", f"{AGE:g}s", *args
        self.early = t.Watch(source, "leaks", *self.args, "--duration", "1h")

    def seen(self):
        began = time.monotonic()
        t.wait_until(lambda: time.monotonic() > began + AGE + 0.5, "the age")
        return Told("seen", self._report(self.early))

    def told(self):
        seen = self.seen()
        late = t.Watch(self.source, "leaks", *self.args, "--duration", "0")
        late.wait_for(lambda o: o["event"] == "summary", "the report")
        return seen, Told("later", self._report(late))

    @staticmethod
    def _report(watch):
        t.check_equal(watch.stop(limit=2 * t.LIMIT), 0,
                      "the exit status of leaks")
        watch.check_summary()
        return [o for o in watch.objects if o["event"] == "finding"]

    def silent(self):
        for told in self.told():
            told.only()


class Told:
    def __init__(self, when, findings):
        self.when, self.findings = when, findings

    def only(self, *kinds):
        """There are these findings, and no others: (rule, bug or cause, pid)."""
        got = sorted(((f["rule"], f.get("bug", f.get("cause")), f.get("pid"))
                      for f in self.findings), key=str)
        t.check_equal(got, sorted(kinds, key=str),
                      f"{self.when}: what is told, of {self.findings}: rule, "
                      "bug or cause, pid")

    def one(self, rule, what, pid=None, **fields):
        """The finding; fields are some of its own."""
        mine = [f for f in self.findings if f["rule"] == rule and
                f.get("bug", f.get("cause")) == what and f.get("pid") == pid]
        who = f"{self.when}: {rule} {what} {pid}"
        t.check_equal(len(mine), 1, f"{who}: how often it is told")
        fields.setdefault("severity", "warning")
        for key, value in fields.items():
            t.check_equal(mine[0].get(key), value, f"{who}: {key}")
        t.check(mine[0]["verdict"], f"{who}: no verdict")
        return mine[0]

    def held(self, rule, what, pid, among="close-wait", **fields):
        """The same; whose it is, and which descriptors, is what ss says."""
        f = self.one(rule, what, pid, comm=t.Owner(pid).comm, **fields)
        who = f"{self.when}: {rule} {what} {pid}"
        real = servers.held(among)
        t.check(set(f["conn_ids"]) <= set(real),
                f"{who}: ss has no {f['conn_ids']} in {among}")
        fds = {fd for key in f["conn_ids"] for _, p, fd in real[key]
               if p == pid}
        t.check_equal(f["fds"], sorted(fds), f"{who}: its descriptors")
        t.check_equal({h["pid"] for h in f["holders"]},
                      {p for key in f["conn_ids"] for _, p, _ in real[key]},
                      f"{who}: its holders")
        t.check_equal(f["exe"], os.readlink(f"/proc/{pid}/exe"), f"{who}: exe")
        return f


def wait_count(state, port, count):
    """So many connections of the server on this port."""
    t.wait_until(lambda: len([s for s in t.sockets() if s.state == state and
                              s.sport == port]) == count,
                 f"{count} in {state} on port {port}")


def leave(clients):
    for client in clients:
        client.close()


def check_listener(finding, server, pids, host="127.0.0.1"):
    """Its owner is one of those that have it open, the oldest."""
    t.check_equal((finding["listener"]["saddr"], finding["listener"]["sport"]),
                  (host, server.port), "its listener")
    t.check(finding["listener"].get("pid") in pids,
            f"the listener's owner is {finding['listener']}, of {pids}")


# ---- a server that does not close ----

def missing_close(source):
    """A C program without its close(). Beside it the same with it, after a while,
    and one that has read once and is busy elsewhere, for less than AGE."""
    look = Look(source)
    server = servers.forgetful()
    slow = servers.forgetful("500", port=BEHIND)
    busy = servers.forgetful("500", "once", port=BEHIND + 1)
    leave([servers.asked(s.port) for s in (slow, busy) for _ in range(3)])
    leave([servers.asked() for _ in range(4)])
    wait_count("CLOSE_WAIT", server.port, 4)
    for other in (slow, busy):
        wait_count("CLOSE_WAIT", other.port, 0)
    for told in look.told():
        told.only(("close_wait", "fin_read", server.pid))
        f = told.held("close_wait", "fin_read", server.pid, count=4,
                      peers=[{"daddr": "127.0.0.1", "count": 4}])
        check_listener(f, server, [server.pid])


def proxy_without_timeouts(source):
    """client -- haproxy -- a server that does not close. To haproxy the client
    has closed, and the server, to which it passed that on, does not: three
    findings, and the one at the end names the program to mend."""
    look = Look(source)
    server = servers.forgetful(port=BEHIND)
    proxy = servers.haproxy(BEHIND)
    leave([servers.asked() for _ in range(3)])
    wait_count("CLOSE_WAIT", server.port, 3)
    wait_count("CLOSE_WAIT", proxy.port, 3)
    for told in look.told():
        told.only(("close_wait", "fin_read", server.pid),
                  ("close_wait", "fin_read", proxy.pid),
                  ("fin_wait2", "peer_open", proxy.pid))
        f = told.held("close_wait", "fin_read", server.pid, count=3)
        check_listener(f, server, [server.pid])
        f = told.held("close_wait", "fin_read", proxy.pid, count=3)
        check_listener(f, proxy, [proxy.pid])
        told.held("fin_wait2", "peer_open", proxy.pid, "fin-wait-2", count=3,
                  peer={"daddr": "127.0.0.1", "dport": BEHIND},
                  ends={"count": 0})


def proxy_with_timeouts(source):
    """The near miss: the server is the same, and haproxy gives it up; and beside
    it one that has no timeouts, before a server that closes late."""
    look = Look(source)
    server = servers.forgetful(port=BEHIND)
    proxy = servers.haproxy(BEHIND, timeout="1s")
    slow = servers.forgetful("500", port=BEHIND + 1)
    other = servers.haproxy(slow.port, port=BEHIND + 2)
    leave([servers.asked(s.port) for s in (proxy, other) for _ in range(3)])
    for s in (server, proxy, slow, other):
        wait_count("CLOSE_WAIT", s.port, 0)
    look.silent()


# ---- a server that stands still ----

def redis_stopped(source):
    """What it had accepted has an unread FIN, or unread data, and what it had not
    is its listener's, with the queue as long as that. When it goes on, nothing is
    left."""
    look = Look(source)
    server = servers.redis("--tcp-backlog", "32")
    closing = [servers.asked(request=PING) for _ in range(3)]
    writing = [servers.asked(request=PING) for _ in range(2)]
    servers.suspend(server.pid)
    waiting = [t.connect(("127.0.0.1", server.port)) for _ in range(4)]
    for client in writing:
        client.sendall(PING)
    leave(closing + writing + waiting)
    wait_count("CLOSE_WAIT", server.port, 9)
    after = Look(source)
    for told in look.told():
        told.only(("close_wait", "fin_unread", server.pid),
                  ("close_wait", "data_unread", server.pid),
                  ("close_wait", "never_accepted", None))
        told.held("close_wait", "fin_unread", server.pid, count=3)
        told.held("close_wait", "data_unread", server.pid, count=2)
        f = told.one("close_wait", "never_accepted", count=4, accept_queue=4,
                     accept_limit=32, fds=[])
        check_listener(f, server, [server.pid])
    servers.resume(server.pid)
    wait_count("CLOSE_WAIT", server.port, 0)
    after.silent()


def nginx_worker_stopped(source):
    """Its accept queue is as long as it may be, and one more finds no place: a
    connection that is being opened."""
    look = Look(source)
    server = servers.nginx(listen="backlog=8")
    worker, = server.workers
    servers.suspend(worker)
    clients = [t.connect(("127.0.0.1", server.port)) for _ in range(9)]
    more = socket.socket()
    more.setblocking(False)
    more.connect_ex(("127.0.0.1", server.port))
    for client in clients:
        client.sendall(servers.REQUEST)
    leave(clients)
    wait_count("CLOSE_WAIT", server.port, 9)
    for told in look.told():
        told.only(("close_wait", "never_accepted", None),
                  ("syn_sent", "no_answer", os.getpid()))
        f = told.one("close_wait", "never_accepted", count=9, accept_queue=9,
                     accept_limit=8)
        check_listener(f, server, [server.pid, worker])
        f = told.one("syn_sent", "no_answer", os.getpid(), count=1,
                     fds=[more.fileno()], conn_ids=[t.cookie(more)],
                     peer={"daddr": "127.0.0.1", "dport": server.port})
        t.check("accept queue" in f["verdict"], f"the verdict: {f['verdict']}")


def nginx_with_another_worker(source):
    """The near miss: one of two is enough."""
    look = Look(source)
    server = servers.nginx(workers=2, listen="backlog=8")
    servers.suspend(server.workers[0])
    leave([servers.asked() for _ in range(9)])
    wait_count("CLOSE_WAIT", server.port, 0)
    look.silent()


def apache_has_one_worker(source):
    """Its only child serves a client that keeps its connection. Others wait until
    they leave."""
    look = Look(source)
    server = servers.apache(workers=1)
    _first = servers.asked()
    others = [t.connect(("127.0.0.1", server.port)) for _ in range(4)]
    for client in others:
        client.sendall(servers.REQUEST)
    leave(others)
    wait_count("CLOSE_WAIT", server.port, 4)
    for told in look.told():
        told.only(("close_wait", "never_accepted", None))
        f = told.one("close_wait", "never_accepted", count=4, accept_queue=4,
                     accept_limit=16)
        check_listener(f, server, [server.pid, *server.workers])


def apache_has_eight_workers(source):
    """The near miss: nobody waits."""
    look = Look(source)
    server = servers.apache()
    _first = servers.asked()
    leave([servers.asked() for _ in range(4)])
    wait_count("CLOSE_WAIT", server.port, 0)
    look.silent()


# ---- a descriptor that somebody inherits ----

def heir_of_inetd(source):
    """A request starts a program in the background, which inherits the connection
    and never looks at it. Beside it one that ends."""
    look = Look(source)
    server = servers.Server("inetd", "-i", "{dir}/inetd.conf", seconds=300,
                            files={"inetd.conf": INETD, "start.sh": START})
    leave_when_started(server)
    (_, heir, _), *_ = next(iter(servers.held().values()))
    short = servers.Server("inetd", "-i", "{dir}/inetd.conf", seconds=0.2,
                           files={"inetd.conf": INETD, "start.sh": START},
                           port=BEHIND)
    leave([ended(short)])
    try:
        for told in look.told():
            held_by_the_heir(told, look, server, heir)
    finally:
        os.kill(heir, signal.SIGKILL)


def leave_when_started(server):
    client = t.connect(("127.0.0.1", server.port))
    t.check(client.recv(100), "nothing was started")
    client.close()
    # The shell may still end.
    t.wait_until(lambda: [{c for c, _, _ in h} for h in servers.held().values()]
                 == [{"sleep"}], "the program that holds the connection alone")


def ended(server):
    client = t.connect(("127.0.0.1", server.port))
    client.shutdown(socket.SHUT_WR)
    t.read_to_end(client)
    return client


def held_by_the_heir(told, look, server, heir):
    """Who accepted it is known to whoever saw that."""
    known = told.when == "seen" and not look.early.infers(t.ACCEPT_OWNER)
    bug = "held_elsewhere" if known else "fin_unread"
    told.only(("close_wait", bug, heir))
    f = told.held("close_wait", bug, heir, count=1,
                  closed_by={"pid": server.pid, "comm": "inetd"}
                  if known else None)
    check_listener(f, server, [server.pid])


# ---- a client that does not read ----

def nginx_has_closed(source):
    """All is in its buffer, and it has closed: the FIN waits behind the window.
    Beside it a client that reads slowly, and gets all of it."""
    look = Look(source)
    server = servers.nginx(listen="sndbuf=1m")
    shut, slow = (servers.small_buffer(server.port) for _ in range(2))
    for client in (shut, slow):
        client.sendall(servers.FILE_REQUEST)
    got = []
    with t.repeated(lambda: got.append(len(slow.recv(128)))):
        wait_count("FIN_WAIT1", server.port, 2)
        told = look.seen()
    told.only(("fin_wait1", "window_shut", None))
    end, = (s for s in t.sockets() if s.sport == server.port and
            s.dport == shut.getsockname()[1])
    told.one("fin_wait1", "window_shut", count=1, conn_ids=[end.cookie],
             orphans=1, unsent=1,
             closed_by={"pid": server.workers[0], "comm": "nginx"})
    t.check(sum(got) + len(t.read_to_end(slow)) > servers.FILE,
            "a client that is slow did not get all")


# ---- a client that is gone ----

def client_gone(source):
    """Nothing comes from one of two any more. nginx closes both after a while:
    the FIN of one is not acknowledged, nor is what the client says that has
    heard it."""
    look = Look(source)
    # The first use of nft takes as long as its modules take to load.
    t.run("nft", "add table inet gone; add chain inet gone in { type filter "
          "hook input priority 0; }")
    server = servers.nginx(http="keepalive_timeout 3s;")
    gone, well = (servers.asked() for _ in range(2))
    end, here = (s.cookie for port in (gone.getsockname()[1], server.port)
                 for s in t.sockets() if gone.getsockname()[1] in
                 (s.sport, s.dport) and s.dport == port)
    t.run("nft", f"add rule inet gone in tcp sport {gone.getsockname()[1]} drop")
    for client in (gone, well):
        t.wait_state(client, "CLOSE_WAIT")
        client.close()
    for name, key in (("FIN_WAIT1", end), ("LAST_ACK", here)):
        # 0.2 + 0.4 + 0.8 + 1.6 s at least
        t.wait_until(lambda n=name, k=key: [s for s in t.sockets() if
                     (s.cookie, s.state) == (k, n) and s.again >= 4],
                     f"a FIN again and again, in {name}", 2 * t.LIMIT)
    told = look.seen()
    told.only(("fin_wait1", "peer_gone", None), ("last_ack", "peer_gone", None))
    told.one("fin_wait1", "peer_gone", count=1, conn_ids=[end], orphans=1,
             unsent=0, closed_by={"pid": server.workers[0], "comm": "nginx"})
    told.one("last_ack", "peer_gone", count=1, conn_ids=[here], orphans=1,
             closed_by={"pid": os.getpid(), "comm": t.Owner().comm})


# ---- what runs out ----

def waiting_for_requests(source, count):
    """With "AcceptFilter http data", its default, the kernel keeps who says
    nothing for 30 s, in the places that the backlog of 16 has for who connects."""
    look = Look(source)
    server = servers.apache()
    clients = [t.connect(("127.0.0.1", server.port)) for _ in range(count)]
    wait_count("SYN_RECV", server.port, len(clients))
    return server, look.seen()


def apache_waits_for_requests(source):
    """Three of four places and more are taken."""
    server, told = waiting_for_requests(source, 12)
    told.only(("syn_recv", "backlog", None))
    f = told.one("syn_recv", "backlog", count=12, accept_limit=16,
                 accept_queue=0, peers=[{"daddr": "127.0.0.1", "count": 12}])
    check_listener(f, server, [server.pid, *server.workers])


def apache_waits_for_few(source):
    """The near miss: less than 70 %."""
    _, told = waiting_for_requests(source, 11)
    told.only()


def too_few_buckets(source):
    """nginx closes first, and what finds no bucket has no TIME_WAIT; with room
    for all there is nothing to tell."""
    servers.nginx()

    def during():
        for _ in range(30):
            client = t.connect(("127.0.0.1", servers.PORT))
            client.sendall(servers.LAST_REQUEST)
            t.read_to_end(client)
            client.close()
    for limit in (100, 10):
        t.sysctl("net.ipv4.tcp_max_tw_buckets", limit)
        n = closers.only(closers.report(source, during=during), "netns")
        overflows = n["buckets"]["overflows_observed"]
        t.check_equal((n["severity"], overflows > 0),
                      ("critical", True) if limit == 10 else ("info", False),
                      f"of {limit} buckets: severity, overflows")


def set_ports():
    t.sysctl("net.ipv4.ip_local_port_range", f"40000 {40000 + PORTS - 1}")
    t.sysctl("net.ipv4.tcp_tw_reuse", 0)


PROXY = """location / {
    proxy_pass http://behind; proxy_http_version 1.1;
    proxy_set_header Connection "";
}"""
POOL = "upstream behind { server 127.0.0.1:%d; %s }"


def proxied(source, keepalive):
    """nginx before Apache; what timewait says after 160 requests on one
    connection: the findings, and both servers."""
    set_ports()
    behind = servers.apache(port=BEHIND)
    proxy = servers.nginx(http=POOL % (BEHIND, keepalive), location=PROXY)
    client = t.connect(("127.0.0.1", proxy.port))

    def during():
        for _ in range(160):
            servers.ask(client)
        if not keepalive:
            closers.wait_time_waits(160)
    return closers.report(source, during=during), proxy, behind


def proxy_without_pool(source):
    """Connection: keep-alive to the server behind it, and no pool to keep it in:
    the worker closes each, and a port is gone for a minute."""
    found, proxy, behind = proxied(source, "")
    worker, = proxy.workers
    f = closers.only(found, "destination")
    soon = f["eta_s"] is not None and f["eta_s"] <= 60
    for key, value in {"rule": "ports", "count": 160,
                       "severity": "critical" if soon else "warning",
                       "pid": worker, "comm": "nginx", "role": "client",
                       "saddr": "127.0.0.1", "daddr": "127.0.0.1",
                       "dport": behind.port, "tw_reuse": "off",
                       "closed_here": 160, "closed_there": 0,
                       "holders": [{"pid": worker, "comm": "nginx",
                                    "count": 160}]}.items():
        t.check_equal(f.get(key), value, f"the ports: {key}")
    t.check_equal((f["ports"]["usable"], f["ports"]["used"],
                   f["ports"]["time_wait"]), (PORTS, 160, 160), "the ports")
    for words in ("pool", "tcp_tw_reuse=1"):
        t.check(closers.says(f, "advice", words),
                f"{words} is not in the advice: {f['advice']}")
    t.check(closers.says(f, "no_help", "tcp_fin_timeout"),
            f"what does not help: {f['no_help']}")


def proxy_with_pool(source):
    """The near miss: as many requests on one connection to the server."""
    found, _, _ = proxied(source, "keepalive 4;")
    loud = [f for f in found if f["severity"] != "info"]
    t.check(not loud, f"an alarm of a pool that is used: {loud}")


def nginx_out_of_descriptors(source):
    """Its worker may have 40; a pool of clients takes as many as 80 % of them,
    and it is told from there on."""
    server = servers.nginx(more="worker_rlimit_nofile 40;")
    worker, = server.workers
    clients = [servers.asked()]

    def used():
        return len(os.listdir(f"/proc/{worker}/fd"))
    while used() < 31:
        clients.append(servers.asked())
    Look(source).silent()
    look = Look(source)
    while used() < 33:
        clients.append(servers.asked())
    for told in look.told():
        told.only(("fds", None, worker))
        told.one("fds", None, worker, comm="nginx", fd_used=used(),
                 fd_limit=40)


def redis_without_keepalive(source):
    """tcp-keepalive 0: nobody would notice a client that is gone. With what is
    the default redis asks; and a client on the same host cannot be gone."""
    t.run("ip", "addr", "add", HERE, "dev", "lo")
    t.run("ip", "addr", "add", THERE, "dev", "lo")
    look = Look(source, "--idle-age", f"{AGE:g}s")
    server = servers.redis("--tcp-keepalive", "0", host=HERE)
    other = servers.redis(port=BEHIND, host=HERE)
    clients = [servers.asked(port, PING, HERE, (THERE, 0))
               for port in (server.port, other.port) for _ in range(3)]
    near = servers.asked(server.port, PING)
    near.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    # It is of the servers; the clients ask for themselves.
    for client in clients:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for told in look.told():
        told.only(("idle", "no_keepalive", server.pid))
        f = told.held("idle", "no_keepalive", server.pid, "established",
                      count=3, state="ESTABLISHED")
        check_listener(f, server, [server.pid], HERE)


if __name__ == "__main__":
    t.main(missing_close, proxy_without_timeouts, proxy_with_timeouts,
           redis_stopped, nginx_worker_stopped, nginx_with_another_worker,
           apache_has_one_worker, apache_has_eight_workers, heir_of_inetd,
           nginx_has_closed, client_gone, apache_waits_for_requests,
           apache_waits_for_few, too_few_buckets, proxy_without_pool,
           proxy_with_pool, nginx_out_of_descriptors, redis_without_keepalive,
           shared=True)
