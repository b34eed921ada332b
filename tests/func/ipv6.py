#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""IPv6, and IPv4 through IPv6 sockets: a v4-mapped connection is IPv4 at both
ends, as it is on the wire; its listener is IPv6."""
import socket

import tcpstate_test as t

CLIENT = "CLOSE SYN_SENT ESTABLISHED FIN_WAIT1 FIN_WAIT2 TIME_WAIT"
SERVER = "LISTEN SYN_RECV ESTABLISHED CLOSE_WAIT LAST_ACK CLOSE"


def close_both(client, child, c):
    client.close()
    t.check_equal(child.recv(1), b"", "what the server read")
    t.wait_diag(c.cookie, "FIN_WAIT2")
    child.close()
    t.wait_diag(c.cookie, "TIME_WAIT")


def ipv6(source):
    events = t.Watch(source)
    conns = t.Watch(source, "conns")
    tap = t.Wiretap()
    server = t.listener("::1")
    client, child = t.pair(server)
    c, s = t.ends(client, child)
    t.check_equal((c.family, c.saddr), ("ipv6", "::1"), "the test's own address")
    close_both(client, child, c)
    events.expect(t.End(server, "listener"), "CLOSE LISTEN")
    events.expect(c, CLIENT, orphan=True)
    events.expect(s, SERVER, reason="fin")
    events.finish()
    tap.stop()
    t.check_fin_close(conns, tap, c, state="TIME_WAIT", first="local",
                      orphan=True)
    t.check_fin_close(conns, tap, s, state="CLOSE", first="peer")
    t.check_equal(conns.stop(), 0, "the exit status of conns")


def v4_mapped(source):
    events = t.Watch(source)
    server = t.listener("::")
    client = socket.socket(socket.AF_INET6)
    client.connect(("::ffff:127.0.0.1", server.getsockname()[1]))
    server.settimeout(t.LIMIT)
    child, _ = server.accept()
    c, s = t.ends(client, child)
    for end in (c, s):
        t.check_equal((end.family, end.saddr, end.daddr),
                      ("ipv4", "127.0.0.1", "127.0.0.1"), "the test's own view")
    close_both(client, child, c)
    events.expect(t.End(server, "listener"), "CLOSE LISTEN")
    events.expect(c, CLIENT, orphan=True)
    events.expect(s, SERVER, reason="fin")
    events.finish()


def v4_client_of_v6_listener(source):
    events = t.Watch(source)
    server = t.listener("::")
    client = t.connect(("127.0.0.1", server.getsockname()[1]))
    server.settimeout(t.LIMIT)
    child, _ = server.accept()
    c, s = t.ends(client, child)
    close_both(client, child, c)
    events.expect(t.End(server, "listener"), "CLOSE LISTEN")
    events.expect(c, CLIENT, orphan=True)
    events.expect(s, SERVER, reason="fin")
    events.finish()


if __name__ == "__main__":
    t.main(ipv6, v4_mapped, v4_client_of_v6_listener,
           shares=("events",))
