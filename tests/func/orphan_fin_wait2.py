#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""A closed socket whose peer does not close stays in FIN_WAIT2, as a
mini-socket: that is not TIME_WAIT. It ends by its timer, by data that comes
after close, or by a reset; or it is never made."""
import socket

import tcpstate_test as t

TCP_LINGER2 = 8


def start(source, linger2=None):
    events = t.Watch(source)
    server = t.listener()
    client, child = t.pair(server)
    c, s = t.ends(client, child)
    events.expect(t.End(server, "listener"), "CLOSE LISTEN")
    if linger2 is not None:
        client.setsockopt(t.SOL_TCP, TCP_LINGER2, linger2)
    return events, server, client, child, c, s


def timeout(source):
    events, _server, client, child, c, s = start(source, linger2=2)
    client.close()
    t.wait_diag(c.cookie, "FIN_WAIT2")
    t.wait_diag(c.cookie, None)
    events.expect(c, "CLOSE SYN_SENT ESTABLISHED FIN_WAIT1 FIN_WAIT2 CLOSE",
                  reason="timeout", detail="fin_wait2")
    events.expect(s, "LISTEN SYN_RECV ESTABLISHED CLOSE_WAIT")
    events.finish()
    span_us = events.of(c)[-1]["span_us"]
    t.check(1.9e6 < span_us < 10e6, f"FIN_WAIT2 of 2 s lasted {span_us} us")
    child.close()


def data_after_close(source):
    events, _server, client, child, c, s = start(source)
    client.close()
    t.wait_diag(c.cookie, "FIN_WAIT2")
    child.sendall(b"nobody will read this")
    t.wait_diag(c.cookie, None)
    t.wait_state(child, "CLOSE")
    events.expect(c, "CLOSE SYN_SENT ESTABLISHED FIN_WAIT1 FIN_WAIT2 CLOSE",
                  reason="rst_sent", detail="data_after_close")
    events.expect(s, "LISTEN SYN_RECV ESTABLISHED CLOSE_WAIT CLOSE",
                  reason="rst_received")
    events.finish()


def data_before_the_ack(source):
    """Data that was on its way when the program closed: FIN_WAIT1 ends by our
    own RST, and no RST has come."""
    left, right = t.Namespace(), t.Namespace()
    cable = t.Cable(left, right)
    events = t.Watch(source, netns=(left, right))
    with right.inside():
        server = t.listener(t.Cable.RIGHT)
        events.expect(t.End(server, "listener"), "CLOSE LISTEN")
    with left.inside():
        client = t.connect(server)
        c = t.End(client, "client")
    child, _ = server.accept()
    with right.inside():
        s = t.End(child, "server")
    cable.policy = lambda x: "hold" if x.src == t.Cable.RIGHT else "pass"
    child.sendall(b"too late")
    t.wait_until(cable.held, "the data to be held")
    with left.inside():
        client.close()
        t.wait_diag(c.cookie, "FIN_WAIT1")
    cable.release()
    with left.inside():
        t.wait_diag(c.cookie, None)
    with right.inside():
        t.wait_state(child, "CLOSE")
    events.expect(c, "CLOSE SYN_SENT ESTABLISHED FIN_WAIT1 CLOSE",
                  reason="rst_sent", detail="data_after_close")
    events.expect(s, "LISTEN SYN_RECV ESTABLISHED CLOSE_WAIT CLOSE",
                  reason="rst_received")
    events.finish()


def data_with_the_ack(source):
    """Data and the ACK of the FIN in one segment: FIN_WAIT2 for a moment, and
    no error of the socket's; our RST tells what it was."""
    left, right = t.Namespace(), t.Namespace()
    cable = t.Cable(left, right)
    events = t.Watch(source, netns=(left, right))
    with right.inside():
        server = t.listener(t.Cable.RIGHT)
        events.expect(t.End(server, "listener"), "CLOSE LISTEN")
    with left.inside():
        client = t.connect(server)
        c = t.End(client, "client")
    child, _ = server.accept()
    with right.inside():
        s = t.End(child, "server")
    # Its own ACK of the FIN is lost, so that the data brings it.
    cable.policy = lambda x: ("drop" if x.src == t.Cable.RIGHT and
                              not x.length else "pass")
    with left.inside():
        client.close()
        t.wait_diag(c.cookie, "FIN_WAIT1")
    with right.inside():
        t.wait_state(child, "CLOSE_WAIT")
    child.sendall(b"with the ACK")
    with left.inside():
        t.wait_diag(c.cookie, None)
    cable.release()
    with right.inside():
        t.wait_state(child, "CLOSE")
    events.expect(c, "CLOSE SYN_SENT ESTABLISHED FIN_WAIT1 FIN_WAIT2 CLOSE",
                  reason="rst_sent", detail="data_after_close")
    events.expect(s, "LISTEN SYN_RECV ESTABLISHED CLOSE_WAIT CLOSE",
                  reason="rst_received")
    events.finish()


def reset(source):
    events, _server, client, child, c, s = start(source)
    client.close()
    t.wait_diag(c.cookie, "FIN_WAIT2")
    t.linger0(child)
    child.close()
    t.wait_diag(c.cookie, None)
    events.expect(c, "CLOSE SYN_SENT ESTABLISHED FIN_WAIT1 FIN_WAIT2 CLOSE",
                  reason="rst_received")
    events.expect(s, "LISTEN SYN_RECV ESTABLISHED CLOSE_WAIT CLOSE",
                  reason="abort", detail="linger0")
    events.finish()


def linger2_negative(source):
    events, _server, client, child, c, s = start(source, linger2=-1)
    client.shutdown(socket.SHUT_WR)
    t.wait_state(client, "FIN_WAIT2")
    client.close()
    t.wait_state(child, "CLOSE")
    events.expect(c, "CLOSE SYN_SENT ESTABLISHED FIN_WAIT1 FIN_WAIT2 CLOSE",
                  reason="rst_sent", detail="linger2")
    events.expect(s, "LISTEN SYN_RECV ESTABLISHED CLOSE_WAIT CLOSE",
                  reason="rst_received")
    events.finish()


if __name__ == "__main__":
    t.main(timeout, data_after_close, data_before_the_ack, data_with_the_ack,
           reset, linger2_negative,
           shares=("events",))
