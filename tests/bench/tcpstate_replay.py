# SPDX-License-Identifier: GPL-2.0
"""What a recording of more connections than this machine can open takes to replay."""
import json
import os
import subprocess
import time

from tcpstate_subjects import BENCH, WATCH

RECORDING = os.path.join(BENCH, "recording")
FILE = os.path.join(BENCH, "goals.rec")
PAIRS = 500_000         # both ends are followed
MORE = 150_000          # open and close beside them
CHURN = 200_000         # open and close on an empty table
ROOM = str(4 * PAIRS)   # else the oldest would be forgotten
ROUNDS = 3


def write(*args):
    """What the recording holds: its records, and how many are live at the end."""
    out = subprocess.run([RECORDING, *map(str, args), FILE], check=True,
                         stdout=subprocess.PIPE, text=True).stdout
    return json.loads(out)


def command(*args):
    return [WATCH, *args, "--max-conns", ROOM, "--source", FILE]


def lines_of(*args):
    tool = subprocess.Popen(command(*args), stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL)
    counted = subprocess.run(["wc", "-l"], stdin=tool.stdout, check=True,
                             stdout=subprocess.PIPE, text=True)
    tool.stdout.close()
    if tool.wait():
        raise RuntimeError(f"{' '.join(args)}: the replay failed")
    return int(counted.stdout)


def once(*args):
    """Seconds of CPU and of the clock, peak of memory in bytes."""
    began = time.monotonic()
    tool = subprocess.Popen(command(*args), stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(tool.pid, 0)
    tool.returncode = os.waitstatus_to_exitcode(status)
    if tool.returncode:
        raise RuntimeError(f"{' '.join(args)}: the replay failed")
    return {"cpu_s": used.ru_utime + used.ru_stime,
            "seconds": time.monotonic() - began,
            "bytes": used.ru_maxrss * 1024}


def best(*args):
    """Of some: what else the machine does makes it slower, never faster."""
    runs = [once(*args) for _ in range(ROUNDS)]
    return min(runs, key=lambda run: run["cpu_s"])


def replays():
    """By command: what the file takes, and the lines that come of it."""
    return {name: {**best(*args), "lines": lines_of(*args)}
            for name, args in (("events -j", ["events", "-j"]),
                               ("conns", ["conns"]))}


def of_millions():
    """Rates with a million live: what the whole takes more than its beginning."""
    try:
        empty = write() and best("conns")
        few = write("-o", PAIRS)
        before = replays()
        many = write("-o", PAIRS, "-n", MORE)
        after = replays()
        churned = write("-n", CHURN)
        alone = replays()
    finally:
        if os.path.exists(FILE):
            os.unlink(FILE)
    result = {"live": many["live"], "records": many["records"],
              "bytes_each": (after["events -j"]["bytes"] - empty["bytes"]) /
                            many["live"], "live_rates": {}, "rates": {}}
    for name, whole in after.items():
        cpu_s = max(whole["cpu_s"] - before[name]["cpu_s"], 1e-3)
        result["live_rates"][name] = {
            "lines": (whole["lines"] - before[name]["lines"]) / cpu_s,
            "records": (many["records"] - few["records"]) / cpu_s}
        result["rates"][name] = {
            "lines": alone[name]["lines"] / alone[name]["cpu_s"],
            "records": churned["records"] / alone[name]["cpu_s"]}
    return result
