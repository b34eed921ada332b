# SPDX-License-Identifier: GPL-2.0
"""How long the module's functions run, by the kernel's function graph tracer."""
import collections
import contextlib
import os
import re
import subprocess

TRACING = "/sys/kernel/tracing"
# Each writes down what one hook sees, and leaves the record to sessions_emit(), which
# follows it. What leads there is not in it: a trampoline, and a few instructions.
HOOKS = ("record_state", "record_rst_received", "record_rst_sent",
         "record_request_add", "record_request_drop", "record_timewait_schedule",
         "record_timewait_kill", "record_timewait_segment", "record_owner",
         "record_challenge")
EMIT = "sessions_emit"
# Called at each release of a socket, and mostly over after one look at a flag: what
# it takes is the tracer's.
EMPTY = "tcp_release_cb"
BUFFER_KB = 16384
# "  0)   0.419 us    |  record_owner [tcpstate]();"
CALL = re.compile(r"^\s*(\d+)\)\s+[^0-9]*([0-9.]+) us\s+\|\s+(\w+)")


def put(name, text, how="w"):
    with open(os.path.join(TRACING, name), how, encoding="ascii") as f:
        f.write(text)


def calls_of(lines):
    """{function: [nanoseconds of each call]}, the storing of its record included,
    the tracer's share left out."""
    calls = [(m[1], m[3], float(m[2]) * 1000) for m in map(CALL.match, lines) if m]
    tracer = min((ns for _, name, ns in calls if name == EMPTY), default=None)
    if tracer is None:
        raise RuntimeError(f"{EMPTY}() was never called")
    found = collections.defaultdict(list)
    last = {}
    for cpu, name, ns in calls:
        if name == EMPTY:
            continue
        ns -= tracer
        if name != EMIT:
            found[name].append(ns)
            last[cpu] = name
        elif cpu in last:
            found[last[cpu]][-1] += ns
    return found


@contextlib.contextmanager
def traced():
    """A dict that is full afterwards, of what was called meanwhile."""
    calls = {}
    if not os.path.exists(f"{TRACING}/tracing_on"):
        subprocess.run(["mount", "-t", "tracefs", "tracefs", TRACING],
                       check=True)
    put("tracing_on", "0")
    put("buffer_size_kb", str(BUFFER_KB))
    put("set_ftrace_filter", "")
    for name in HOOKS + (EMIT, EMPTY):
        with contextlib.suppress(OSError):
            put("set_ftrace_filter", name + "\n", "a")
    put("max_graph_depth", "1")
    put("current_tracer", "function_graph")
    put("trace", "")
    put("tracing_on", "1")
    try:
        yield calls
        put("tracing_on", "0")
        with open(f"{TRACING}/trace", encoding="ascii", errors="replace") as f:
            calls.update(calls_of(f))
    finally:
        put("tracing_on", "0")
        put("current_tracer", "nop")
        put("max_graph_depth", "0")
        put("set_ftrace_filter", "")
