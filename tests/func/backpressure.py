#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""A reader that takes a tenth of what comes: the traffic does not wait for it, each
record is told or counted as lost, its memory is bounded, and within one interval
its table is the kernel's again."""
import os
import re
import signal
import time

import tcpstate_test as t
from tcpstate_churn import Churn, same_as_kernel

SECONDS = 6
TURN_S = 0.1            # of which the reader runs a tenth
INTERVAL_S = 2          # of reconciliation, at least
# .. which is no shorter than 50 dumps, of 0.1 s in a guest.
HEALED_S = (INTERVAL_S + 6) * t.PATIENCE
GROWTH_KB = 32768
SPEED = 0.5             # a program that waits makes next to nothing


def memory_kb(pid, field):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return int(re.search(rf"{field}:\s+(\d+)", f.read())[1])


def starve(pid):
    """Turns of which the reader has a tenth."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        os.kill(pid, signal.SIGSTOP)
        time.sleep(TURN_S * 0.9)
        os.kill(pid, signal.SIGCONT)
        time.sleep(TURN_S * 0.1)


def total(watch):
    summary = watch.objects[-1]
    return summary["captured"] + summary["lost"]


def starved_reader(source):
    # It has room for all, and so counts what there was.
    other = t.Watch(source, "watch", "--interval", "1s")
    watch = t.Watch(source, "watch", "--interval", "200ms", "--ring-records",
                    "256", "--reconcile", f"{INTERVAL_S}s")
    pid = watch.process.pid
    churn = Churn()
    churn.start()
    free = churn.rate(lambda: time.sleep(SECONDS / 2))
    before_kb = memory_kb(pid, "VmHWM")
    starved = churn.rate(lambda: starve(pid))
    churn.end()
    began = time.monotonic()
    same_as_kernel(watch)
    healed_s = time.monotonic() - began
    grown_kb = memory_kb(pid, "VmHWM") - before_kb
    for tool in (watch, other):
        t.check_equal(tool.stop(), 0, "the exit status")
    watch.check_summary(lossless=False)
    other.check_summary()
    summary = watch.objects[-1]
    print(f"# {free:.0f} connections/s, {starved:.0f} while it starves; "
          f"{summary['lost']} of {total(watch)} lost, the table as the kernel's "
          f"after {healed_s:.1f} s, {grown_kb} KiB more")
    t.check(starved > SPEED * free, "the traffic has waited for the reader")
    t.check(summary["lost"] > 0, "nothing was lost, and so nothing shown")
    t.check_equal(total(watch), total(other), "captured and lost")
    t.check(healed_s < HEALED_S, "the table was not mended in time")
    t.check(grown_kb < GROWTH_KB, f"its memory has grown by {grown_kb} KiB")


if __name__ == "__main__":
    t.main(starved_reader)
