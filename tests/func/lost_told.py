#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""A loss is told where it happened, in every format, and the sum of what was told is
that of the summary. Small rings, and a reader that stands still, force one."""
import os
import re
import signal
import subprocess
import tempfile

import tcpstate_test as t

CONNECTIONS = 300
IN_BAND = {
    "text": re.compile(r"^-- lost (\d+) events(?: on CPU \d+)? --$", re.M),
    "json": re.compile(r'^{"event":"lost",.*"count":(\d+)', re.M),
    "csv": re.compile(r"^(?:[^,]*,){9}LOST,(\d+),", re.M),
}
ON_STDERR = re.compile(r"^tcpstate-watch: lost (\d+) events(?: on CPU \d+)?$",
                       re.M)


def connections(server, n):
    for _ in range(n):
        client, child = t.pair(server)
        t.linger0(client)
        client.close()
        child.close()


def one_on_each_cpu(server):
    """A loss is told with the next record of the same CPU."""
    cpus = os.sched_getaffinity(0)
    for cpu in cpus:
        os.sched_setaffinity(0, {cpu})
        connections(server, 1)
    os.sched_setaffinity(0, cpus)


def forced_loss(source, form):
    """Its stdout and stderr."""
    with tempfile.TemporaryFile("w+") as out, t.listener() as server:
        with t.root_namespace():
            tool = subprocess.Popen(
                [t.tool(), "events", "--format", form, "--source", source,
                 "--ring-records", "256"], text=True, stdout=out,
                stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                preexec_fn=t.die_with_parent)
        ready = tool.stderr.readline()
        t.check(t.READY.fullmatch(ready.strip()), f"no ready line but {ready!r}")
        os.kill(tool.pid, signal.SIGSTOP)
        connections(server, CONNECTIONS)
        os.kill(tool.pid, signal.SIGCONT)

        def told():
            one_on_each_cpu(server)
            out.seek(0)
            return IN_BAND[form].search(out.read())
        # What is told is taken out of the ring, and so there is room for more.
        t.wait_until(told, f"a loss in {form}")
        one_on_each_cpu(server)
        tool.send_signal(signal.SIGINT)
        _, err = tool.communicate(timeout=t.LIMIT)
        t.check_equal(tool.returncode, 0, "the exit status")
        out.seek(0)
        return out.read(), err


def told_in(source, form):
    out, err = forced_loss(source, form)
    summary = t.SUMMARY.fullmatch(err.splitlines()[-1])
    t.check(summary, f"the last line is {err.splitlines()[-1:]}")
    lost = int(summary[2])
    t.check(lost > 0, "nothing was lost, and so nothing shown")
    told = sum(map(int, IN_BAND[form].findall(out)))
    print(f"# {form}: {lost} of {int(summary[1]) + lost} lost, {told} told")
    t.check_equal(told, lost, f"what {form} tells as lost")
    if form != "json":
        t.check_equal(sum(map(int, ON_STDERR.findall(err))), lost,
                      f"what is told as lost on stderr, with {form}")


def text(source):
    told_in(source, "text")


def json(source):
    told_in(source, "json")


def csv(source):
    told_in(source, "csv")


if __name__ == "__main__":
    t.main(text, json, csv)
