#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Random traffic, and what must be true of it whatever it was: at rest the table
and the events' last states are the kernel's sockets, one by one; each life is a
path that RFC 9293 allows, without a gap, and ends once.

TCPSTATE_RANDOM_SEED repeats a run as far as the scheduler lets it,
TCPSTATE_RANDOM_SECONDS makes it longer.
"""
import collections
import os
import re
import time

import tcpstate_test as t
import tcpstate_traffic as traffic

SECONDS = float(os.environ.get("TCPSTATE_RANDOM_SECONDS", 20))
SEED = os.environ.get("TCPSTATE_RANDOM_SEED") or os.urandom(4).hex()
WORKERS = 3
ENOUGH = 500 // t.PATIENCE      # lives; with fewer nothing was shown
SS_NAMES = {"ESTAB": "ESTABLISHED", "FIN-WAIT-1": "FIN_WAIT1",
            "FIN-WAIT-2": "FIN_WAIT2"}

# RFC 9293, figure 5, and an abort or a reset from everywhere.
MOVES = {
    "CLOSE": {"LISTEN", "SYN_SENT"},
    "LISTEN": {"SYN_RECV"},
    "SYN_SENT": {"SYN_RECV", "ESTABLISHED"},
    "SYN_RECV": {"ESTABLISHED", "FIN_WAIT1"},
    "ESTABLISHED": {"FIN_WAIT1", "CLOSE_WAIT"},
    "FIN_WAIT1": {"FIN_WAIT2", "CLOSING", "TIME_WAIT"},
    "FIN_WAIT2": {"TIME_WAIT"},
    "CLOSING": {"TIME_WAIT"},
    "CLOSE_WAIT": {"LAST_ACK"},
    "LAST_ACK": set(),
    "TIME_WAIT": set(),
}


def lossy(namespace):
    """A bad network, of what this kernel has for it."""
    with namespace.inside():
        try:
            t.run("tc", "qdisc", "add", "dev", "lo", "root", "netem", "delay",
                  "2ms", "2ms", "loss", "3%", "reorder", "20%", "50%")
            return "netem"
        except RuntimeError:
            t.run("nft", "add table inet bad; add chain inet bad in "
                  "{ type filter hook input priority 0; }; "
                  "add rule inet bad in numgen random mod 100 < 4 drop")
            return "nft, for want of netem"


def healed(namespace, how):
    with namespace.inside():
        if how == "netem":
            t.run("tc", "qdisc", "del", "dev", "lo", "root")
        else:
            t.run("nft", "delete", "table", "inet", "bad")


def kernel_sockets(namespaces):
    """(cookie, netns): state, by ss."""
    found = {}
    for namespace in namespaces:
        with namespace.inside():
            listing = t.run("ss", "-taneH")
        for line in listing.splitlines():
            state = line.split()[0]
            key = re.search(r"\bsk:([0-9a-f]+)", line)
            t.check(key, f"ss tells no sk: in {line}")
            if state != "UNCONN":
                found[key[1], namespace.inode] = SS_NAMES.get(
                    state, state.replace("-", "_"))
    return found


class Lives:
    """What events said, by connection and life."""

    def __init__(self, watch, namespaces):
        self.watch = watch
        self.own = {n.inode for n in namespaces}
        self.of = {}
        self.strangers = set()
        self.seen = 0

    def update(self):
        """Returns self, with what is new."""
        for o in self.watch.objects[self.seen:]:
            self.seen += 1
            if o["event"] == "state":
                self._take(o)
        return self

    def _take(self, o):
        """A former run may have left a namespace without a process, that no
        dump could enter: what it leaves behind is of no known namespace, and is
        not told from its beginning."""
        key = o["conn_id"], o["life"]
        if key not in self.of and o["netns"] not in self.own and \
                o["old_state"] not in ("CLOSE", "LISTEN"):
            self.strangers.add(key)
        if key not in self.strangers:
            self.of.setdefault(key, []).append(o)

    def last_states(self):
        """As kernel_sockets()."""
        states = {}
        for (cookie, _), events in sorted(self.of.items()):
            o = events[-1]
            if o["new_state"] != "CLOSE":
                states[cookie, o["netns"]] = o["new_state"]
        return states

    def check_path(self, key):
        events = self.of[key]
        path = [events[0]["old_state"]] + [o["new_state"] for o in events]
        told = f"{key[0]} life {key[1]}: {' '.join(path)}"
        t.check(path[0] == "CLOSE" or path[:2] == ["LISTEN", "SYN_RECV"],
                f"{told}: not from its beginning")
        t.check("CLOSE" not in path[1:-1], f"{told}: it ends more than once")
        for before, o in zip([None] + events, events):
            old, new = o["old_state"], o["new_state"]
            t.check(not before or old == before["new_state"],
                    f"{told}: a gap before {old} -> {new}")
            t.check(new == "CLOSE" or new in MOVES[old],
                    f"{told}: {old} -> {new} is no move of RFC 9293")
            t.check("legal" not in o, f"{told}: told as illegal, {o}")
            t.check(not before or o["mono_ns"] >= before["mono_ns"],
                    f"{told}: {old} -> {new} is older than what went before")
            t.check(new != "CLOSE" or o.get("reason"), f"{told}: no reason")

    def check_all(self):
        for key in self.of:
            self.check_path(key)
            cookie, life = key
            t.check(life == 1 or (cookie, life - 1) in self.of,
                    f"{cookie}: life {life} without the one before it")


def difference(ours, kernel):
    keys = [k for k in sorted(set(ours) | set(kernel))
            if ours.get(k) != kernel.get(k)]
    return "; ".join(f"{k[0]} in {k[1]} is {ours.get(k)}, ss says "
                     f"{kernel.get(k)}" for k in keys[:3])


def same_sockets(lives, namespaces):
    """Each socket is in the state that ss says, and no other is left."""
    last = {"ours": {}, "kernel": {}}

    def agree():
        """Between two looks at the kernel: a TIME_WAIT may end meanwhile."""
        before = last["kernel"]
        ours = last["ours"] = lives.update().last_states()
        after = last["kernel"] = kernel_sockets(namespaces)
        return all(ours.get(k) in (before.get(k), after.get(k))
                   for k in set(ours) | set(before) | set(after))
    try:
        t.wait_until(agree, "agreement")
    except t.Failure as e:
        bad = difference(last["ours"], last["kernel"])
        history = [f"\n  {o}" for (cookie, _), events in lives.of.items()
                   for o in events if cookie in bad]
        raise t.Failure(f"{e}: the events' last states and those of ss: {bad}" +
                        "".join(history)) from None


def same_counts(picture, namespaces):
    """The table's counts are those of ss, in each namespace."""
    last = {}

    def counted():
        wanted = {n.inode: collections.Counter() for n in namespaces}
        for (_, inode), state in kernel_sockets(namespaces).items():
            wanted[inode][state] += 1
        return wanted

    def agree():
        """Between two looks at the kernel, as above."""
        before = last.get("kernel") or counted()
        seen = len(picture.objects)
        ours = {}

        def told():
            ours.update({o["netns"]: o["states"]
                         for o in picture.objects[seen:]
                         if o["event"] == "counts"})
            return set(ours) >= set(before)
        t.wait_until(told, "counts")
        after = last["kernel"] = counted()
        last["ours"] = ours
        return all(min(before[n][s], after[n][s]) <= ours[n].get(s, 0) <=
                   max(before[n][s], after[n][s])
                   for n in before for s in ours[n])
    try:
        t.wait_until(agree, "agreement")
    except t.Failure:
        raise t.Failure(f"the table and ss: {last}") from None


