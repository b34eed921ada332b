#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Nobody listens: SYN_SENT -> CLOSE, refused."""
import socket

import tcpstate_test as t


def refuse(addr):
    """The client's End of a connection that was refused, and its socket."""
    family = socket.AF_INET6 if ":" in addr else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as free:
        free.bind((addr, 0))
        port = free.getsockname()[1]
        client = socket.socket(family, socket.SOCK_STREAM)
        client.bind((addr, 0))
        here = client.getsockname()[1]
        try:
            client.connect((addr, port))
        except ConnectionRefusedError:
            pass
        else:
            raise t.Failure("connect() to a free port was not refused")
    end = t.End(client, "listener")     # it has no peer any more
    end.role, end.sport, end.saddr = "client", here, addr
    end.daddr, end.dport = addr, port
    return end, client


def refused_connect(source):
    events = t.Watch(source)
    conns = t.Watch(source, "conns")
    made = [refuse("127.0.0.1"), refuse("::1")]
    for end, _ in made:
        events.expect(end, "CLOSE SYN_SENT CLOSE", reason="refused")
    events.finish()
    for end, _ in made:
        line = t.check_conn(
            conns, end, state="CLOSE", reason="refused",
            handshake={"role": "client", "syn_us": lambda us: us >= 0,
                       "syn_retrans": 0, "cookie": False, "fastopen": False},
            close={"first": "none", "kind": "refused", "time_wait_us": None})
        t.check("established_us" not in line["handshake"],
                "a refused connection was established")
    t.check_equal(conns.stop(), 0, "the exit status of conns")
    conns.check_summary()


if __name__ == "__main__":
    t.main(refused_connect)
