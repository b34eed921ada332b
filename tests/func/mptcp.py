#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""MPTCP: its sockets have no states of RFC 9293 and are not told, their subflows
are TCP connections like all others. Who uses a subflow may be unknown, never
wrong. So it is where MPTCP falls back to TCP."""
import errno
import os
import socket
import struct

import tcpstate_test as t

IPPROTO_MPTCP = 262
SOL_MPTCP, MPTCP_INFO, MPTCP_INFO_FLAG_FALLBACK = 284, 1, 1
CLIENT = ("CLOSE", "SYN_SENT", "ESTABLISHED")
SERVER = ("LISTEN", "SYN_RECV", "ESTABLISHED")


def mptcp_socket():
    t.sysctl("net.mptcp.enabled", 1)
    try:
        return socket.socket(socket.AF_INET, socket.SOCK_STREAM, IPPROTO_MPTCP)
    except OSError as e:
        if e.errno not in (errno.EPROTONOSUPPORT, errno.ENOPROTOOPT):
            raise
        raise t.Skip("this kernel has no MPTCP") from None


def subflows():
    """sock_diag's TCP sockets of this namespace, by who they are."""
    found = [s for s in t.sockets() if s.state not in ("CLOSE", "TIME_WAIT")]
    doors = {s.cookie: "listener" for s in found if s.state == "LISTEN"}
    ports = {s.sport for s in found if s.state == "LISTEN"}
    return {s.cookie: doors.get(s.cookie) or
            ("server" if s.sport in ports else "client") for s in found}


def moves_of(events, cookie):
    return [o for o in events.objects if o["event"] == "state" and
            o["conn_id"] == cookie]


def refused_joins(events):
    """The kernel's path manager may ask for the second subflow once more while
    the connection ends. The answer is a RST, within milliseconds."""
    path = [("CLOSE", "SYN_SENT"), ("SYN_SENT", "CLOSE")]
    refused = {o["conn_id"] for o in events.objects if o["event"] == "state" and
               o.get("reason") == "refused" and o["saddr"] == "127.0.0.2"}
    return {c for c in refused if path == [
        (o["old_state"], o["new_state"]) for o in moves_of(events, c)]}


def path_of(events, cookie):
    told = moves_of(events, cookie)
    for a, b in zip(told, told[1:]):
        t.check_equal(b["old_state"], a["new_state"],
                      f"what {cookie} moved from")
    return told


def check_subflow(events, cookie, role):
    told = path_of(events, cookie)
    t.check(told, f"nothing is told of the {role} {cookie}")
    path = [told[0]["old_state"]] + [o["new_state"] for o in told]
    begin = {"client": CLIENT, "server": SERVER,
             "listener": ("CLOSE", "LISTEN")}[role]
    t.check_equal(tuple(path[:len(begin)]), begin, f"the begin of {cookie}")
    for o in told:
        t.check_equal(o["role"], role, f"the role of {cookie}")
        t.check(o.get("pid") in (None, os.getpid()),
                f"the owner is not ours: {o}")
        t.check(o.get("legal") is not False, f"illegal: {o}")


def talk(client, child):
    for one, other in ((client, child), (child, client)):
        one.sendall(b"x" * 1000)
        t.check_equal(len(other.recv(1000, socket.MSG_WAITALL)), 1000,
                      "bytes received")


def fell_back(sock):
    """Both ends may be MPTCP sockets and yet talk TCP."""
    try:
        info = sock.getsockopt(SOL_MPTCP, MPTCP_INFO, 12)
    except OSError:
        return True
    return bool(struct.unpack_from("=8xI", info)[0] & MPTCP_INFO_FLAG_FALLBACK)


def connection(source, server, client, subflows_each=1, fallback=False):
    """Opened, used, closed by both; the sockets and what is told of them."""
    events = t.Watch(source)
    server.bind(("127.0.0.1", 0))
    server.listen(4)
    client.settimeout(t.LIMIT)
    client.connect(server.getsockname())
    child, _ = server.accept()
    child.settimeout(t.LIMIT)
    talk(client, child)
    t.check_equal(fell_back(client if client.proto == IPPROTO_MPTCP else child),
                  fallback, "fallback to TCP")
    t.wait_until(lambda: [s.state for s in t.sockets()].count("ESTABLISHED") ==
                 2 * subflows_each, "all handshakes")
    t.wait_agreed(events, t.Here())
    seen = subflows()
    client.close()
    t.read_to_end(child)
    child.close()
    server.close()

    def at_rest():
        return not [s for s in t.sockets()
                    if s.state not in ("CLOSE", "TIME_WAIT")]
    t.wait_until(at_rest, "the end of all subflows")
    t.wait_agreed(events, t.Here())
    for cookie, role in seen.items():
        check_subflow(events, cookie, role)
    told = {o["conn_id"] for o in events.objects if o["event"] == "state" and
            events.is_own(o)}
    t.check_equal(told - refused_joins(events), set(seen),
                  "the connections that are told")
    t.check_equal(sorted(seen.values()),
                  ["client"] * subflows_each + ["listener"] +
                  ["server"] * subflows_each, "the roles")
    events.own_connections |= told
    events.finish()


def plain():
    sock = socket.socket()
    sock.settimeout(t.LIMIT)
    return sock


def both_ends(source):
    connection(source, mptcp_socket(), mptcp_socket())


def joined_by_another(source):
    """A second subflow, which a worker of the kernel opens."""
    t.run("ip", "mptcp", "limits", "set", "subflows", "1", "add_addr_accepted",
          "1")
    t.run("ip", "mptcp", "endpoint", "add", "127.0.0.2", "subflow")
    connection(source, mptcp_socket(), mptcp_socket(), subflows_each=2)


def server_without(source):
    """The client falls back."""
    connection(source, plain(), mptcp_socket(), fallback=True)


def client_without(source):
    """The server falls back."""
    connection(source, mptcp_socket(), plain(), fallback=True)


if __name__ == "__main__":
    t.main(both_ends, joined_by_another, server_without, client_without,
           limit=90,
           shares=("events",))
