# SPDX-License-Identifier: GPL-2.0
"""How long BPF programs run, by the kernel's own count of each."""
import glob
import json
import os
import re
import shutil
import subprocess
import time

from tcpstate_subjects import BENCH, Subject, ours

# What counting itself takes is in each program's time, the empty one's included.
EMPTY = "empty"
QUIET_S = 0.3
QUIET_TRIES = 40


def bpftool(*args):
    """Its answer; Debian keeps it where not every PATH leads."""
    tool = shutil.which("bpftool") or "/usr/sbin/bpftool"
    out = subprocess.run([tool, "-j", *args], check=True,
                         stdout=subprocess.PIPE, text=True).stdout
    return json.loads(out)


def numbers(subject, what):
    """Of the programs or maps that its process has open."""
    found = set()
    for info in glob.glob(f"/proc/{subject.process.pid}/fdinfo/*"):
        try:
            with open(info, encoding="ascii") as f:
                found |= {int(n) for n in
                          re.findall(rf"^{what}_id:\s+(\d+)", f.read(), re.M)}
        except OSError:
            continue
    return found


def records_stored(watch):
    """By its programs, on all CPUs."""
    stored = 0
    ours_alone = numbers(watch, "map")
    for found in bpftool("map", "show"):
        if found["id"] not in ours_alone or found.get("name") != "cpus":
            continue
        for row in bpftool("map", "dump", "id", str(found["id"])):
            for cpu in row["formatted"]["values"]:
                stored += cpu["value"]["seq"] - cpu["value"]["lost"]
    return stored


def reading(subjects):
    """Of a moment at which nothing runs: of each program its runs and time."""
    ours_alone = set().union(*(numbers(s, "prog") for s in subjects))
    return {"records": records_stored(subjects[-1]),
            "programs": {p["name"]: (p.get("run_cnt", 0),
                                     p.get("run_time_ns", 0))
                         for p in bpftool("prog", "show")
                         if p["id"] in ours_alone}}


def settled(subjects):
    """What the end of a load brings is over."""
    last = reading(subjects)
    for _ in range(QUIET_TRIES):
        time.sleep(QUIET_S)
        now = reading(subjects)
        if now["records"] == last["records"]:
            return now
        last = now
    raise RuntimeError("connections go on after the end of the load")


def difference(first, last):
    """Nanoseconds beyond the empty program's, by program and by record."""
    def spent(name):
        old = first["programs"].get(name, (0, 0))
        new = last["programs"][name]
        return new[0] - old[0], new[1] - old[1]
    runs, ns = spent(EMPTY)
    records = last["records"] - first["records"]
    if not runs:
        raise RuntimeError("the kernel counted nothing: kernel.bpf_stats_enabled")
    empty = ns / runs
    rows = []
    for name in last["programs"]:
        runs, ns = spent(name)
        if runs and name != EMPTY:
            rows.append({"program": name, "runs": runs, "run_ns": ns / runs,
                         "runs_per_record": runs / max(records, 1),
                         "record_ns": (ns - runs * empty) / max(records, 1)})
    return {"empty_ns": empty, "records": records, "programs": rows,
            "record_ns": sum(r["record_ns"] for r in rows)}


def of_load(load):
    """@load: a function that runs it to its end."""
    empty = Subject(EMPTY, [os.path.join(BENCH, "empty"), "-s",
                            os.path.join(BENCH, "empty.bpf.o")])
    watch = Subject("watch", ours("watch", "--plain", "--interval", "1s"))
    started = []
    try:
        for subject in (empty, watch):
            subject.start()
            started.append(subject)
        first = reading(started)
        load()
        return difference(first, settled(started))
    finally:
        for subject in reversed(started):
            subject.stop()
