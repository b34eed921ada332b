#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The table is compared with the kernel's sockets: after forced losses it is as
the kernel's again, and without losses nothing is corrected."""
import os
import signal
import time

import tcpstate_test as t
from tcpstate_churn import Churn, same_as_kernel

OVERFLOW = 200 // t.PATIENCE    # connections that run over rings of 256 records
BETWEEN = 1000 // t.PATIENCE    # until the next time
# Moves a connection, both ends: ten with two FINs, seven with a RST.
MOVES = 10, 7


def after_losses(source):
    watch = t.Watch(source, "watch", "--interval", "200ms", "--ring-records",
                    "256", "--reconcile", "0")
    churn = Churn()
    end = time.monotonic() + 20
    pauses = 0

    def paused():
        """The reader stands still until its rings have run over."""
        nonlocal pauses
        at = churn.count()
        os.kill(watch.process.pid, signal.SIGSTOP)
        t.wait_until(lambda: churn.count() > at + OVERFLOW,
                     f"{OVERFLOW} connections")
        os.kill(watch.process.pid, signal.SIGCONT)
        pauses += 1
        t.wait_until(lambda: churn.count() > at + BETWEEN,
                     f"{BETWEEN} connections")
        return time.monotonic() > end and pauses > 2
    churn.run(paused, 120 * t.PATIENCE)
    keep = t.pair(churn_free := t.listener())
    same_as_kernel(watch)
    t.check_equal(watch.stop(), 0, "the exit status")
    watch.check_summary(lossless=False)
    summary = watch.objects[-1]
    moves = sum(MOVES) * churn.count() // 2
    print(f"# {moves} moves, {pauses} pauses, {summary}")
    t.check(summary["lost"] > 0, "nothing was lost, and so nothing shown")
    t.check(summary["corrected"] > 0, "nothing was corrected")
    for sock in (*keep, churn_free):
        sock.close()


def nothing_to_correct(source):
    watch = t.Watch(source, "watch", "--interval", "200ms", "--reconcile",
                    "200ms")
    churn = Churn()
    end = time.monotonic() + 8
    churn.run(lambda: time.monotonic() > end, 60 * t.PATIENCE)
    same_as_kernel(watch)
    t.check_equal(watch.stop(), 0, "the exit status")
    watch.check_summary()
    summary = watch.objects[-1]
    print(f"# {churn.count()} connections, {summary}")
    t.check_equal(summary["lost"], 0, "lost")
    t.check_equal(summary["corrected"], 0, "corrected")


if __name__ == "__main__":
    t.main(after_losses, nothing_to_correct)
