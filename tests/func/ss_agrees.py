#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""At rest, the tool's picture is the kernel's: the open connections, their
states and owners, and the counts per state."""
import collections
import os

import tcpstate_test as t


def stand_still():
    """Connections in every state that lasts; the sockets are returned."""
    server = t.listener(backlog=32)
    keep = [server]
    for _ in range(3):                          # ESTABLISHED
        keep += t.pair(server)
    for _ in range(2):                          # CLOSE_WAIT, FIN_WAIT2
        client, child = t.pair(server)
        c = t.cookie(client)
        client.close()
        t.wait_diag(c, "FIN_WAIT2")
        keep.append(child)
    for _ in range(4):                          # TIME_WAIT
        client, child = t.pair(server)
        c = t.cookie(client)
        client.close()
        t.wait_diag(c, "FIN_WAIT2")
        child.close()
        t.wait_diag(c, "TIME_WAIT")
    return keep


def kernel_counts():
    return collections.Counter(s.state for s in t.sockets()
                               if s.state != "CLOSE")


def open_now():
    here = os.stat("/proc/self/ns/net").st_ino
    done = t.tool_run("conns", "--open", "-j", "-N", str(here))
    t.check_equal(done.returncode, 0, "the exit status of conns --open")
    return [o for o in map(t.json.loads, done.stdout.splitlines())
            if o["event"] == "conn"]


def open_list():
    keep = stand_still()
    mine = {t.cookie(s): s for s in keep if s is not keep[0]}
    owner = t.Owner()
    listed = {o["conn_id"]: o for o in open_now()}
    real = {s.cookie: s for s in t.sockets() if s.state != "LISTEN"}
    t.check_equal(set(listed), set(real), "the connections of conns --open")
    for cookie, s in real.items():
        o = listed[cookie]
        t.check_equal([o.get(k) for k in ("state", "saddr", "sport", "daddr",
                                          "dport", "age_exact", "basis")],
                      [s.state, s.saddr, s.sport, s.daddr, s.dport, False,
                       "snapshot"], f"what is told of {cookie}")
        expected = (owner.pid, owner.comm) if cookie in mine else (None, None)
        t.check_equal((o.get("pid"), o.get("comm")), expected,
                      f"the owner of {cookie} in {s.state}")


def counts(source):
    keep = stand_still()
    before = t.Watch(source, "watch", "--interval", "200ms")
    here = before.own
    real = kernel_counts()

    def told(wanted):
        def same(o):
            return (o["event"] == "counts" and o["netns"] in here and
                    {k: v for k, v in o["states"].items() if v} == wanted)
        return same
    before.wait_for(told(dict(real)), f"counts of {dict(real)}")
    keep += stand_still()
    real = kernel_counts()
    before.wait_for(told(dict(real)), f"counts of {dict(real)}")
    for sock in keep:
        t.linger0(sock)
        sock.close()
    t.wait_until(lambda: not kernel_counts()["CLOSE_WAIT"], "no CLOSE_WAIT")
    real = kernel_counts()
    before.wait_for(told(dict(real)), f"counts of {dict(real)}")
    t.check_equal(before.stop(), 0, "the exit status")
    before.check_summary()


def counts_of_the_kernel(source):
    counts(source)


def open_list_of_the_kernel(_source):
    open_list()


if __name__ == "__main__":
    t.main(counts_of_the_kernel, open_list_of_the_kernel)
