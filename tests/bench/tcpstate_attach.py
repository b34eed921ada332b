# SPDX-License-Identifier: GPL-2.0
"""How long it is from exec to the first event."""
import os
import select
import signal
import statistics
import subprocess
import time

from tcpstate_subjects import BENCH, ours

ROUNDS = 9
LIMIT_S = 20
RATE = 200              # connections a second: one is never far


def on_cpu_s(pid):
    """What it has run so far, in user space and in the kernel."""
    with open(f"/proc/{pid}/schedstat", encoding="ascii") as f:
        return int(f.read().split()[0]) / 1e9


def once():
    """Seconds from exec until the ready line, and until an event's line."""
    began = time.monotonic()
    tool = subprocess.Popen(ours("events", "-j"), stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, bufsize=0)
    words = {tool.stderr: (b"ready", "ready_s"),
             tool.stdout: (b'"event":"state"', "event_s")}
    said = {pipe: b"" for pipe in words}
    result = {}
    try:
        while len(result) < 2:
            left = began + LIMIT_S - time.monotonic()
            pipes = select.select(list(words), [], [], max(left, 0))[0]
            if not pipes:
                raise RuntimeError(f"no event: {said[tool.stderr]}")
            for pipe in pipes:
                more = os.read(pipe.fileno(), 1 << 16)
                if not more:
                    raise RuntimeError(f"it ended: {said[tool.stderr]}")
                said[pipe] += more
                word, name = words[pipe]
                if word in said[pipe]:
                    result[name] = time.monotonic() - began
                    del words[pipe]
        result["cpu_s"] = on_cpu_s(tool.pid)
    finally:
        tool.send_signal(signal.SIGINT)
        tool.communicate()
    return result


def to_first_event():
    """Medians, and the longest, with a light load beside."""
    load = subprocess.Popen([os.path.join(BENCH, "load"), "--now", "-r",
                             str(RATE), "-s", "3600"], stdout=subprocess.DEVNULL)
    try:
        once()      # until the load is there
        runs = [once() for _ in range(ROUNDS)]
    finally:
        load.send_signal(signal.SIGINT)
        load.wait()
    return {"ready_s": statistics.median(r["ready_s"] for r in runs),
            "event_s": statistics.median(r["event_s"] for r in runs),
            "longest_s": max(r["event_s"] for r in runs),
            "cpu_s": statistics.median(r["cpu_s"] for r in runs)}
