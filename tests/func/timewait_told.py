#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""timewait: who closes to which destination, how many ports and buckets that
takes, and what would help; and no alarm for a burst."""
import socket

import tcpstate_closers as c
import tcpstate_test as t

IP_BIND_ADDRESS_NO_PORT = 24
KEYS = {"event", "ts", "mono_ns", "rule", "severity", "netns", "state", "count",
        "oldest_us", "oldest_exact", "observed_us", "unit", "container",
        "growth_per_min", "eta_s", "rate_per_s", "scope", "holders", "peers",
        "fds", "conn_ids", "verdict", "advice", "no_help"}
GROUP = {"role", "saddr", "closed_here", "closed_there"}
DESTINATION = KEYS | GROUP | {"daddr", "dport", "ports", "tw_reuse",
                              "bearable_per_s"}
SERVICE = KEYS | GROUP | {"sport"}
NETNS = KEYS | {"buckets"}
MAYBE = {"pid", "comm", "uid", "cgroup", "levels_off_at"}


def set_ports(first, last, reserved="", tw_reuse=0):
    t.sysctl("net.ipv4.ip_local_port_range", f"{first} {last}")
    t.sysctl("net.ipv4.ip_local_reserved_ports", reserved)
    t.sysctl("net.ipv4.tcp_tw_reuse", tw_reuse)


def check_keys(finding, keys):
    got = set(finding)
    t.check(keys <= got and got <= keys | MAYBE,
            f"the keys: missing {sorted(keys - got)}, unexpected "
            f"{sorted(got - keys - MAYBE)}")


def check_silent(found):
    loud = [f for f in found if f["severity"] != "info"]
    t.check(not loud, f"an alarm for nothing: {loud}")


def burst(source):
    """120 in a moment, of 10,000 ports: told with its closer, and no alarm."""
    set_ports(40000, 49999, "22,40000-40009,40100,50000")
    server = t.listener(port=5432, backlog=64)
    closers = []

    def during():
        closer = c.Closer(server, 120)
        closers.append(closer)
        t.check_equal(closer.serve()["done"], 120, "what was closed")
        c.wait_time_waits(120)
    found = c.report(source, during=during, observed=7)
    check_silent(found)
    f = c.only(found, "destination")
    check_keys(f, DESTINATION)
    t.compare_fields(
        {k: f.get(k) for k in ("rule", "count", "pid", "comm", "saddr", "daddr",
                               "dport", "role", "closed_here", "closed_there",
                               "eta_s", "tw_reuse", "oldest_exact")},
        {"rule": "ports", "count": 120, "pid": closers[0].pid,
         "comm": t.Owner().comm, "saddr": "127.0.0.1", "daddr": "127.0.0.1",
         "dport": 5432, "role": "client", "closed_here": 120,
         "closed_there": 0, "eta_s": None, "tw_reuse": "off",
         "oldest_exact": True}, "the finding")
    t.check_equal(f["holders"], [{"pid": closers[0].pid,
                                  "comm": t.Owner().comm, "count": 120}],
                  "the closers")
    ports = f["ports"]
    for key, value in {"first": 40000, "last": 49999, "reserved": 11,
                       "bound": 0, "usable": 9989, "used": 120,
                       "reusable": 0, "time_wait": 120, "established": 0,
                       "used_percent": 1.2}.items():
        t.check_equal(ports[key], value, f"ports: {key}")
    entered = f["rate_per_s"] * f["observed_us"] / 1e6
    t.check(abs(entered - 120) < 2, f"rate_per_s {f['rate_per_s']} over "
            f"{f['observed_us']} us is not 120")
    n = c.only(found, "netns")
    check_keys(n, NETNS)
    t.check_equal(n["count"], 120, "the count of the namespace")
    t.check_equal(n["buckets"]["used"], 120, "buckets: used")
    t.check_equal(n["buckets"]["limit"], 65536, "buckets: limit")
    t.check_equal(n["buckets"]["overflows_observed"], 0, "buckets: overflows")


def closed_by_server(source):
    """The accepting side has the TIME_WAITs: no port is used up by them.
    Of few ports the client would soon take one again, and its SYN the TIME_WAIT
    over."""
    set_ports(30000, 59999)
    server = t.listener(port=5432, backlog=64)

    def during():
        closer = c.Closer(server, 150, peer_first=True)
        t.check_equal(closer.serve()["done"], 150, "what was closed")
        c.wait_time_waits(150)
    found = c.report(source, during=during, observed=7)
    check_silent(found)
    f = c.only(found, "service")
    check_keys(f, SERVICE)
    t.check_equal((f["rule"], f["count"], f["role"], f["saddr"], f["sport"]),
                  ("time_wait", 150, "server", "127.0.0.1", 5432), "the finding")
    t.check_equal(f["pid"], t.Owner().pid, "who closed")
    t.check_equal(f["peers"], [{"daddr": "127.0.0.1", "count": 150}],
                  "the peers")
    t.check("accepting side" in f["verdict"], f"the verdict: {f['verdict']}")
    t.check(c.says(f, "advice", "let the clients close first"),
            f"the advice: {f['advice']}")
    for words in ("tcp_tw_reuse (0) is for connect()", "ip_local_port_range",
                  "tcp_fin_timeout", "tcp_tw_recycle"):
        t.check(c.says(f, "no_help", words), f"{words} is not in {f['no_help']}")
    others = [g for g in found if g["scope"] == "destination"]
    t.check_equal(others, [], "the destinations")


def older_than_the_tool(source):
    """No closer and no rate are known, but the counts."""
    set_ports(30000, 59999)
    server = t.listener(port=5432, backlog=64)
    c.Closer(server, 30).serve()
    c.Closer(server, 20, peer_first=True).serve()
    c.wait_time_waits(50)
    found = c.report(source)
    check_silent(found)
    f = c.only(found, "destination")
    t.check_equal((f["count"], f["ports"]["used"], f["rate_per_s"],
                   f["growth_per_min"], f["eta_s"], f["oldest_exact"]),
                  (30, 30, None, None, None, False), "what was there before")
    t.check("pid" not in f, "a closer is told that nobody has seen")
    t.check_equal(c.only(found, "service")["count"], 20, "of the server")
    t.check_equal(c.only(found, "netns")["count"], 50, "of the namespace")
    # What is asked for, and only that.
    found = c.report(source, "--dport", "5433")
    t.check_equal(found, [], "the findings of another port")


def listener_in_range(source):
    """A listener takes its port from every destination."""
    set_ports(40000, 40099)
    server = t.listener(port=40050, backlog=64)
    c.Closer(server, 10).serve()
    c.wait_time_waits(10)
    ports = c.only(c.report(source), "destination")["ports"]
    t.check_equal((ports["bound"], ports["usable"], ports["used"]), (1, 99, 10),
                  "bound, usable and used")


def tw_reuse(source):
    """With 2, on loopback, TIME_WAITs take no port after a second; with 0 they
    do. What is said is what connect() does."""
    set_ports(40000, 40049)
    server = t.listener(port=5432, backlog=64)
    said = c.Closer(server, 60).serve()
    t.check_equal((said["done"], said["error"]), (50, "EADDRNOTAVAIL"),
                  "how far it came with tcp_tw_reuse 0")
    c.wait_time_waits(50)
    f = c.only(c.report(source), "destination")
    t.check_equal((f["severity"], f["tw_reuse"], f["ports"]["used"]),
                  ("critical", "off", 50), "with tcp_tw_reuse 0")
    t.check("EADDRNOTAVAIL" in f["verdict"], f"the verdict: {f['verdict']}")
    t.check(c.says(f, "advice", "tcp_tw_reuse=1 (now 0 = off"),
            f"the advice: {f['advice']}")
    t.sysctl("net.ipv4.tcp_tw_reuse", 2)
    t.wait_until(lambda: not c.Closer(server, 1).serve()["error"],
                 "a connection that takes over a TIME_WAIT")
    c.wait_reusable()
    f = c.only(c.report(source), "destination")
    t.check_equal((f["severity"], f["tw_reuse"], f["ports"]["used"],
                   f["ports"]["reusable"]), ("info", "applies", 0, f["count"]),
                  "with tcp_tw_reuse 2")
    t.check(c.says(f, "no_help", "tcp_tw_reuse: it is 2 and applies"),
            f"what does not help: {f['no_help']}")
    t.check(not c.says(f, "advice", "tcp_tw_reuse"), f"the advice: {f['advice']}")
    c.Closer(server, 50).serve()
    t.sysctl("net.ipv4.tcp_timestamps", 0)
    f = c.only(c.report(source), "destination")
    t.check_equal(f["tw_reuse"], "no_timestamps", "without timestamps")
    t.check(c.says(f, "advice", "tcp_timestamps=1"), f"the advice: {f['advice']}")


def bound_source(source):
    """bind() before connect() takes ports from all destinations, and shows by
    their parity; with IP_BIND_ADDRESS_NO_PORT connect() chooses."""
    words = "IP_BIND_ADDRESS_NO_PORT"
    for option in (0, 1):
        set_ports(40000, 40199)
        server = t.listener(port=5432 + option, backlog=64)

        def bind(sock, option=option):
            sock.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, option)
            sock.bind(("127.0.0.1", 0))
        c.Closer(server, 40, bind=bind).serve()
        c.wait_time_waits(40 + 40 * option)
        found = c.report(source, "--dport", str(5432 + option))
        f = c.only(found, "destination")
        t.check_equal(c.says(f, "advice", words), not option,
                      f"{words} in the advice, option {option}")


def overflow(source):
    """What finds no bucket is closed without TIME_WAIT: an alarm."""
    set_ports(40000, 40999)
    t.sysctl("net.ipv4.tcp_max_tw_buckets", 10)
    server = t.listener(port=5432, backlog=64)

    def during():
        c.Closer(server, 30).serve()
    n = c.only(c.report(source, during=during), "netns")
    t.check_equal(n["severity"], "critical", "the severity")
    t.check(n["buckets"]["overflows_observed"] > 0, f"buckets: {n['buckets']}")
    t.check(c.says(n, "advice", "tcp_max_tw_buckets"), f"{n['advice']}")


if __name__ == "__main__":
    t.main(burst, closed_by_server, older_than_the_tool, listener_in_range,
           tw_reuse, bound_source, overflow, shared=True)
