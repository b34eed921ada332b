#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""A SYN that meets CLOSE_WAIT, LAST_ACK or TIME_WAIT with the same addresses and
ports: the socket that is in its way is found, with its owner. What else gets a
challenge ACK, and a SYN that takes TIME_WAIT over, are no such thing.

    left [tun] --- SYNs that nobody sent come in here --- [tun] right
"""
import tcpstate_test as t

CHALLENGE, TW_SYN = "SYN to an old socket", "SYN to TIME_WAIT"


class Hosts:
    """A client's host on the left, a server's on the right, and leaks."""

    def __init__(self, source, *args):
        self.left, self.right = t.Namespace().settle(), t.Namespace().settle()
        self.cable = t.Cable(self.left, self.right)
        with self.right.inside():
            # The answer to a retransmission must not stand for another one.
            t.sysctl("net.ipv4.tcp_invalid_ratelimit", 0)
            self.server = t.listener(t.Cable.RIGHT)
        self.server.settimeout(t.LIMIT)
        self.children = []      # that nobody closes by forgetting them
        self.watch = t.Watch(source, "leaks", "--age", "1h", "--duration", "1h",
                             *args, netns=(self.left, self.right))

    def pair(self, source=None):
        with self.left.inside():
            client = t.connect(self.server, source)
            c = t.End(client, "client")
        child, _ = self.server.accept()
        self.children.append(child)
        with self.right.inside():
            return client, c, child, t.End(child, "server")

    def wait(self, end, name):
        side = self.left if end.saddr == t.Cable.LEFT else self.right
        with side.inside():
            t.wait_diag(end.cookie, name)

    def close_wait(self):
        """The client has closed, the server has not."""
        client, c, child, s = self.pair()
        client.close()
        self.wait(s, "CLOSE_WAIT")
        return c, child, s

    def last_ack(self):
        """The server has closed as well, and hears nothing of it."""
        c, child, s = self.close_wait()
        self.cable.policy = drop_from_left
        child.close()
        self.wait(s, "LAST_ACK")
        return c, s

    def time_wait(self):
        """The server has closed first, and keeps TIME_WAIT."""
        client, c, child, s = self.pair()
        child.close()
        self.wait(c, "CLOSE_WAIT")
        client.close()
        self.wait(s, "TIME_WAIT")
        # Whose port is to be used again.
        self.wait(c, None)
        return c, s

    def send(self, end, flags, seq, ack=0):
        """To the server's end, as if its peer had sent it; until it has been
        answered by an ACK."""
        before = len(self.acks(end))
        self.cable.inject(t.forged((end.daddr, end.dport),
                                   (end.saddr, end.sport), flags, seq, ack))
        t.wait_until(lambda: len(self.acks(end)) > before,
                     "the answer to a segment")

    def acks(self, end):
        return [s for s in self.cable.segments if s.sport == end.sport and
                s.dport == end.dport and s.src == end.saddr and
                s.has(t.ACK) and not s.flags & (t.SYN | t.FIN | t.RST)]

    def numbers(self, end):
        """What the server's end expects next, and what it has sent."""
        talk = self.cable.of(end)
        numbers = talk.numbers()
        return (numbers["fin_peer"] + 1) % 2**32, talk.sent[-1].seq

    def report(self):
        """The collisions, now."""
        t.check_equal(self.watch.stop(limit=2 * t.LIMIT), 0,
                      "the exit status of leaks")
        self.watch.check_summary()
        return [o for o in self.watch.objects
                if o["event"] == "finding" and o["rule"] == "collision"]


def drop_from_left(segment):
    return "drop" if segment.src == t.Cable.LEFT else "pass"


def drop_rst(segment):
    return "drop" if segment.has(t.RST) else "pass"


def check_collision(found, end, state, syns, gone=0):
    t.check_equal(len(found), 1, f"the number of collisions in {found}")
    f = found[0]
    for key, value in (("state", state), ("basis", "probe"), ("count", 1),
                       ("gone", gone), ("conn_ids", [end.cookie]),
                       ("oldest_exact", True), ("severity", "warning")):
        t.check_equal(f.get(key), value, f"{key} of the collision {f}")
    for key, value in (("count", syns), ("saddr", end.saddr),
                       ("sport", end.sport), ("daddr", end.daddr),
                       ("dport", end.dport)):
        t.check_equal(f["syns"].get(key), value, f"syns.{key} of {f}")
    t.check(0 < f["syns"]["last_us"] <= f["syns"]["first_us"],
            f"when the SYNs came: {f['syns']}")
    t.check(f"met {state}" in f["verdict"], f"the verdict of {f}")
    return f


def says(finding, key, words):
    t.check(any(words in line for line in finding[key]),
            f"no {key} says {words}: {finding[key]}")


def check_inferred(found, end, syns):
    """By the counter alone: it may be the only one that can be."""
    t.check_equal(len(found), 1, f"the number of collisions in {found}")
    f = found[0]
    t.check_equal(f["basis"], "inferred", f"the basis of {f}")
    t.check_equal(f["syns"], {"count": syns}, f"the SYNs of {f}")
    t.check_equal(f["conn_ids"], [end.cookie] if end else [],
                  f"which socket {f} names")
    t.check(("may be" in f["verdict"]) == bool(end), f"the verdict of {f}")


def me():
    owner = t.Owner()
    return owner.pid, owner.comm


