#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The same addresses and ports in two network namespaces are two connections,
and --netns tells them apart by name, inode and process.
"""
import os

import tcpstate_test as t

CLIENT = "CLOSE SYN_SENT ESTABLISHED FIN_WAIT1 FIN_WAIT2 TIME_WAIT"
SERVER = "LISTEN SYN_RECV ESTABLISHED CLOSE_WAIT LAST_ACK CLOSE"
PORT, CLIENT_PORT = 7070, 7071


def name():
    return f"tcpstate-{os.getpid()}-{os.urandom(3).hex()}"


def connection(ns):
    """Always on the same ports; what each End must go through."""
    with ns.inside():
        server = t.listener(port=PORT)
        client, child = t.pair(server, ("127.0.0.1", CLIENT_PORT))
        c, s = t.ends(client, child)
        door = t.End(server, "listener")
        client.close()
        t.check_equal(child.recv(1), b"", "what the server read")
        t.wait_diag(c.cookie, "FIN_WAIT2")
        child.close()
        t.wait_diag(c.cookie, "TIME_WAIT")
        server.close()
    return ((c, CLIENT, {"orphan": True}), (s, SERVER, {"reason": "fin"}),
            (door, "CLOSE LISTEN CLOSE", {"reason": "closed"}))


def same_ports(source):
    left, right = t.Namespace().settle(), t.Namespace().settle()
    both = t.Watch(source, netns=(left, right))
    one = t.Watch(source, netns=(right,))
    for ns in (left, right):
        for end, path, last in connection(ns):
            t.check_equal(end.netns, ns.inode, "the test's own namespace")
            both.expect(end, path, **last)
            if ns is right:
                one.expect(end, path, **last)
    both.finish()
    one.finish()


def filter_forms(source):
    """NAME, INODE, pid:PID, and several."""
    left, right = t.Namespace(name()).settle(), t.Namespace().settle()
    forms = [left.name, str(left.inode), f"pid:{left.resident.pid}"]
    watches = []
    for form in forms:
        watch = t.Watch(source, "events", "--netns", form, netns=None)
        watch.own = {left.inode, right.inode}
        watches.append(watch)
    several = t.Watch(source, "events", "-N", f"{left.name},{right.inode}",
                      netns=None)
    several.own = {left.inode, right.inode}
    for ns in (left, right):
        for end, path, last in connection(ns):
            several.expect(end, path, **last)
            if ns is left:
                for watch in watches:
                    watch.expect(end, path, **last)
    for watch in (*watches, several):
        watch.finish()
        others = [o for o in watch.objects if o["event"] == "state" and
                  o["netns"] not in watch.own]
        t.check(not others, f"{watch.line} shows another namespace: {others[:1]}")
    left.close()


if __name__ == "__main__":
    t.main(same_ports, filter_forms)
