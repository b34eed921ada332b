#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""CLOSE_WAIT leaks of each kind, begun before the tool and while it runs: who,
which descriptors, which bug, since when."""
import os
import time

import tcpstate_test as t

KEYS = {"event", "ts", "mono_ns", "rule", "severity", "bug", "netns", "state",
        "count", "oldest_us", "oldest_exact", "observed_us", "unit",
        "container", "listener", "peers", "fds", "conn_ids", "verdict",
        "advice", "no_help", "fd_used", "fd_limit", "holders", "ages",
        "recv_q", "shared"}
OWNED = {"pid", "comm", "uid", "exe"}
LATER = {"cgroup", "growth_per_min", "eta_s", "wchan", "accept_queue",
         "accept_limit", "last_accept_us"}


class Leak:
    """n connections of a server that never closes, for a given bug."""

    def __init__(self, bug, n, addr="127.0.0.1"):
        self.bug, self.addr = bug, addr
        self.server = t.listener(addr, backlog=64)
        self.children, self.ends = [], []
        self.begin = time.monotonic()
        for _ in range(n):
            self._one()
        self.end = time.monotonic()

    def _one(self):
        if self.bug == "never_accepted":
            client = t.connect(self.server)
            end = t.unaccepted(client, self.server)
        else:
            client, child = t.pair(self.server)
            self.children.append(child)
            end = t.End(child, "server")
        if self.bug == "data_unread":
            client.sendall(b"nobody reads this")
        client.close()
        t.wait_diag(end.cookie, "CLOSE_WAIT")
        if self.bug == "fin_read":
            t.check_equal(child.recv(10), b"", "what the server read")
        self.ends.append(end)

    def expected(self):
        owner = t.Owner()
        saddr, sport = self.server.getsockname()[:2]
        fields = {
            "event": "finding", "rule": "close_wait", "severity": "warning",
            "bug": self.bug, "netns": self.ends[0].netns,
            "state": "CLOSE_WAIT", "count": len(self.ends),
            "unit": None, "container": None,
        }
        if self.bug != "never_accepted":
            fields.update(pid=owner.pid, comm=owner.comm, uid=owner.uid,
                          exe=os.readlink("/proc/self/exe"))
        lists = {
            "holders": [{"pid": owner.pid, "comm": owner.comm,
                         "count": len(self.ends)}] if self.children else [],
            "fds": sorted(c.fileno() for c in self.children),
            "conn_ids": sorted(e.cookie for e in self.ends),
            "peers": [{"daddr": self.addr, "count": len(self.ends)}],
            "listener": {"saddr": saddr, "sport": sport, "pid": owner.pid,
                         "comm": owner.comm},
        }
        return fields, lists

    def check(self, findings, begun_before):
        mine = [f for f in findings if
                self.ends[0].cookie in f.get("conn_ids", ())]
        t.check_equal(len(mine), 1, f"the number of findings for {self.bug}")
        finding = mine[0]
        fields, lists = self.expected()
        who = f"finding {self.bug}"
        t.compare_fields(finding, fields, who, KEYS | OWNED | LATER)
        for key, value in lists.items():
            got = finding.get(key)
            if key == "conn_ids":
                got = sorted(got)
            t.check_equal(got, value, f"{who}: {key}")
        required = KEYS - {"fd_used", "fd_limit"}
        if self.bug != "never_accepted":
            required |= OWNED | {"fd_used", "fd_limit"}
        t.check(required <= set(finding),
                f"{who}: missing {sorted(required - set(finding))}")
        self._check_age(finding, begun_before, who)
        t.check(finding["verdict"] and finding["advice"],
                f"{who}: no verdict or advice")
        if "fd_used" in finding:
            used = len(os.listdir("/proc/self/fd"))
            t.check(abs(finding["fd_used"] - used) < 8,
                    f"{who}: fd_used {finding['fd_used']}, about {used} are")

    def _check_age(self, finding, begun_before, who):
        t.check_equal(finding["oldest_exact"], not begun_before,
                      f"{who}: oldest_exact")
        now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) / 1e9
        said = finding["mono_ns"] / 1e9
        most = (said - self.begin) * 1e6
        t.check(said <= now, f"{who}: is from the future")
        # The bound is counted by the kernel in ticks, and a late tick is late
        # for the moment that is kept.
        slack = 10**5 if begun_before else 10**4
        t.check(finding["oldest_us"] <= most + slack,
                f"{who}: oldest_us {finding['oldest_us']} is more than the age "
                f"of the test, {most:.0f}")
        least = (said - self.end) * 1e6 - (slack if begun_before else 0)
        t.check(finding["oldest_us"] >= least,
                f"{who}: oldest_us {finding['oldest_us']} is less than the age "
                f"of the last, {least:.0f}")


BUGS = {"fin_read": 3, "fin_unread": 2, "data_unread": 4, "never_accepted": 2}


def report(watch, limit=t.LIMIT):
    t.check_equal(watch.stop(limit=limit), 0, "the exit status of leaks")
    watch.check_summary()
    return [o for o in watch.objects if o["event"] == "finding"]


def older_than_the_tool(source):
    leaks = [Leak(bug, n) for bug, n in BUGS.items()]
    leaks.append(Leak("fin_unread", 1, "::1"))
    watch = t.Watch(source, "leaks", "--age", "0", "--duration", "0")
    watch.wait_for(lambda o: o["event"] == "summary", "the report")
    findings = report(watch)
    for leak in leaks:
        leak.check(findings, begun_before=True)
    t.check_equal(len(findings), len(leaks), "the number of findings")


def younger_than_the_tool(source):
    watch = t.Watch(source, "leaks", "--age", "0", "--duration", "1h")
    leaks = [Leak(bug, n) for bug, n in BUGS.items()]
    # Ctrl-C = report now; but what it reports must have reached the tool.
    events = t.Watch(source)
    events.stop()
    findings = report(watch)
    for leak in leaks:
        leak.check(findings, begun_before=False)
    t.check_equal(len(findings), len(leaks), "the number of findings")


def not_yet(source):
    leak = Leak("fin_read", 1)
    watch = t.Watch(source, "leaks", "--age", "1h", "--duration", "0")
    watch.wait_for(lambda o: o["event"] == "summary", "the report")
    t.check_equal(report(watch), [], "the findings of an hour and more")
    leak.server.close()


if __name__ == "__main__":
    t.main(older_than_the_tool, younger_than_the_tool, not_yet, shared=True)
