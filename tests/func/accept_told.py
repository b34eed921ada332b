#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Where accept() is observed, it is told: by whom, and how long the connection
had waited; the owner of what follows is who accepted, not who listened."""
import os
import time

import tcpstate_test as t


def accept_told(source):
    events = t.Watch(source)
    if events.infers(t.ACCEPT_OWNER):
        raise t.Skip("accept() is not observed by this source here")
    server = t.listener()
    client = t.connect(server)
    c = t.End(client, "client")
    s = t.unaccepted(client, server)
    events.wait_state(s, "ESTABLISHED")
    waited = time.monotonic()
    r, w = os.pipe()
    worker = os.fork()
    if not worker:
        t.die_with_parent()
        client.close()
        kept, _ = server.accept()
        os.write(w, b"x")
        kept.recv(1)
        os._exit(0)
    t.check_equal(os.read(r, 1), b"x", "what the worker said")
    waited_us = (time.monotonic() - waited) * 1e6
    s.owner = t.Owner(worker)
    client.close()
    os.waitpid(worker, 0)
    told = events.wait_for(lambda o: o["event"] == "accept" and
                           o["conn_id"] == s.cookie, "accept")
    fields = dict(s.fields(), event="accept", life=1, state="ESTABLISHED",
                  basis="probe", pid=worker, comm=s.owner.comm,
                  uid=s.owner.uid)
    t.compare_fields(told, fields, str(s), {"ts", "mono_ns", "accept_us"})
    t.check(0 < told["accept_us"] < waited_us + 1e6,
            f"accept_us is {told['accept_us']}")
    t.wait_diag(s.cookie, None)
    t.wait_diag(c.cookie, "TIME_WAIT")
    events.expect(t.End(server, "listener"), "CLOSE LISTEN")
    events.expect(c, "CLOSE SYN_SENT ESTABLISHED FIN_WAIT1 FIN_WAIT2 TIME_WAIT",
                  orphan=True)
    events.expect(s, "LISTEN SYN_RECV ESTABLISHED CLOSE_WAIT LAST_ACK CLOSE",
                  reason="fin", by_exit=True)
    events.finish()


if __name__ == "__main__":
    t.main(accept_told)
