#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""A descriptor that is closed by the end of its process and not by close():
by_exit says so, and the owner is the process that ended."""
import os
import signal

import tcpstate_test as t

SERVER = "LISTEN SYN_RECV ESTABLISHED CLOSE_WAIT LAST_ACK CLOSE"


def in_child(action):
    """Run action() in a child process, which then is killed by SIGKILL."""
    ready_r, ready_w = os.pipe()
    child = os.fork()
    if not child:
        t.die_with_parent()
        kept = action()
        os.write(ready_w, b"x")
        while kept:
            signal.pause()
    os.close(ready_w)
    t.check_equal(os.read(ready_r, 1), b"x", "what the child said")
    os.close(ready_r)
    owner = t.Owner(child)
    return child, owner


def killed_client(source):
    events = t.Watch(source)
    server = t.listener()
    child, owner = in_child(lambda: t.connect(server))
    accepted, _ = server.accept()
    s = t.End(accepted, "server")
    c = t.End(next(x for x in t.sockets() if x.sport == s.dport), "client",
              owner=owner)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    t.check_equal(accepted.recv(1), b"", "what the server read")
    t.wait_diag(c.cookie, "FIN_WAIT2")
    accepted.close()
    t.wait_diag(c.cookie, "TIME_WAIT")
    events.expect(t.End(server, "listener"), "CLOSE LISTEN")
    events.expect(c, "CLOSE SYN_SENT ESTABLISHED FIN_WAIT1 FIN_WAIT2 TIME_WAIT",
                  orphan=True)
    events.expect(s, SERVER, reason="fin")
    events.finish()


def killed_leaker(source):
    """It held a CLOSE_WAIT until its end: -> CLOSE is by_exit."""
    events = t.Watch(source)
    conns = t.Watch(source, "conns")
    server = t.listener()
    client = t.connect(server)
    c = t.End(client, "client")

    def accept_only():
        client.close()      # the child's copy
        return server.accept()[0]
    child, owner = in_child(accept_only)
    s = t.End(next(x for x in t.sockets() if x.dport == c.sport), "server",
              owner=owner)
    client.close()
    t.wait_diag(s.cookie, "CLOSE_WAIT")
    t.wait_diag(c.cookie, "FIN_WAIT2")
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    t.wait_diag(c.cookie, "TIME_WAIT")
    events.expect(t.End(server, "listener"), "CLOSE LISTEN")
    events.expect(c, "CLOSE SYN_SENT ESTABLISHED FIN_WAIT1 FIN_WAIT2 TIME_WAIT",
                  orphan=True)
    events.expect(s, SERVER, reason="fin", by_exit=True)
    events.finish()
    t.check_conn(conns, s, state="CLOSE", reason="fin", by_exit=True,
                 close={"first": "peer"})
    t.check_equal(conns.stop(), 0, "the exit status of conns")


if __name__ == "__main__":
    t.main(killed_client, killed_leaker,
           shares=("events",))
