#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The module and the BPF programs, watching the same traffic at the same time,
tell the same logical stream: every field but the times, which may differ by the
moment between two hooks of one function, and the basis."""
import collections
import random
import socket

import tcpstate_test as t

APART = {"ts", "mono_ns", "span_us", "basis"}
APART_CONN = APART | {"duration_us"}
# Two hooks of the same function; one of them may be interrupted in between.
CLOSE_NS = 100_000_000


def traffic():
    """Closes of every kind; how many connections."""
    rng = random.Random(1)
    server = t.listener(backlog=64)
    server6 = t.listener("::1")
    keep = []
    for i in range(60):
        client, child = t.pair(server if i % 4 else server6)
        one, other = rng.choice([(client, child), (child, client)])
        kind = i % 6
        if kind == 0:               # a reset
            t.linger0(one)
        elif kind == 1:             # data unread
            other.sendall(b"x" * 100)
            t.wait_until(lambda s=one: t.diag(t.cookie(s)).rqueue, "data")
        elif kind == 2:             # half close
            one.shutdown(socket.SHUT_WR)
            t.read_to_end(other)
        elif kind == 3:             # leak
            one.close()
            keep.append(other)
            t.wait_state(other, "CLOSE_WAIT")
            continue
        elif kind == 4:             # both in one breath
            one.close()
        else:
            other.sendall(b"data")
            one.recv(100)
        one.close()
        other.close()
    for family in (socket.AF_INET, socket.AF_INET6):
        with socket.socket(family) as free, socket.socket(family) as client:
            free.bind(("127.0.0.1" if family == socket.AF_INET else "::1", 0))
            t.check(client.connect_ex(free.getsockname()), "connected to nobody")
    # Never accepted, and dead with their listener.
    lost = [t.connect(server) for _ in range(3)]
    for client in lost:
        t.unaccepted(client, server)
    server.close()
    server6.close()
    for client in lost:
        t.wait_state(client, "CLOSE")
        client.close()
    return keep


def streams(watch, event):
    """Of each life, its events, without what may differ."""
    result = collections.defaultdict(list)
    for o in watch.objects:
        if o["event"] == event:
            result[o["conn_id"], o.get("life")].append(o)
    return result


def plain(o, apart):
    o = {k: v for k, v in o.items() if k not in apart}
    for part in ("handshake", "close"):
        if part in o:
            o[part] = {k: v for k, v in o[part].items()
                       if not k.endswith("_us")}
    return o


def agree(kmod, bpf, event, apart):
    a, b = streams(kmod, event), streams(bpf, event)
    t.check_equal(set(b), set(a), f"the {event} lives that bpf saw")
    t.check(len(a) > 60, f"only {len(a)} lives were seen")
    for key in sorted(a):
        t.check_equal([plain(o, apart) for o in b[key]],
                      [plain(o, apart) for o in a[key]],
                      f"what bpf tells of {key}, other than kmod,")
        for x, y in zip(a[key], b[key]):
            t.check(abs(x["mono_ns"] - y["mono_ns"]) < CLOSE_NS,
                    f"the times of {x} and {y} are far apart")


def backends_agree():
    if not t.kmod_available():
        raise t.Skip("source kmod does not work here")
    events = [t.Watch(s) for s in ("kmod", "bpf")]
    conns = [t.Watch(s, "conns") for s in ("kmod", "bpf")]
    keep = traffic()
    # What one has seen when a last connection is over, so has the other.
    server = t.listener()
    client, child = t.pair(server)
    c, _ = t.ends(client, child)
    t.linger0(client)
    client.close()
    for watch in events:
        watch.wait_state(c, "CLOSE")
    for watch in conns:
        watch.wait_for(lambda o: o.get("conn_id") == c.cookie, "the last conn")
    # A TIME_WAIT that is not observed is told when it is found.
    for watch in (*events, *conns):
        if watch.infers(t.ORPHAN_TIME_WAIT):
            raise t.Skip("TIME_WAIT of orphans is not observed by bpf here")
    for watch in (*events, *conns):
        t.check_equal(watch.stop(), 0, f"the exit status of {watch.line}")
        watch.check_summary()
    agree(*events, "state", APART)
    agree(*conns, "conn", APART_CONN)
    for sock in keep:
        sock.close()


if __name__ == "__main__":
    t.main(backends_agree, per_source=False)
