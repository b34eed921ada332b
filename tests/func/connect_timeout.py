#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Nothing answers the SYN: SYN_SENT until the kernel gives up, or the program;
and a connect() that finds no free port sends no SYN at all."""
import errno
import socket

import tcpstate_test as t

NOWHERE = "192.0.2.1"


def blackhole():
    """A network that swallows everything."""
    t.run("ip", "route", "add", "192.0.2.0/24", "dev", "lo", "src", "127.0.0.1")


def start(source):
    blackhole()
    events = t.Watch(source)
    client = socket.socket()
    client.bind(("127.0.0.1", 0))
    end = t.End(client, "listener")
    end.role, end.daddr, end.dport = "client", NOWHERE, 9
    return events, client, end


def syn_timeout(source):
    t.sysctl("net.ipv4.tcp_syn_retries", 1)
    events, client, c = start(source)
    conns = t.Watch(source, "conns")
    tap = t.Wiretap()
    try:
        client.connect((NOWHERE, 9))
    except TimeoutError:
        pass
    else:
        raise t.Failure("connect() to nowhere did not time out")
    events.expect(c, "CLOSE SYN_SENT CLOSE", reason="timeout", detail="syn")
    events.finish()
    span_us = events.of(c)[-1]["span_us"]
    t.check(1e6 < span_us < 20e6, f"SYN_SENT lasted {span_us} us")
    tap.stop()
    again = len(tap.of(c).sent) - 1
    t.check(again > 0, "no SYN was sent again")
    t.check_conn(conns, c, {"syn_retrans": again}, {"kind": "timeout"},
                 state="CLOSE", reason="timeout", detail="syn")
    t.check_equal(conns.stop(), 0, "the exit status of conns")


def given_up(source):
    events, client, c = start(source)
    client.setblocking(False)
    t.check_equal(client.connect_ex((NOWHERE, 9)), errno.EINPROGRESS,
                  "what connect() returned")
    events.wait_state(c, "SYN_SENT")
    client.close()
    events.expect(c, "CLOSE SYN_SENT CLOSE", reason="closed")
    events.finish()


def no_port(source):
    t.sysctl("net.ipv4.ip_local_port_range", "20000 20000")
    events = t.Watch(source)
    server = t.listener(port=30000)
    first, child = t.pair(server)
    c, s = t.ends(first, child)
    second = socket.socket()
    t.check_equal(second.connect_ex(server.getsockname()), errno.EADDRNOTAVAIL,
                  "what connect() without a free port returned")
    events.expect(t.End(server, "listener"), "CLOSE LISTEN")
    events.expect(c, "CLOSE SYN_SENT ESTABLISHED")
    events.expect(s, "LISTEN SYN_RECV ESTABLISHED")
    cookie = t.cookie(second)
    last = events.wait_for(lambda o: o.get("conn_id") == cookie and
                           o["new_state"] == "CLOSE", "the end of SYN_SENT")
    events.own_connections.add(cookie)
    t.check_equal(last.get("reason"), "no_port", "the reason")
    t.check("sport" not in last, "a connection without a port has one")
    events.finish()


if __name__ == "__main__":
    t.main(syn_timeout, given_up, no_port,
           shares=("events",))
