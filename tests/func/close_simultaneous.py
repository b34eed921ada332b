#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Both ends send their FIN before they see the other's: both go through
CLOSING to TIME_WAIT.

    left [tun] --- both FINs wait here --- [tun] right
"""
import tcpstate_test as t


def close_simultaneous(source):
    left, right = t.Namespace().settle(), t.Namespace().settle()
    cable = t.Cable(left, right)
    events = t.Watch(source, netns=(left, right))
    conns = t.Watch(source, "conns", netns=(left, right))

    with right.inside():
        server = t.listener(cable.RIGHT)
        door = t.End(server, "listener")
    with left.inside():
        client = t.connect(server)
        c = t.End(client, "client")
    with right.inside():
        child, _ = server.accept()
        s = t.End(child, "server")
    cable.policy = lambda segment: "hold" if segment.has(t.FIN) else "pass"
    client.close()
    child.close()
    t.wait_until(lambda: cable.held() >= 2, "two FINs under way")
    cable.release()
    for ns, end in ((left, c), (right, s)):
        with ns.inside():
            t.wait_diag(end.cookie, "TIME_WAIT")

    events.expect(c, "CLOSE SYN_SENT ESTABLISHED FIN_WAIT1 CLOSING TIME_WAIT")
    events.expect(s, "LISTEN SYN_RECV ESTABLISHED FIN_WAIT1 CLOSING TIME_WAIT")
    events.expect(door, "CLOSE LISTEN")
    events.finish()
    t.check_equal(cable.of(c).kinds(), {"simultaneous"}, "the close on the wire")
    for end in (c, s):
        t.check_fin_close(conns, cable, end, state="TIME_WAIT", first="both")
    t.check_equal(conns.stop(), 0, "the exit status of conns")


if __name__ == "__main__":
    t.main(close_simultaneous)
