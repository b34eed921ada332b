#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""close() with SO_LINGER 0 sends RST: CLOSE at once on both ends, with the
reason of each, by the client and by the server."""
import tcpstate_test as t

NUMBERS = {"isn_local": lambda n: n is not None,
           "isn_peer": lambda n: n is not None,
           "syn_retrans": 0, "cookie": False, "fastopen": False}


def aborted(source, by_client):
    events = t.Watch(source)
    conns = t.Watch(source, "conns")
    server = t.listener()
    door = t.End(server, "listener")
    client, child = t.pair(server)
    c, s = t.ends(client, child)
    one, other = (client, child) if by_client else (child, client)
    t.linger0(one)
    one.close()
    try:
        other.recv(10)
    except ConnectionResetError:
        pass
    else:
        raise t.Failure("recv() at the other end saw no reset")
    other.close()

    how = {True: {"reason": "abort", "detail": "linger0"},
           False: {"reason": "rst_received"}}
    events.expect(c, "CLOSE SYN_SENT ESTABLISHED CLOSE", **how[by_client])
    events.expect(s, "LISTEN SYN_RECV ESTABLISHED CLOSE", **how[not by_client])
    events.expect(door, "CLOSE LISTEN")
    events.finish()

    # Who accepted is known where accept() is observed, and from its own abort.
    unknown = ("pid", "comm") if conns.infers(t.ACCEPT_OWNER) else ()
    for end, by_us in ((c, by_client), (s, not by_client)):
        t.check_conn(conns, end, handshake=dict(NUMBERS, role=end.role),
                     close={"first": "local" if by_us else "peer",
                            "kind": "rst", "time_wait_us": None},
                     absent=unknown if end is s and not by_us else (),
                     state="CLOSE", **how[by_us])
    t.check_equal(conns.stop(), 0, "the exit status of conns")
    conns.check_summary()


def abort_by_client(source):
    aborted(source, by_client=True)


def abort_by_server(source):
    aborted(source, by_client=False)


if __name__ == "__main__":
    t.main(abort_by_client, abort_by_server,
           shares=("events", "conns"))
