#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""With SYN cookies there is no request_sock: SYN_RECV is told when the third
segment comes, when it began is not."""
import tcpstate_test as t


def syn_cookies(source):
    t.sysctl("net.ipv4.tcp_syncookies", 2)
    events = t.Watch(source)
    conns = t.Watch(source, "conns")
    server = t.listener()
    client, child = t.pair(server)
    c, s = t.ends(client, child)
    client.close()
    t.check_equal(child.recv(1), b"", "what the server read")
    t.wait_diag(c.cookie, "FIN_WAIT2")
    child.close()
    t.wait_diag(c.cookie, "TIME_WAIT")
    events.expect(t.End(server, "listener"), "CLOSE LISTEN")
    events.expect(c, "CLOSE SYN_SENT ESTABLISHED FIN_WAIT1 FIN_WAIT2 TIME_WAIT",
                  orphan=True)
    line = t.check_conn(conns, s, state="CLOSE", reason="fin",
                        handshake={"cookie": True}, absent=())
    t.check_equal(conns.stop(), 0, "the exit status of conns")
    t.check("syn_us" not in line["handshake"],
            f"the time of a SYN that nobody saw is told: {line}")
    states = [(o["old_state"], o["new_state"]) for o in
              (events.wait_state(s, "CLOSE"), *events.of(s))[1:]]
    t.check_equal(states, [("LISTEN", "SYN_RECV"), ("SYN_RECV", "ESTABLISHED"),
                           ("ESTABLISHED", "CLOSE_WAIT"),
                           ("CLOSE_WAIT", "LAST_ACK"), ("LAST_ACK", "CLOSE")],
                  "the server's moves")
    first = events.of(s)[0]
    t.check_equal(first["basis"], "inferred", f"the basis of {first}")
    t.check("span_us" not in events.of(s)[1], "SYN_RECV has a made-up length")
    events.own_connections.add(s.cookie)
    events.finish()


if __name__ == "__main__":
    t.main(syn_cookies)
