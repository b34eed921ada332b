#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""`ss -K` ends a connection: CLOSE with the reason killed, and the owner is the
program, not ss."""
import subprocess

import tcpstate_test as t


def killed_by_admin(source):
    events = t.Watch(source)
    server = t.listener()
    client, child = t.pair(server)
    c, s = t.ends(client, child)
    out = t.run("ss", "-K", "-tn", "state", "established", "sport", "=",
                f":{c.sport}")
    if t.state(client) != "CLOSE":
        raise t.Skip(f"ss -K does nothing here: {' '.join(out.split())}")
    t.wait_state(child, "CLOSE")
    events.expect(t.End(server, "listener"), "CLOSE LISTEN")
    events.expect(c, "CLOSE SYN_SENT ESTABLISHED CLOSE", reason="killed")
    events.expect(s, "LISTEN SYN_RECV ESTABLISHED CLOSE", reason="rst_received")
    events.finish()


def looked_at(source):
    """ss -i takes the lock of the sockets that it shows, and runs what came
    meanwhile; it owns none of them."""
    events = t.Watch(source)
    looker = subprocess.Popen(
        ["sh", "-c", "while :; do ss -tanie >/dev/null; done"],
        preexec_fn=t.die_with_parent)
    server = t.listener()
    events.expect(t.End(server, "listener"), "CLOSE LISTEN")
    for _ in range(30):
        client, child = t.pair(server)
        c, s = t.ends(client, child)
        client.close()
        t.check_equal(child.recv(1), b"", "what the server read")
        t.wait_diag(c.cookie, "FIN_WAIT2")
        child.close()
        t.wait_diag(c.cookie, "TIME_WAIT")
        events.expect(c, "CLOSE SYN_SENT ESTABLISHED FIN_WAIT1 FIN_WAIT2 "
                      "TIME_WAIT", orphan=True)
        events.expect(s, "LISTEN SYN_RECV ESTABLISHED CLOSE_WAIT LAST_ACK "
                      "CLOSE", reason="fin")
    looker.kill()
    looker.wait()
    events.finish()


if __name__ == "__main__":
    t.main(killed_by_admin, looked_at,
           shares=("events",))
