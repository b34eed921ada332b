# SPDX-License-Identifier: GPL-2.0
"""What is compared: a row for each tracer, and how it is run."""
import glob
import os
import re
import resource
import shutil
import signal
import subprocess
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("TCPSTATE_BUILD", os.path.join(TOP, "build"))
WATCH = os.path.join(BUILD, "tcpstate-watch")
BENCH = os.path.join(BUILD, "bench")
START_LIMIT_S = 20
# What it does once after its start, such as a first look for what is stuck, is
# no part of what it costs to leave it on.
SETTLE_S = 1.2
STOP_LIMIT_S = 120
# Moves of one connection, both ends, as inet_sock_set_state has them.
MOVES = {"client": 10, "server": 10, "rst": 6}

BPFTRACE = ('tracepoint:sock:inet_sock_set_state { '
            'printf("%llu %d %s %d %d %d %d\\n", nsecs, pid, comm, '
            'args->sport, args->dport, args->oldstate, args->newstate); }')


def ours(*args):
    return [WATCH, *args, "--source", "bpf"]


def heed_sigint():
    """A job in the background ignores it, and so would what it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def count_lines(pattern):
    """Counts the lines of FILE that match."""
    def count(path):
        found = subprocess.run(["grep", "-c", "-E", pattern, path],
                               stdout=subprocess.PIPE, text=True, check=False)
        return int(found.stdout or 0)
    return count


def count_samples(path):
    stats = subprocess.run(["perf", "report", "--stats", "-i", path],
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                           text=True, check=False).stdout
    found = re.search(r"SAMPLE events:\s+(\d+)", stats)
    return int(found.group(1)) if found else 0


class Subject:
    """A tracer: @output {} is where its lines go."""

    def __init__(self, name, args, output=None, events=None, per=None):
        self.name = name
        self.args = args
        self.output = output    # an argument of its own; None: stdout
        self.events = events    # a function of the file: what it has kept
        self.per = per          # events per connection, by closer
        self.process = self.stderr = None

    def missing(self):
        return not shutil.which(self.args[0])

    def command(self, path):
        return [a.replace("{}", path) for a in self.args]

    def start(self, path="/dev/null"):
        """Runs when this returns: how long that took, in seconds."""
        if self.output and os.path.exists(path):
            os.unlink(path)
        began = time.monotonic()
        out = open(path if not self.output else "/dev/null", "wb")
        self.stderr = open(os.path.join(BENCH, "stderr"), "w+b")
        self.process = subprocess.Popen(self.command(path), stdout=out,
                                        stderr=self.stderr,
                                        preexec_fn=heed_sigint)
        out.close()
        while not self.is_attached():
            if self.process.poll() is not None or \
               time.monotonic() - began > START_LIMIT_S:
                self.stderr.seek(0)
                raise RuntimeError(f"{self.name}: "
                                   f"{self.stderr.read().decode()}")
            time.sleep(0.005)
        took = time.monotonic() - began
        time.sleep(SETTLE_S)
        return took

    def said(self):
        with open(self.stderr.name, encoding="utf-8", errors="replace") as f:
            return f.read()

    def is_attached(self):
        """Has it a link to BPF, or an event of perf? It may get more."""
        if self.args[0] == WATCH:
            return "ready" in self.said()
        links = []
        for fd in glob.glob(f"/proc/{self.process.pid}/fd/*"):
            try:
                links.append(os.readlink(fd))
            except OSError:
                pass
        return any("bpf_link" in l or "bpf-link" in l or "perf_event" in l
                   for l in links)

    def memory_kb(self):
        """At most resident, and what its maps in the kernel take."""
        resident = kernel = 0
        pid = self.process.pid
        with open(f"/proc/{pid}/status", encoding="ascii") as f:
            resident = int(re.search(r"VmHWM:\s+(\d+)", f.read()).group(1))
        maps = {}
        for info in glob.glob(f"/proc/{pid}/fdinfo/*"):
            try:
                with open(info, encoding="ascii") as f:
                    text = f.read()
            except OSError:
                continue
            lock = re.search(r"memlock:\s+(\d+)", text)
            ident = re.search(r"map_id:\s+(\d+)", text)
            if lock and ident:
                maps[ident.group(1)] = int(lock.group(1))
        kernel = sum(maps.values()) // 1024
        return resident, kernel

    def stop(self):
        """What it has used: seconds of CPU, KiB."""
        resident, kernel = self.memory_kb()
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - \
            before.ru_utime - before.ru_stime
        said = self.said()
        self.stderr.close()
        return {"cpu_s": cpu, "resident_kb": resident, "kernel_kb": kernel,
                "said": said}


def all_subjects():
    both = {"client": 2, "server": 2, "rst": 2}
    established = count_lines('"new_state":"ESTABLISHED"')
    return [
        Subject("empty program", [os.path.join(BENCH, "empty"),
                                  os.path.join(BENCH, "empty.bpf.o")]),
        Subject("watch", ours("watch", "--plain", "--interval", "1s")),
        Subject("events", ours("events"), None,
                count_lines(r" ESTABLISHED +[0-9]"), both),
        Subject("events -j", ours("events", "-j"), None, established, both),
        # None of the load's.
        Subject("filtered", ours("events", "--dport", "1")),
        Subject("leaks", ours("leaks", "--duration", "1h")),
        Subject("record", ours("record", "{}"), "{}"),
        Subject("tcpstates", ["tcpstates"], None,
                count_lines(r"[A-Z]+ +-> +[A-Z]"), MOVES),
        Subject("bpftrace", ["bpftrace", "-e", BPFTRACE], None,
                count_lines(r"^[0-9]+ "), MOVES),
        Subject("perf record",
                ["perf", "record", "-q", "-a", "-e", "sock:inet_sock_set_state",
                 "-o", "{}"], "{}", count_samples, MOVES),
    ]
