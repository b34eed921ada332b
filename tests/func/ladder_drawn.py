#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""ladder draws a connection as the textbook does, with the numbers of its
packets."""
import os
import re
import subprocess
import xml.dom.minidom

import tcpstate_test as t
from recorded import Recorder

NUMBER = re.compile(r"([xyuw]) = (\d+)(?: = ([xy])\+(\d+))?")


def ladder(recorder, *args, status=0):
    done = t.tool_run("ladder", "--source", recorder.path, *args)
    t.check_equal(done.returncode, status,
                  f"the exit status of ladder {args}, which said "
                  f"{done.stderr!r},")
    return done.stdout


def check_order(text, *words):
    """Each is in a line after that of the one before it."""
    lines = iter(text.splitlines())
    for word in words:
        t.check(any(word in line for line in lines),
                f"{word!r} is missing, or not in its place, in\n{text}")


def check_numbers(text, talk):
    told = {m[1]: (int(m[2]), m[3], m[4]) for m in NUMBER.finditer(text)}
    for letter, key in (("x", "isn_local"), ("y", "isn_peer"),
                        ("u", "fin_local"), ("w", "fin_peer")):
        t.check_equal(told[letter][0], talk.numbers()[key], letter)
    t.check_equal(told["u"][1:], ("x", "313"), "u is")
    t.check_equal(told["w"][1:], ("y", "1"), "w is")


def textbook(source):
    recorder = Recorder(source)
    tap = t.Wiretap()
    live = subprocess.Popen(
        [t.tool(), "ladder", "--source", source, "-c", "1", "--dport",
         "1-65535"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, preexec_fn=t.Watch._in_child, text=True)
    # The ready line; what it draws is looked at in the recording.
    t.check(": ready, " in live.stderr.readline(), "no ready line")
    server = t.listener()
    client, child = t.pair(server)
    c, s = t.ends(client, child)
    client.sendall(b"x" * 312)
    t.check_equal(len(child.recv(1000)), 312, "what the server read")
    client.close()
    t.wait_diag(c.cookie, "FIN_WAIT2")
    t.check_equal(child.recv(10), b"", "what the server read at the end")
    child.close()
    t.wait_diag(c.cookie, "TIME_WAIT")
    out, err = live.communicate(timeout=t.LIMIT)
    t.check(live.returncode == 0 and "SYN seq=x" in out, f"live: {out}{err}")
    recorder.wait_told(c)
    t.check_equal(recorder.stop(), 0, "the exit status of record")
    tap.stop()

    text = ladder(recorder, "--conn", c.cookie)
    check_order(text, f"{c.cookie} {s.cookie}", "x = ", "CLOSE", "SYN seq=x",
                "SYN,ACK seq=y ack=x+1", "ACK seq=x+1 ack=y+1",
                "312 B in 1 segment", "FIN seq=u", "ACK seq=v ack=u+1",
                "FIN seq=w", "ACK seq=u+1 ack=w+1", "textbook: yes",
                "end: client closed first, 4 segments",
                "moves of the client: normal client",
                "moves of the server: normal server",
                "CLOSE first: server; the client is in TIME_WAIT")
    check_numbers(text, tap.of(c))
    t.check(all(len(line) <= 80 for line in text.splitlines()[1:]),
            f"wider than 80 columns:\n{text}")
    # The other end is the same picture.
    t.check_equal(ladder(recorder, "--conn", s.cookie), text, "the other end's")
    exercise = ladder(recorder, "--conn", c.cookie, "--ascii", "--isn",
                      "100,200")
    t.check(exercise.isascii(), "--ascii is not ASCII")
    check_order(exercise, "x = 100   u = 413", "y = 200", "SYN seq=100",
                "SYN,ACK seq=200 ack=101", "FIN seq=413", "ACK seq=201 ack=414",
                "FIN seq=201", "ACK seq=414 ack=202")
    check_pictures(recorder, c)
    machine = ladder(recorder, "--fsm", "--ascii", "--netns",
                     str(events_netns()))
    check_order(machine, "normal client", "CLOSE       ===> SYN_SENT             1",
                "FIN_WAIT2   ===> TIME_WAIT            1", "normal server",
                "CLOSE       ==.> LISTEN               1",
                "LAST_ACK    ==.> CLOSE                1", "unusual")
    t.check(machine.rstrip().endswith("unusual"),
            f"something unusual was seen:\n{machine}")


def events_netns():
    return os.stat("/proc/thread-self/ns/net").st_ino


def check_pictures(recorder, c):
    for scale in "steps", "time":
        path = f"{recorder.folder}/{scale}.svg"
        ladder(recorder, "--conn", c.cookie, "--svg", path, "--scale", scale)
        with open(path, encoding="utf-8") as f:
            svg = xml.dom.minidom.parseString(f.read())
        words = [e.firstChild.data for e in svg.getElementsByTagName("text")
                 if e.firstChild]
        for word in "SYN seq=x", "FIN seq=w", "TIME_WAIT", "312 B in 1 segment":
            t.check(word in words, f"{word!r} is not in the picture")
    path = f"{recorder.folder}/fsm.svg"
    ladder(recorder, "--fsm", "--svg", path)
    xml.dom.minidom.parse(path)
    ladder(recorder, "--conn", c.cookie, "--svg", "/nowhere/x.svg", status=1)
    ladder(recorder, "--conn", "ffffffffff", "--svg", "/dev/null", status=1)


def failed(source):
    """Refused, and reset: --failed has these alone."""
    recorder = Recorder(source)
    server = t.listener()
    client, child = t.pair(server)
    c, _ = t.ends(client, child)
    t.linger0(client)
    client.close()
    t.wait_diag(t.cookie(child), None)
    ok_client, ok_child = t.pair(server)
    ok, _ = t.ends(ok_client, ok_child)
    ok_client.close()
    ok_child.recv(1)
    ok_child.close()
    t.wait_diag(ok.cookie, "TIME_WAIT")
    recorder.wait_told(ok)
    t.check_equal(recorder.stop(), 0, "the exit status of record")
    text = ladder(recorder, "--failed", "--port",
                  str(server.getsockname()[1]))
    check_order(text, f"{c.cookie} ", "SYN seq=x", "── RST ──",
                "textbook: no, a RST")
    t.check(f"{ok.cookie} " not in text, f"--failed has one that did not:\n{text}")
    both = ladder(recorder, "--port", str(server.getsockname()[1]))
    slowest = ladder(recorder, "--slowest", "1", "--port",
                     str(server.getsockname()[1]))
    t.check_equal((both.count("textbook:"), slowest.count("textbook:")), (2, 1),
                  "the ladders, and the slowest")
    t.check(slowest in both, f"the slowest is another one:\n{slowest}")


def wrong_words(source):
    for line in (("--conn", "xyz"), ("--conn", ""), ("--conn", "0"),
                 ("--isn", "1"), ("--isn", "1,"), ("--isn", "1,2,3"),
                 ("--scale", "years"), ("--slowest", "0"), ("FILE",)):
        done = t.tool_run("ladder", "--source", source, *line)
        t.check(done.returncode == 2 and not done.stdout and
                done.stderr.count("\n") == 1, f"{line}: {done.returncode}, "
                f"{done.stderr!r}")


if __name__ == "__main__":
    t.main(textbook, failed, wrong_words, shared=True)
