#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""What a filter keeps out is not even captured where the kernel's side can tell,
and what is told is the same as if all had been captured and then been filtered."""
import contextlib
import os
import socket
import subprocess
import sys
import tempfile

import tcpstate_test as t
from recorded import Recorder

COUNT = 60
PORT = 7301


def traffic(count):
    """Connections by IPv4, IPv6 and both, closed in all ways; some refused."""
    servers = [(t.listener("127.0.0.1", PORT), "127.0.0.1", "127.7.0.1"),
               (t.listener("127.0.0.1"), "127.0.0.1", "127.8.0.1"),
               (t.listener("::1"), "::1", "::1"),
               (t.listener("::", PORT + 1), "::1", "::1"),
               (t.listener("::"), "::ffff:127.0.0.1", "::ffff:127.0.0.1")]
    for n in range(count):
        server, to, source = servers[n % len(servers)]
        one(server, to, source, n // len(servers))
    closed = t.listener()
    to = closed.getsockname()
    closed.close()
    with contextlib.suppress(ConnectionRefusedError):
        t.connect(to)
    for server, _, _ in servers:
        server.close()


def one(server, to, source, way):
    client = socket.socket(socket.AF_INET6 if ":" in to else socket.AF_INET)
    if way % 2:
        client.bind((source, 0))
    client.connect((to, server.getsockname()[1]))
    server.settimeout(t.LIMIT)
    child, _ = server.accept()
    first, second = (client, child) if way % 3 else (child, client)
    if way % 4 == 3:
        t.linger0(first)
    first.close()
    with contextlib.suppress(ConnectionResetError):
        second.recv(1)
    second.close()


# Which connections each lets pass is in filters.py.
FILTERS = (
    ("--sport", str(PORT)), ("--port", f"{PORT}-{PORT + 1}", "--state",
                             "close-wait,time-wait"),
    ("--addr", "127.7.0.0/16,::1"), ("-4", "--dport", "1-65535"),
    ("--raw", "--port", str(PORT)),
)


def plain(event):
    """Each tool has programs of its own, which take the time."""
    return {k: plain(v) if isinstance(v, dict) else v
            for k, v in event.items()
            if k not in ("ts", "mono_ns", "seq", "cpu") and
            not k.endswith("_us")}


def is_childs_first(event):
    """--raw has it, and record does not."""
    return (event.get("type") == "state" and event["old_state"] == "LISTEN" and
            event["new_state"] == "SYN_RECV")


def is_by_dump(event):
    """Each tool takes its own, at its own times."""
    return event.get("basis") == "snapshot"


def by_connection(objects, own):
    """In their order, which between connections is no matter."""
    found = {}
    for o in objects:
        if (o.get("netns") in own and o["event"] != "summary" and
                not is_childs_first(o) and not is_by_dump(o)):
            found.setdefault(o["conn_id"], []).append(plain(o))
    return found


def same_as_all(source):
    watches = [t.Watch(source, "events", *options, alone=True)
               for options in FILTERS]
    recorder = Recorder(source)
    traffic(COUNT)
    t.wait_until(lambda: all(s.state == "TIME_WAIT" for s in t.sockets()),
                 "the end of all but TIME_WAIT")
    t.check_equal(recorder.stop(), 0, "the exit status of record")
    for options, watch in zip(FILTERS, watches):
        t.check_equal(watch.stop(), 0, f"the exit status of {watch.line}")
        watch.check_summary()
        own = str(next(iter(watch.own)))
        done = t.tool_run("events", "-j", "--netns", own, *options,
                          "--source", recorder.path)
        want = by_connection(map(t.json.loads, done.stdout.splitlines()),
                             watch.own)
        got = by_connection(watch.objects, watch.own)
        t.check(want, f"nothing was told of {options}")
        for key in sorted(set(want) | set(got)):
            t.check_equal(got.get(key), want.get(key),
                          f"what {watch.line} told of {key}")
        t.check_equal(watch.objects[-1]["corrected"], 0,
                      f"what {watch.line} had to correct")


def captured(source, *options, netns="own"):
    """Records of 2 * COUNT ends that nobody asked for, closed by both sides."""
    watch = t.Watch(source, "events", *options, netns=netns, alone=True)
    server = t.listener()
    for n in range(COUNT):
        client, child = t.pair(server)
        first, second = (client, child) if n % 2 else (child, client)
        first.close()
        second.recv(1)
        second.close()
    server.close()
    t.check_equal(watch.stop(), 0, f"the exit status of {watch.line}")
    watch.check_summary()
    told = [o for o in watch.objects if o["event"] not in ("summary", "lost")]
    t.check_equal(told, [], f"what {watch.line} told")
    return watch.objects[-1]["captured"]


def not_captured(source):
    """At most so many records of a connection; 0: but those of the listener."""
    # A child's LISTEN -> SYN_RECV, which has no peer yet; BPF leaves it to --raw.
    child = 1 if source == "kmod" else 0
    own = os.stat("/proc/thread-self/ns/net").st_ino
    for each, options in ((0, ("--dport", "1")), (0, ("--addr", "10.0.0.0/8")),
                          # Those of mini-sockets, connect() and accept().
                          (5, ("--raw", "--state", "closing")),
                          # SYN_SENT, its port, and both CLOSE, without one.
                          (4, ("--port", "1"))):
        got = captured(source, *options)
        # A loopback interface for all: no others use this namespace.
        t.check(got <= (each + child) * COUNT + 4,
                f"{got} records of {COUNT} connections were captured with "
                f"{options}")
    elsewhere = captured(source, "--netns", str(own + 1), netns=None)
    t.check_equal(elsewhere, 0, "records captured for another namespace")


def forgotten(source):
    """Where only connect() tells that it is none of those asked for, no dump is
    corrected by what came of it."""
    server = t.listener()
    watch = t.Watch(source, "events", "--sport", "1", "--reconcile", "100ms",
                    "--duration", "2s", alone=True)
    pairs = [t.pair(server) for _ in range(COUNT)]
    t.wait_until(watch.ended, "its end", t.READY_LIMIT)
    t.check_equal(watch.stop(), 0, "the exit status")
    summary = watch.objects[-1]
    t.check(summary["captured"] >= len(pairs), "it has met too few of them")
    t.check_equal((summary["corrected"], summary["unknown_owner"],
                   summary["inferred"]), (0, 0, 0),
                  "corrected, without owner, and inferred")


@contextlib.contextmanager
def cgroup():
    """A new one, its folder."""
    with open("/proc/self/mounts", encoding="ascii") as f:
        points = [line.split()[1] for line in f if line.split()[2] == "cgroup2"]
    if not points:
        raise t.Skip("no cgroup2 is mounted")
    folder = tempfile.mkdtemp(prefix="tcpstate-", dir=points[0])
    try:
        yield folder
    finally:
        t.wait_until(lambda: not members(folder), "an empty cgroup")
        os.rmdir(folder)


def members(folder):
    with open(os.path.join(folder, "cgroup.procs"), encoding="ascii") as f:
        return f.read().split()


CHILD = """
import os, socket, sys
open(sys.argv[2] + "/cgroup.procs", "w").write(str(os.getpid()))
s = socket.socket()
s.connect(("127.0.0.1", int(sys.argv[1])))
print(s.getsockopt(socket.SOL_SOCKET, 57, 8)[::-1].hex().lstrip("0"), flush=True)
sys.stdin.read()
"""


def by_cgroup(source):
    """A socket's cgroup is its maker's; those below are in it too."""
    with cgroup() as outer:
        inner = os.path.join(outer, "inner")
        os.mkdir(inner)
        try:
            told_by_cgroup(source, outer, inner)
        finally:
            t.wait_until(lambda: not members(inner), "an empty cgroup")
            os.rmdir(inner)


def told_by_cgroup(source, outer, inner):
    watch = t.Watch(source, "events", "--cgroup", outer, alone=True)
    server = t.listener()
    for _ in range(COUNT):      # of a cgroup outside
        client, child = t.pair(server)
        client.close()
        child.close()
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(server.getsockname()[1]), inner],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        preexec_fn=t.die_with_parent)
    cookie = child.stdout.readline().strip()
    watch.wait_for(lambda o: o["event"] == "state" and
                   o["new_state"] == "ESTABLISHED", "ESTABLISHED")
    child.communicate()
    watch.wait_for(lambda o: o["event"] == "state" and
                   o["new_state"] == "FIN_WAIT1", "FIN_WAIT1")
    t.check_equal(watch.stop(), 0, "the exit status")
    watch.check_summary()
    t.check_equal({o["conn_id"] for o in watch.objects
                   if o["event"] == "state"}, {cookie},
                  f"the connections of {watch.line}")
    got = watch.objects[-1]["captured"]
    # The mini-sockets of all have no cgroup, and so pass where a hook has them.
    t.check(got <= 3 * COUNT + 10, f"{got} records were captured")


def connect_from(folder, server):
    """A process in this cgroup connects, and ends; its socket's cookie."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(server.getsockname()[1]), folder],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
        check=True, timeout=t.LIMIT)
    t.wait_until(lambda: not members(folder), "an empty cgroup")
    return done.stdout.strip()


def cgroup_made_again(source):
    """As by a service that is restarted: the same path, another id."""
    with cgroup() as outer:
        inner = os.path.join(outer, "service")
        os.mkdir(inner)
        watch = t.Watch(source, "events", "--cgroup", inner, alone=True)
        server = t.listener()
        first = connect_from(inner, server)
        os.rmdir(inner)
        os.mkdir(inner)
        second = connect_from(inner, server)
        for cookie in first, second:
            watch.wait_for(lambda o, c=cookie: o.get("conn_id") == c and
                           o.get("new_state") == "FIN_WAIT1",
                           f"FIN_WAIT1 of {cookie}")
        t.check_equal(watch.stop(), 0, "the exit status")
        watch.check_summary()
        os.rmdir(inner)


if __name__ == "__main__":
    t.main(same_as_all, not_captured, forgotten, by_cgroup, cgroup_made_again)