def one_line_each(conns, lives):
    """conns has one line of each life that is over, and of no other."""
    def over():
        return {key for key, events in lives.update().of.items()
                if events[-1]["new_state"] in ("CLOSE", "TIME_WAIT") and
                events[0]["new_state"] != "LISTEN"}

    def lines():
        return collections.Counter((o["conn_id"], o["life"])
                                   for o in conns.objects
                                   if o["event"] == "conn" and
                                   (o["conn_id"], o["life"]) not in
                                   lives.strangers)
    try:
        t.wait_until(lambda: set(lines()) == over(), "the same lives")
    except t.Failure:
        odd = sorted(set(lines()) ^ over())[:2]
        said = [f"\n  {o}" for key in odd for o in lives.of[key] +
                [o for o in conns.objects if (o.get("conn_id"), o.get("life"))
                 == key]]
        raise t.Failure(f"only one of conns and events says that {odd} are "
                        "over:" + "".join(said)) from None
    t.check_equal([k for k, n in lines().items() if n > 1], [],
                  "the lives with more than one conn line")


def ended_well(watch, corrected):
    missed = {k: n for k, n in t.bpf_misses(watch.process.pid).items() if n}
    t.check_equal(watch.stop(), 0, f"the exit status of {watch.line}")
    watch.check_summary()
    summary = watch.objects[-1]
    print(f"#   {watch.line.split()[1]}: {summary}")
    usual = "SYN_RECV", "TIME_WAIT"     # where no hook shows it
    inferred = [f"\n  {o}" for o in watch.objects
                if o.get("basis") == "inferred" and
                o.get("new_state") not in usual]
    for key, most in (("lost", 0), ("corrected", corrected)):
        t.check(summary[key] <= most,
                f"{key} of {watch.line} is {summary[key]}; "
                f"missed: {missed}, inferred:{''.join(inferred[:8])}")
    for o in watch.objects:
        t.check(o["event"] != "garbage" and o.get("rule") != "illegal", str(o))


def nobody_is_left(ports):
    """A former run's TIME_WAITs would be told without their beginning."""
    done = t.tool_run("conns", "--open", "-j", *ports)
    return not any(o["event"] == "conn" for o in
                   map(t.json.loads, done.stdout.splitlines()))


def random_traffic(source):
    namespaces = [t.Namespace().settle() for _ in range(2)]
    how = lossy(namespaces[1])
    print(f"# TCPSTATE_RANDOM_SEED={SEED} for {SECONDS:g} s, loss by {how}")
    ports = "--port", "%d-%d" % traffic.PORTS
    t.wait_until(lambda: nobody_is_left(ports), "the end of a former run")
    events = t.Watch(source, "events", *ports, netns=None)
    conns = t.Watch(source, "conns", *ports, netns=None)
    picture = t.Watch(source, "watch", "--interval", "200ms", "--reconcile",
                      "2s", netns=namespaces)
    workers = [traffic.Worker(SEED, n, namespaces) for n in range(WORKERS)]
    time.sleep(SECONDS)
    for worker in workers:
        worker.stop()
    healed(namespaces[1], how)
    lives = Lives(events, namespaces)
    same_sockets(lives, namespaces)
    same_counts(picture, namespaces)
    lives.check_all()
    one_line_each(conns, lives)
    counts = collections.Counter(kernel_sockets(namespaces).values())
    print(f"#   {len(lives.of)} lives, open at rest {dict(counts)}")
    t.check(len(lives.of) > ENOUGH, f"only {len(lives.of)} lives")
    hidden = t.Test.hidden.moves()
    print(f"#   {hidden} moves were hidden from BPF")
    for watch in (events, conns, picture):
        ended_well(watch, hidden)


if __name__ == "__main__":
    t.main(random_traffic, limit=SECONDS + t.CASE_LIMIT)