def meets_close_wait(source):
    hosts = Hosts(source)
    _, child, s = hosts.close_wait()
    for seq in (1000, 2**31):
        hosts.send(s, t.SYN, seq)
    found = hosts.report()
    if hosts.watch.infers(CHALLENGE):
        check_inferred(found, s, 2)
        return
    f = check_collision(found, s, "CLOSE_WAIT", 2)
    t.check_equal((f["pid"], f["comm"]), me(), "whose socket it is")
    t.check_equal(f["fds"], [child.fileno()], "its descriptor")
    t.check_equal(f["ends"], {"count": 0}, "when the kernel ends it")
    says(f, "advice", f"close() descriptor {child.fileno()} in")


def meets_last_ack(source):
    hosts = Hosts(source)
    _, s = hosts.last_ack()
    hosts.send(s, t.SYN, 1000)
    found = hosts.report()
    if hosts.watch.infers(CHALLENGE):
        check_inferred(found, s, 1)
        return
    f = check_collision(found, s, "LAST_ACK", 1)
    t.check_equal((f["closed_by"]["pid"], f["closed_by"]["comm"]), me(),
                  "who closed it")
    t.check(0 < f["ends"]["last_us"] < 300e6, f"when it ends: {f['ends']}")
    says(f, "advice", f"dport = {s.dport}")


def meets_time_wait(source):
    hosts = Hosts(source)
    _, s = hosts.time_wait()
    # The client's host has forgotten it, and would say so.
    hosts.cable.policy = drop_rst
    expects, _ = hosts.numbers(s)
    for back in (1000, 50000):
        hosts.send(s, t.SYN, expects - back)
    found = hosts.report()
    if hosts.watch.infers(TW_SYN):
        t.check_equal(found, [], "what is told without a hook")
        return
    f = check_collision(found, s, "TIME_WAIT", 2)
    t.check(0 < f["ends"]["last_us"] <= 60e6, f"when it ends: {f['ends']}")
    says(f, "advice", f"should not take port {s.dport} again")
    says(f, "no_help", "tcp_tw_reuse")


def client_comes_again(source):
    """A host that has forgotten its connection connects from the same port: the
    answer to its SYN makes it send a RST, and the socket is out of the way."""
    hosts = Hosts(source)
    client, c, child, s = hosts.pair()
    hosts.cable.policy = drop_rst
    client.shutdown(1)
    hosts.wait(s, "CLOSE_WAIT")
    # Without a word.
    t.linger0(client)
    client.close()
    t.wait_until(lambda: [x for x in hosts.cable.of(c).sent if x.has(t.RST)],
                 "the RST that is lost")
    hosts.cable.release()
    again, _, _, _ = hosts.pair((c.saddr, c.sport))
    t.wait_state(child, "CLOSE")
    found = hosts.report()
    if hosts.watch.infers(CHALLENGE):
        t.check_equal([(f["basis"], f["syns"]["count"]) for f in found],
                      [("inferred", 1)], "what is told without a hook")
        return
    f = check_collision(found, s, "CLOSE_WAIT", 1, gone=1)
    t.check_equal((f["pid"], f["comm"]), me(), "whose socket it was")
    again.close()


def other_challenges(source):
    """A RST that is not exact, an ACK of what was not sent, a segment out of the
    window, all to sockets in CLOSE_WAIT and LAST_ACK."""
    hosts = Hosts(source)
    ends = [hosts.close_wait()[2] for _ in range(3)]
    ends.append(hosts.last_ack()[1])
    for s in ends:
        expects, sent = hosts.numbers(s)
        hosts.send(s, t.RST, expects + 100)
        hosts.send(s, t.ACK, expects, sent + 100000)
        hosts.send(s, t.ACK, expects - 100000, sent)
    with hosts.right.inside():
        t.check(challenge_acks() >= len(ends), "no challenge ACK was sent")
    t.check_equal(hosts.report(), [], "the collisions")


def challenge_acks():
    with open("/proc/thread-self/net/netstat", encoding="ascii") as f:
        names, values = [line.split() for line in f][:2]
    return int(values[names.index("TCPChallengeACK")])


def taken_over(source):
    """A newer SYN ends TIME_WAIT and opens a connection; but one that was
    refused before that is told."""
    hosts = Hosts(source)
    first, one = hosts.time_wait()
    hosts.pair((first.saddr, first.sport))
    hosts.wait(one, None)
    second, two = hosts.time_wait()
    hosts.cable.policy = drop_rst
    expects, _ = hosts.numbers(two)
    hosts.send(two, t.SYN, expects - 1000)
    hosts.pair((second.saddr, second.sport))
    hosts.wait(two, None)
    found = hosts.report()
    if hosts.watch.infers(TW_SYN):
        t.check_equal(found, [], "what is told without a hook")
        return
    check_collision(found, two, "TIME_WAIT", 1, gone=1)


def by_the_counter(source):
    """Where no hook shows it: with two that may have been it, neither is
    named."""
    if source == "kmod":
        raise t.Skip("the module chooses its hooks itself")
    for count in (1, 2):
        hosts = Hosts(source, "--hooks", "timer")
        ends = [hosts.close_wait()[2] for _ in range(count)]
        hosts.send(ends[0], t.SYN, 1000)
        check_inferred(hosts.report(), ends[0] if count == 1 else None, 1)


if __name__ == "__main__":
    t.main(meets_close_wait, meets_last_ack, meets_time_wait,
           client_comes_again, other_challenges, taken_over, by_the_counter)
