#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Wrong usage: one sentence on stderr, exit 2, nothing on stdout; before
privileges are checked, and before anything is attached."""
import os

import tcpstate_test as t

# The command line, and a word that the sentence must have.
WRONG = [
    ("nosuch", "nosuch"),
    ("event", "event"),
    ("events extra", "extra"),
    ("events conns", "conns"),
    ("--nosuch", "--nosuch"),
    ("events --nosuch", "--nosuch"),
    ("events -Z", "-Z"),
    ("events --port", "--port"),
    ("events --port 0", "--port"),
    ("events --port 65536", "--port"),
    ("events --port 80-", "--port"),
    ("events --port 90-80", "--port"),
    ("events --port 80,,81", "--port"),
    ("events --port http", "--port"),
    ("events --port=", "--port"),
    ("events -L -1", "--sport"),
    ("events --dport 1.5", "--dport"),
    ("events --addr 10.0.0.0/33", "--addr"),
    ("events --addr 10.0.0", "--addr"),
    ("events --addr fe80::1/129", "--addr"),
    ("events --addr localhost", "--addr"),
    ("events --state nosuch", "--state"),
    ("events --state ,", "--state"),
    ("events --pid 0", "--pid"),
    ("events -p one", "--pid"),
    ("events --netns /no/such", "--netns"),
    ("events --netns pid:0", "--netns"),
    ("events --uid no-such-user", "--uid"),
    ("events --cgroup /no/such/cgroup", "--cgroup"),
    ("events --source nosuch", "--source"),
    ("events --source /no/such/file", "--source"),
    ("events --format xml", "--format"),
    ("events --hooks nosuch", "--hooks"),
    ("leaks --owners nosuch", "--owners"),
    ("events --duration -1", "--duration"),
    ("events --duration 5x", "--duration"),
    ("events --duration", "--duration"),
    ("events --duration 99999999999999999999", "--duration"),
    ("events --reconcile -1", "--reconcile"),
    ("events --reconcile soon", "--reconcile"),
    ("events --ring-records 255", "--ring-records"),
    ("events --ring-records 1048577", "--ring-records"),
    ("events --ring-records 4k", "--ring-records"),
    ("events --count 0", "--count"),
    ("events -c -1", "--count"),
    ("events -c 18446744073709551616", "--count"),
    ("events -4=1", "-"),
    ("events --raw=yes", "--raw"),
    ("events state close-wait", "--state"),
    ("events close-wait", "--state"),
    ("events :443", "--port"),
    ("events 10.0.0.1", "--addr"),
    ("events --open", "--open"),
    ("conns --raw", "--raw"),
    ("conns --open --wait-tw", "--wait-tw"),
    ("leaks --age -1", "--age"),
    ("leaks --age 2h,1h", "--age"),
    ("leaks --close-wait-age soon", "--close-wait-age"),
    ("leaks --close-wait-count 100,10", "--close-wait-count"),
    ("leaks --close-wait-count 1,2,3", "--close-wait-count"),
    ("leaks --close-wait-count 10,", "--close-wait-count"),
    ("leaks --fds-used 101", "--fds-used"),
    ("watch --ports-used 90,", "--ports-used"),
    ("watch --time-wait -1", "--time-wait"),
    ("watch --syn-recv x", "--syn-recv"),
    ("timewait --time-wait 95,70", "--time-wait"),
    ("timewait --config /no/such/file", "/no/such/file: No such file"),
    ("leaks --config", "--config"),
    ("leaks --config /no/such/file", "/no/such/file: No such file"),
    ("watch --config /", "/: Is a directory"),
    ("leaks --config /dev/zero", "/dev/zero:1: "),
    ("events --fds-used 80", "--fds-used"),
    ("conns --config /dev/null", "--config"),
    ("leaks --interval 0", "--interval"),
    ("leaks --format csv", "CSV"),
    ("timewait --interval 0", "--interval"),
    ("timewait --format csv", "CSV"),
    ("timewait --raw", "--raw"),
    ("watch --interval soon", "--interval"),
    ("doctor --port 80", "--port"),
    ("-- events", "events"),
]


def check_wrong(line, word, done):
    what = f"tcpstate-watch {line}"
    t.check_equal(done.returncode, 2, f"the exit status of {what}")
    t.check_equal(done.stdout, "", f"stdout of {what}")
    lines = done.stderr.splitlines()
    t.check_equal(len(lines), 1, f"the number of lines on stderr of {what}")
    t.check(lines[0].startswith("tcpstate-watch: ") and len(lines[0]) > 30,
            f"{what} says no sentence: {lines[0]!r}")
    t.check(word in lines[0], f"{what} does not name {word}: {lines[0]!r}")


def wrong_usage():
    for line, word in WRONG:
        check_wrong(line, word, t.tool_run(*line.split(), timeout=10))


def empty_words():
    for args in (("events", ""), ("",), ("events", "--port", ""),
                 ("events", "--state", ""), ("events", "--addr", ""),
                 ("events", "--netns", ""), ("events", "--comm", "")):
        check_wrong(repr(args), "", t.tool_run(*args, timeout=10))


def one_line_whatever_is_said():
    """What the command line says comes back in one line without control
    characters."""
    for word in ("two\nlines", "\x1b[2J", "x" * 5000, "%s%n%d"):
        done = t.tool_run("events", "--port", word, timeout=10)
        check_wrong("--port with odd characters", "--port", done)
        t.check(done.stderr.rstrip("\n").isprintable(),
                f"stderr has control characters: {done.stderr!r}")


def before_privileges():
    def drop():
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    for line, word in WRONG:
        done = t.tool_run(*line.split(), timeout=10, preexec_fn=drop)
        check_wrong(line + " without privileges", word, done)


def help_is_no_error():
    for args in (("--help",), ("-h",), ("events", "--help"), ("-h", "conns"),
                 ("leaks", "-h"), ("--version",)):
        done = t.tool_run(*args, timeout=10)
        what = f"tcpstate-watch {' '.join(args)}"
        t.check_equal(done.returncode, 0, f"the exit status of {what}")
        t.check_equal(done.stderr, "", f"stderr of {what}")
        t.check("tcpstate-watch" in done.stdout, f"stdout of {what}")


if __name__ == "__main__":
    t.main(wrong_usage, empty_words, one_line_whatever_is_said,
           before_privileges, help_is_no_error, per_source=False)
