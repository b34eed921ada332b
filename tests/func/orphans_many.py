#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Orphans against net.ipv4.tcp_max_orphans: from a half on they are told, below
not. The limit is the whole host's, so this is for a virtual machine, and its
orphans of former tests, which become fewer, are few of many."""
import tcpstate_test as t
from orphan_limit import kernel_orphans, limit

ORPHANS = 100


def told(source):
    watch = t.Watch(source, "leaks", "--duration", "0", netns=None)
    watch.wait_for(lambda o: o["event"] == "summary", "the report")
    t.check_equal(watch.stop(), 0, "the exit status of leaks")
    return [f for f in watch.objects if f.get("rule") == "orphans"]


def orphans_told(source):
    left, right = t.Namespace().settle(), t.Namespace().settle()
    cable = t.Cable(left, right)
    with right.inside():
        server = t.listener(t.Cable.RIGHT, backlog=ORPHANS)
    children = []
    for _ in range(ORPHANS):
        with left.inside():
            client = t.connect(server)
        children.append(server.accept()[0])
        cable.policy = lambda x: "drop" if x.has(t.FIN) else "pass"
        client.close()
    # The kernel adds them up ten times a second.
    n = t.wait_until(lambda: kernel_orphans() >= ORPHANS and kernel_orphans(),
                     "orphans to be counted")
    before = limit(2 * n + 2)
    try:
        t.check_equal(told(source), [], "below a half")
        limit(2 * ORPHANS - 1)
        findings = told(source)
        t.check_equal([(f["severity"], f["limit"]) for f in findings],
                      [("warning", 2 * ORPHANS - 1)], "from a half on")
        t.check(ORPHANS <= findings[0]["count"] <= n,
                f"{findings[0]['count']} are told, and {ORPHANS} to {n} there are")
        t.check(any(f"{2 * ORPHANS - 1}" in line
                    for line in findings[0]["advice"]),
                f"no advice says the limit: {findings[0]['advice']}")
    finally:
        limit(before)
        for child in children:
            t.linger0(child)
            child.close()
    # Of this case none is left for the next one.
    t.wait_until(lambda: kernel_orphans() <= n - ORPHANS, "the end of them")


if __name__ == "__main__":
    t.main(orphans_told)
