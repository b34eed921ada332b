# SPDX-License-Identifier: GPL-2.0
"""Two hosts that are watched, and the kernel's word at the end."""
import contextlib

from tcpstate_hosts import Hosts
from tcpstate_net import check, check_equal, sockets, wait_until
from tcpstate_watch import Watch


def told_states(events):
    """By cookie: where the logical stream has led, CLOSE left out."""
    told = {o["conn_id"]: o["new_state"] for o in list(events.objects)
            if o["event"] == "state" and events.is_own(o)}
    return {cookie: name for cookie, name in told.items() if name != "CLOSE"}


def kernel_states(namespaces):
    found = {}
    for ns in namespaces:
        with ns.inside():
            found.update({s.cookie: s.state for s in sockets()
                          if s.state != "CLOSE"})
    return found


class Here:
    """The namespace of this thread, for wait_agreed()."""

    @staticmethod
    def inside():
        return contextlib.nullcontext()


def wait_agreed(events, *namespaces):
    """What is told is what sock_diag shows, socket for socket."""
    def same():
        return told_states(events) == kernel_states(namespaces)
    try:
        wait_until(same, "agreement with sock_diag")
    finally:
        check_equal(told_states(events), kernel_states(namespaces),
                    "the state of each socket, as told and as in sock_diag,")


class Link(Hosts):
    """Both are watched. Nothing is expected until expect(); finish() compares
    all of it."""

    def __init__(self, source, *args, backlog=16, listen=True):
        """args: more of them for tcpstate-watch."""
        super().__init__(listen=False)
        both = self.left, self.right
        self.events = Watch(source, "events", *args, netns=both)
        self.conns = Watch(source, "conns", *args, netns=both)
        if listen:
            self.listen(backlog)
            self.expect(self.door, "CLOSE LISTEN")

    def expect(self, end, path, **kw):
        self.events.expect(end, path, **kw)

    def finish(self):
        self.events.wait_expected()
        wait_agreed(self.events, self.left, self.right)
        self.events.finish()
        # It may see the end of an orphan later: a dump of its own shows it.
        for e in self.events.expected:
            if (e.end.role != "listener" and
                    e.path[-1] in ("CLOSE", "TIME_WAIT")):
                self.conns.wait_for(lambda o, e=e: o["event"] == "conn" and
                                    (o["conn_id"], o["life"]) ==
                                    (e.end.cookie, e.life), f"conn {e.end}")
        # An end is told again in its summary; it takes a moment.
        check_equal(self.conns.stop(), 0, "the exit status of conns")
        self.conns.check_summary()
        check(not self.illegal(), f"illegal moves: {self.illegal()}")

    def illegal(self):
        return [o for o in self.events.objects if o.get("legal") is False]

