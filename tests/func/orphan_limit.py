#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""More orphans than net.ipv4.tcp_max_orphans: close() ends a connection with a
RST of the kernel's own. The limit is the whole host's, so this is for a virtual
machine."""
import os
import time

import tcpstate_test as t

LIMIT = "/proc/sys/net/ipv4/tcp_max_orphans"


def limit(value):
    with t.root_namespace(), open(LIMIT, "r+", encoding="ascii") as f:
        before = f.read()
        f.seek(0)
        f.write(str(value))
    return before


def kernel_orphans():
    with open("/proc/net/sockstat", encoding="ascii") as f:
        for line in f:
            words = line.split()
            if words[0] == "TCP:":
                return int(words[words.index("orphan") + 1])
    return 0


def add_up():
    """close() looks at a sum that is made ten times a second (tcp_orphan_update()),
    by a timer that an idle processor puts off; nothing shows that sum."""
    processors = os.sched_getaffinity(0)
    for processor in processors:
        os.sched_setaffinity(0, {processor})
        end = time.monotonic() + 0.25
        while time.monotonic() < end:
            pass
    os.sched_setaffinity(0, processors)


def orphan_limit(source):
    left, right = t.Namespace(), t.Namespace()
    cable = t.Cable(left, right)
    events = t.Watch(source, netns=(left, right))
    with left.inside():
        # A FIN that is sent again over the limit ends its connection as well.
        t.run("ip", "route", "change", t.Cable.RIGHT, "dev", "cable0",
              "rto_min", "10s")
    with right.inside():
        server = t.listener(t.Cable.RIGHT)
        events.expect(t.End(server, "listener"), "CLOSE LISTEN")
    ends, clients, children = [], [], []
    for _ in range(3):
        with left.inside():
            clients.append(t.connect(server))
            ends.append(t.End(clients[-1], "client"))
        children.append(server.accept()[0])
        with right.inside():
            events.expect(t.End(children[-1], "server"),
                          "LISTEN SYN_RECV ESTABLISHED")
    cable.policy = lambda x: "hold"
    # These two are the orphans; the third one is too many.
    for client in clients[:2]:
        client.close()
    t.wait_until(lambda: kernel_orphans() >= 2, "orphans to be counted")
    add_up()
    before = limit(0)
    try:
        clients[2].close()
        with left.inside():
            t.wait_diag(ends[2].cookie, None)
    finally:
        limit(before)
    for end in ends[:2]:
        events.expect(end, "CLOSE SYN_SENT ESTABLISHED FIN_WAIT1")
    events.expect(ends[2], "CLOSE SYN_SENT ESTABLISHED FIN_WAIT1 CLOSE",
                  reason="rst_sent", detail="orphan_limit")
    events.finish()
    t.check_equal([o.get("rst_reason") for o in events.of(ends[2], "rst_sent")],
                  ["TCP_ABORT_ON_MEMORY" if t.kernel() >= (6, 10) else None],
                  "the kernel's reason")


if __name__ == "__main__":
    t.main(orphan_limit)
