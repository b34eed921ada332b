#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""A RST ends TIME_WAIT (RFC 1337 calls that a hazard); with tcp_rfc1337 set it
does not."""
import tcpstate_test as t


class Setup:
    """A connection over a cable whose left end is in TIME_WAIT."""

    def __init__(self, source, rfc1337):
        # With a process in it, so that the dumps find it.
        self.left, self.right = t.Namespace().settle(), t.Namespace()
        self.cable = t.Cable(self.left, self.right)
        self.events = t.Watch(source, netns=(self.left, self.right))
        with self.right.inside():
            server = t.listener(t.Cable.RIGHT)
            self.events.expect(t.End(server, "listener"), "CLOSE LISTEN")
        with self.left.inside():
            t.sysctl("net.ipv4.tcp_rfc1337", rfc1337)
            client = t.connect(server)
            self.c = t.End(client, "client")
        child, _ = server.accept()
        with self.right.inside():
            self.s = t.End(child, "server")
        with self.left.inside():
            client.close()
            t.wait_diag(self.c.cookie, "FIN_WAIT2")
        child.close()
        with self.left.inside():
            t.wait_diag(self.c.cookie, "TIME_WAIT")
        self.server = server
        self.events.expect(self.s, "LISTEN SYN_RECV ESTABLISHED CLOSE_WAIT "
                           "LAST_ACK CLOSE", reason="fin")

    def reset(self):
        c = self.c
        seq = self.cable.of(c).numbers()["fin_peer"] + 1
        self.cable.inject(t.forged((c.daddr, c.dport), (c.saddr, c.sport),
                                   t.RST, seq))


PATH = "CLOSE SYN_SENT ESTABLISHED FIN_WAIT1 FIN_WAIT2 TIME_WAIT"


def ended(source):
    setup = Setup(source, 0)
    setup.reset()
    with setup.left.inside():
        t.wait_diag(setup.c.cookie, None)
    setup.events.expect(setup.c, PATH + " CLOSE", orphan=True, reason="tw_rst")
    setup.events.finish()


def not_with_rfc1337(source):
    setup = Setup(source, 1)
    setup.reset()
    # What comes after it on the same way has seen it pass.
    with setup.left.inside():
        client = t.connect(setup.server)
        c = t.End(client, "client")
        t.check_equal(t.diag(setup.c.cookie).state, "TIME_WAIT",
                      "the state after the RST")
    child, _ = setup.server.accept()
    with setup.right.inside():
        s = t.End(child, "server")
    setup.events.expect(setup.c, PATH, orphan=True)
    setup.events.expect(c, "CLOSE SYN_SENT ESTABLISHED")
    setup.events.expect(s, "LISTEN SYN_RECV ESTABLISHED")
    setup.events.finish()


if __name__ == "__main__":
    t.main(ended, not_with_rfc1337,
           shares=("events",))
