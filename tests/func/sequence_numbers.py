#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The four numbers of a connection and the kind of its close are those of the
packets, whatever the timing: many connections with random data and delays,
closed by either end or both. A kind may be unknown, never wrong."""
import collections
import os
import random
import socket
import threading
import time

import tcpstate_test as t

ROUNDS = int(os.environ.get("TCPSTATE_ROUNDS", "200"))


def exchange(rng, client, child):
    for _ in range(rng.randrange(4)):
        sender, receiver = rng.choice([(client, child), (child, client)])
        data = b"x" * rng.choice([1, 10, 1500, 20000])
        sender.sendall(data)
        left = len(data)
        while left:
            left -= len(receiver.recv(left))


def close_later(rng, sock, start):
    # The timing is what is varied here; nothing waits for it.
    delay = rng.random() * rng.choice([0, 5e-5, 3e-4, 6e-2])
    start.wait()
    time.sleep(delay)
    if rng.random() < 0.3:
        sock.shutdown(socket.SHUT_WR)
        try:
            t.read_to_end(sock)
        except OSError:
            pass
    sock.close()


def one(rng, server):
    client, child = t.pair(server)
    ends = t.ends(client, child)
    exchange(rng, client, child)
    for sock in (client, child):
        if rng.random() < 0.5:
            sock.setsockopt(t.SOL_TCP, socket.TCP_QUICKACK, rng.randrange(2))
    start = threading.Barrier(2)
    closers = [threading.Thread(target=close_later,
                                args=(random.Random(rng.random()), sock, start))
               for sock in (client, child)]
    for closer in closers:
        closer.start()
    for closer in closers:
        closer.join()
    return ends


def compare(watch, talk, end, kinds):
    line = watch.conn(end)
    who = f"conn {end}, packets {talk}"
    truth = talk.numbers()
    handshake, close = line["handshake"], line["close"]
    t.check_equal(handshake.get("isn_local"), truth["isn_local"],
                  f"isn_local of {who}")
    t.check_equal(handshake.get("isn_peer"), truth["isn_peer"],
                  f"isn_peer of {who}")
    t.check_equal(close.get("fin_local"), truth["fin_local"],
                  f"fin_local of {who}")
    may_be_unknown = ((truth["fin_peer"], None)
                      if watch.infers(t.ORPHAN_TIME_WAIT) else
                      (truth["fin_peer"],))
    t.check(close.get("fin_peer") in may_be_unknown,
            f"fin_peer is {close.get('fin_peer')} and must be "
            f"{truth['fin_peer']} of {who}")
    told, real = close["kind"], talk.kinds()
    kinds[f"{end.role} {close['first']} {' or '.join(sorted(real))}", told] += 1
    t.check(told is None or told in real,
            f"kind is {told} and must be {' or '.join(sorted(real))} of {who}: "
            f"{line}")


def sequence_numbers(source):
    seed = int(os.environ.get("TCPSTATE_SEED", time.time_ns() % 10**6))
    print(f"# TCPSTATE_SEED={seed} TCPSTATE_ROUNDS={ROUNDS}")
    rng = random.Random(seed)
    conns = t.Watch(source, "conns")
    tap = t.Wiretap()
    server = t.listener(backlog=128)
    made = [one(rng, server) for _ in range(ROUNDS)]
    for c, s in made:
        for end in (c, s):
            conns.wait_for(lambda o, e=end: o.get("conn_id") == e.cookie,
                           f"conn {end}")
    t.check_equal(conns.stop(), 0, "the exit status")
    conns.check_summary()
    tap.stop()
    kinds = collections.Counter()
    seen = collections.Counter()
    for c, s in made:
        for end in (c, s):
            # Ports come again, within 200 connections too.
            talk = tap.of(end, seen[end.role, c.sport])
            seen[end.role, c.sport] += 1
            if not any(x.has(t.RST) for x in talk.both):
                compare(conns, talk, end, kinds)
    for (real, told), n in sorted(kinds.items(), key=str):
        print(f"# {n:5} x {real}, told {told}")
    known = sum(n for (_, told), n in kinds.items() if told)
    t.check(known * 2 > sum(kinds.values()),
            f"only {known} of {sum(kinds.values())} kinds are known")


if __name__ == "__main__":
    t.main(sequence_numbers)
