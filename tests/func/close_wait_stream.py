#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""A connection that is not closed stays in CLOSE_WAIT, in the stream too:
never accepted; older than the tool; and what ends it at last."""
import time

import tcpstate_test as t


def never_accepted(source):
    events = t.Watch(source)
    server = t.listener()
    door = t.End(server, "listener")
    client = t.connect(server)
    c = t.End(client, "client")
    s = t.unaccepted(client, server)
    client.close()
    t.wait_diag(s.cookie, "CLOSE_WAIT")
    t.wait_diag(c.cookie, "FIN_WAIT2")
    events.expect(c, "CLOSE SYN_SENT ESTABLISHED FIN_WAIT1 FIN_WAIT2")
    events.expect(s, "LISTEN SYN_RECV ESTABLISHED CLOSE_WAIT", accepted=False)
    events.expect(door, "CLOSE LISTEN")
    events.finish()


def listener_closed(source):
    """The child dies with its listener, and the client gets a reset."""
    events = t.Watch(source)
    server = t.listener()
    door = t.End(server, "listener")
    client = t.connect(server)
    c = t.End(client, "client")
    s = t.unaccepted(client, server)
    server.close()
    t.wait_state(client, "CLOSE")
    events.expect(c, "CLOSE SYN_SENT ESTABLISHED CLOSE", reason="rst_received")
    events.expect(s, "LISTEN SYN_RECV ESTABLISHED CLOSE", accepted=False,
                  reason="abort", detail="listener_closed")
    events.expect(door, "CLOSE LISTEN CLOSE", reason="closed")
    events.finish()


def older_than_the_tool(source):
    server = t.listener()
    client, child = t.pair(server)
    c, s = t.ends(client, child)
    client.close()
    t.check_equal(child.recv(1), b"", "what the server read")
    t.wait_diag(c.cookie, "FIN_WAIT2")
    events = t.Watch(source, alone=True)
    told_ns = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    child.close()
    t.wait_diag(c.cookie, "TIME_WAIT")
    last_ack = events.wait_state(s, "LAST_ACK")
    closed = events.wait_state(s, "CLOSE")
    entered = events.wait_state(c, "TIME_WAIT")
    t.check_equal(events.stop(), 0, "the exit status")
    events.check_summary()
    # Its first move is seen; how long it was in CLOSE_WAIT is not known.
    fields = dict(s.fields(), event="state", life={None, 1},
                  pid=s.owner.pid, comm=s.owner.comm, uid=s.owner.uid,
                  role="server", course="normal_server")
    t.compare_fields(last_ack, dict(fields, old_state="CLOSE_WAIT",
                                    new_state="LAST_ACK",
                                    basis={"tracepoint", "probe"}), str(s))
    t.check("span_us" not in last_ack, "span_us of a state that was entered "
            "before the tool was there")
    t.check(last_ack["mono_ns"] > told_ns, "LAST_ACK is older than the close")
    t.compare_fields(closed, dict(fields, old_state="LAST_ACK",
                                  new_state="CLOSE", reason="fin",
                                  basis={"tracepoint", "probe"}), str(s))
    t.check_equal(closed["span_us"],
                  (closed["mono_ns"] - last_ack["mono_ns"]) // 1000,
                  "span_us of LAST_ACK")
    t.check_equal(entered["old_state"], "FIN_WAIT2", "what TIME_WAIT came after")
    t.check_equal([o["new_state"] for o in events.of(s)], ["LAST_ACK", "CLOSE"],
                  "the states of the server's end")
    t.check_equal(len(events.of(c)), 1, "the number of the client's events")


if __name__ == "__main__":
    t.main(never_accepted, listener_closed, older_than_the_tool,
           shares=("events",))
