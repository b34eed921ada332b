#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Each filter shows exactly the connections that it describes: here, by what
was really connected, and for a transition by its owner as known at the time."""
import os
import socket
import subprocess
import sys

import tcpstate_test as t

CLIENT = "CLOSE SYN_SENT ESTABLISHED FIN_WAIT1 FIN_WAIT2 TIME_WAIT"
SERVER = "LISTEN SYN_RECV ESTABLISHED CLOSE_WAIT LAST_ACK CLOSE"


class Traffic:
    """Two connections of IPv4, one of IPv6, one v4-mapped."""

    def __init__(self):
        self.ends, self.doors = [], []
        self.one = self.connection(t.listener(), "127.0.0.1", "127.7.0.1")
        self.two = self.connection(t.listener(), "127.0.0.1", "127.8.0.1")
        self.six = self.connection(t.listener("::1"), "::1", "::1")
        self.mapped = self.connection(t.listener("::"), "::ffff:127.0.0.1",
                                      "::ffff:127.0.0.1")

    def connection(self, server, to, source):
        family = socket.AF_INET6 if ":" in to else socket.AF_INET
        client = socket.socket(family)
        client.bind((source, 0))
        client.connect((to, server.getsockname()[1]))
        server.settimeout(t.LIMIT)
        child, _ = server.accept()
        c, s = t.ends(client, child)
        door = t.End(server, "listener")
        client.close()
        t.check_equal(child.recv(1), b"", "what the server read")
        t.wait_diag(c.cookie, "FIN_WAIT2")
        child.close()
        t.wait_diag(c.cookie, "TIME_WAIT")
        server.close()
        self.ends += [(c, CLIENT), (s, SERVER)]
        self.doors.append((door, "CLOSE LISTEN CLOSE"))
        return c, s, door


def events_of(end, path):
    states = path.split()
    return [(end.cookie, old, new) for old, new in zip(states, states[1:])]


def filtered(source, rows):
    """rows: options, and a function of Traffic that gives (End, path)s or
    triples of what must be seen."""
    watches = [(t.Watch(source, "events", *options), wanted)
               for options, wanted in rows]
    everything = t.Watch(source)
    traffic = Traffic()
    for end, path in traffic.ends + traffic.doors:
        everything.expect(end, path, orphan=end.role == "client", **(
            {"reason": "closed"} if end.role == "listener" else
            {"reason": "fin"} if end.role == "server" else {}))
    everything.wait_expected()
    for watch, wanted in watches:
        expected = sorted(e for end, path in wanted(traffic)
                          for e in events_of(end, path))
        watch.wait_for(
            lambda o, w=watch, n=len(expected):
            sum(o["event"] == "state" for o in w.objects) >= n,
            f"{len(expected)} events from {watch.line}") if expected else None
        t.check_equal(watch.stop(), 0, f"the exit status of {watch.line}")
        watch.check_summary()
        got = sorted((o["conn_id"], o["old_state"], o["new_state"])
                     for o in watch.objects if o["event"] == "state")
        t.check(got == expected, f"{watch.line} shows\n{got}\nand must\n"
                f"{expected}")
    everything.finish()


def of(*which, doors=True):
    """All three of some connections."""
    def wanted(traffic):
        result = []
        for name in which:
            c, s, door = getattr(traffic, name)
            result += [(c, CLIENT), (s, SERVER)]
            if doors:
                result.append((door, "CLOSE LISTEN CLOSE"))
        return result
    return wanted


def family(source):
    filtered(source, [
        (("-4",), lambda tr: of("one", "two", "mapped")(tr)[:-1]),
        (("-6",), lambda tr: of("six")(tr) + [(tr.mapped[2],
                                               "CLOSE LISTEN CLOSE")]),
        (("-4", "-6"), of("one", "two", "six", "mapped")),
    ])


def address(source):
    filtered(source, [
        (("--addr", "127.7.0.1"), of("one", doors=False)),
        (("--addr", "127.7.0.0/16,127.8.0.0/15"),
         of("one", "two", doors=False)),
        (("--addr", "::1"), of("six")),
        (("--addr", "127.7.0.1", "-6"), of()),
    ])


def state(source):
    def some(*moves):
        def wanted(traffic):
            result = []
            for end, path in traffic.ends + traffic.doors:
                for old, new in zip(path.split(), path.split()[1:]):
                    if old in moves or new in moves:
                        result.append((end, f"{old} {new}"))
            return result
        return wanted
    filtered(source, [
        (("--state", "close-wait"), some("CLOSE_WAIT")),
        (("--state", "FIN-WAIT-2,listen"), some("FIN_WAIT2", "LISTEN")),
        (("--state", "TIME_WAIT"), some("TIME_WAIT")),
    ])


def owner(source):
    def mine(traffic):
        return [(c, CLIENT) for c, path in traffic.ends
                if path is CLIENT] + traffic.doors

    def by_pid(traffic):
        result = mine(traffic)
        # The child's owner is known from accept(), or from its close().
        path = ("ESTABLISHED CLOSE_WAIT LAST_ACK CLOSE" if accept_seen else
                "CLOSE_WAIT LAST_ACK CLOSE")
        return result + [(s, path) for s, p in traffic.ends if p is SERVER]

    probe = t.Watch(source)
    accept_seen = not probe.infers(t.ACCEPT_OWNER)
    probe.stop()
    comm = t.Owner().comm
    filtered(source, [
        (("--pid", str(os.getpid())), by_pid),
        (("-p", "1"), of()),
        (("--comm", comm[:5] + "*"), by_pid),
        (("--uid", "1"), of()),
    ])


def ports(source):
    """Fixed ports, so that the filters can be given before."""
    watches = {}
    for options in (("--port", "7070"), ("--sport", "7070"), ("-L", "7071"),
                    ("--dport", "7070"), ("-D", "7000-7071"),
                    ("--port", "1-7069,7072-65535")):
        watches[options] = t.Watch(source, "events", *options)
    everything = t.Watch(source)
    server = t.listener(port=7070)
    client, child = t.pair(server, ("127.0.0.1", 7071))
    c, s = t.ends(client, child)
    door = t.End(server, "listener")
    everything.expect(door, "CLOSE LISTEN")
    everything.expect(c, "CLOSE SYN_SENT ESTABLISHED")
    everything.expect(s, "LISTEN SYN_RECV ESTABLISHED")
    everything.finish()
    seen = {("--port", "7070"): {c, s, door}, ("--sport", "7070"): {s, door},
            ("-L", "7071"): {c}, ("--dport", "7070"): {c},
            ("-D", "7000-7071"): {c, s},
            ("--port", "1-7069,7072-65535"): set()}
    # Matching either end, the client has one port in and one out of a range.
    for options, watch in watches.items():
        for end in seen[options]:
            watch.wait_state(end, "LISTEN" if end is door else "ESTABLISHED")
        t.check_equal(watch.stop(), 0, f"the exit status of {watch.line}")
        got = {o["conn_id"] for o in watch.objects if o["event"] == "state"}
        t.check_equal(got, {e.cookie for e in seen[options]},
                      f"the connections of {watch.line}")


CHILD = """
import socket, sys, os
os.setuid(int(sys.argv[2]))
s = socket.socket()
s.connect(("127.0.0.1", int(sys.argv[1])))
print(s.getsockopt(socket.SOL_SOCKET, 57, 8)[::-1].hex().lstrip("0"), flush=True)
sys.stdin.read()
"""


def user(source):
    server = t.listener()
    watch = t.Watch(source, "events", "--uid", "1234")
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(server.getsockname()[1]), "1234"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        preexec_fn=t.die_with_parent)
    cookie = child.stdout.readline().strip()
    established = watch.wait_for(lambda o: o["event"] == "state" and
                                 o["new_state"] == "ESTABLISHED", "ESTABLISHED")
    t.check_equal(watch.stop(), 0, "the exit status")
    got = {o["conn_id"] for o in watch.objects if o["event"] == "state"}
    t.check_equal(got, {cookie}, "the connections of uid 1234")
    t.check_equal((established["uid"], established["pid"]), (1234, child.pid),
                  "uid and pid")
    child.communicate()


def open_list(source):
    """--open, with the states and the owner that sock_diag and /proc know."""
    server = t.listener()
    client, child = t.pair(server)
    c, s = t.ends(client, child)
    client.close()
    t.wait_state(child, "CLOSE_WAIT")
    here = str(c.netns)

    def listed(*options):
        done = t.tool_run("conns", "--open", "-j", "-N", here, *options)
        t.check_equal(done.returncode, 0, "the exit status of conns --open")
        lines = [t.json.loads(line) for line in done.stdout.splitlines()]
        return {o["conn_id"]: o["state"] for o in lines if o["event"] == "conn"}

    t.wait_diag(c.cookie, "FIN_WAIT2")
    both = {c.cookie: "FIN_WAIT2", s.cookie: "CLOSE_WAIT"}
    t.check_equal(listed(), both, "conns --open")
    t.check_equal(listed("--state", "close-wait"), {s.cookie: "CLOSE_WAIT"},
                  "conns --open --state close-wait")
    t.check_equal(listed("--state", "listen"), {t.cookie(server): "LISTEN"},
                  "conns --open --state listen")
    t.check_equal(listed("--pid", str(os.getpid())), {s.cookie: "CLOSE_WAIT"},
                  "conns --open --pid")
    t.check_equal(listed("--port", str(c.sport)), both, "conns --open --port")
    t.check_equal(listed("--dport", str(c.sport)), {s.cookie: "CLOSE_WAIT"},
                  "conns --open --dport")
    t.check_equal(listed("-6"), {}, "conns --open -6")
    assert source


if __name__ == "__main__":
    t.main(family, address, state, owner, ports, user, open_list)
