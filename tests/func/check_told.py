#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""check: real connections in CLOSE_WAIT against each threshold, from options and
from the configuration; exit codes, the status line, its performance data as the
monitoring plugins' guidelines want it; and one status line, exit 3, whenever
nothing can be known."""
import contextlib
import ctypes
import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import tempfile

import tcpstate_test as t

OK, WARNING, CRITICAL, UNKNOWN = 0, 1, 2, 3
WORDS = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
STATUS = re.compile(r"TCPSTATE (OK|WARNING|CRITICAL|UNKNOWN) - ([^|]+?)"
                    r"(?: \| ([^|]+))?")
# 'label'=value[UOM];[warn];[crit];[min];[max]
NUMBER = r"-?[0-9]+(?:\.[0-9]+)?"
RANGE = rf"@?(?:(?:~|{NUMBER}):)?(?:{NUMBER})?"
PERFDATA = re.compile(
    rf"([^ '=]+)=({NUMBER})(|s|ms|us|%|B|KB|MB|GB|TB|c)"
    rf"(?:;({RANGE})(?:;({RANGE})(?:;({NUMBER})?(?:;({NUMBER})?)?)?)?)?")
LINE_LIMIT = 1024       # bytes of the status line
LIBC = ctypes.CDLL(None, use_errno=True)
CAP_SYS_ADMIN, PR_CAPBSET_DROP, CLONE_NEWNS = 21, 24, 0x20000


class Report:
    """What one run has said, taken apart."""

    def __init__(self, args, done):
        self.what = f"tcpstate-watch {' '.join(args)}"
        self.code, self.stderr = done.returncode, done.stderr
        self.lines = done.stdout.splitlines()
        t.check(self.lines, f"{self.what} says nothing: {done.stderr}")
        first = STATUS.fullmatch(self.lines[0])
        t.check(first, f"{self.what}: no status line: {self.lines[0]!r}")
        self.text = first[2]
        t.check(len(self.lines[0].encode()) < LINE_LIMIT,
                f"{self.what}: the status line has {len(self.lines[0])} bytes")
        t.check(self.lines[0].isprintable(),
                f"{self.what}: not printable: {self.lines[0]!r}")
        t.check_equal(WORDS.index(first[1]), self.code,
                      f"the exit status of {self.what}, {self.lines[0]!r}")
        others = [x for x in self.lines if x.startswith("TCPSTATE")]
        t.check_equal(len(others), 1, f"the number of status lines of {self.what}")
        t.check(not any("|" in x for x in self.lines[1:]),
                f"{self.what}: more performance data: {self.lines}")
        self.values = {}
        for item in (first[3] or "").split(" "):
            if item:
                self._take(item)

    def _take(self, item):
        m = PERFDATA.fullmatch(item)
        t.check(m, f"{self.what}: {item!r} is no performance data")
        t.check(m[1] not in self.values, f"{self.what}: {m[1]} comes twice")
        self.values[m[1]] = m.groups()[1:]

    def expect(self, code, words="", **values):
        t.check_equal(self.code, code,
                      f"the exit status of {self.what}, {self.lines}")
        t.check(words in self.text,
                f"{self.what} does not say {words!r}: {self.text!r}")
        for label, value in values.items():
            got = self.values.get(label, ("absent",))
            t.check_equal(";".join(x or "" for x in got), value,
                          f"{label} of {self.what}")
        return self


def check(*args, **kw):
    line = ("check", *args)
    return Report(line, t.tool_run(*line, **kw))


def netns():
    return str(os.stat("/proc/thread-self/ns/net").st_ino)


def check_here(*args, **kw):
    """Only what this test has made."""
    return check("--netns", netns(), *args, **kw)


class Leak:
    kept = []       # or it would be closed with the last reference

    def __init__(self, n, accept=True, addr="127.0.0.1"):
        self.server = t.listener(addr, backlog=64)
        self.port = self.server.getsockname()[1]
        self.children = []
        Leak.kept.append(self)
        for _ in range(n):
            client = t.connect(self.server)
            end = t.unaccepted(client, self.server)
            if accept:
                self.children.append(self.server.accept()[0])
            client.close()
            t.wait_diag(end.cookie, "CLOSE_WAIT")


def all_is_well():
    _keep = t.listener()
    report = check_here()
    report.expect(OK, "no CLOSE_WAIT of 60s or longer", close_wait="0;;10;100;0;",
                  close_wait_oldest="0;s;60;;0;", lost="0;;;;;")
    t.check_equal(len(report.lines), 1, "the number of lines if all is well")
    t.check("fds_used" in report.values, "the listener's process has descriptors")
    lines = report.stderr.splitlines()
    t.check(len(lines) == 2 and "ready, source sock_diag" in lines[0] and
            lines[1].startswith("tcpstate-watch: captured 0, lost 0"),
            f"stderr is not as that of other commands: {lines}")


def close_wait_count():
    leak = Leak(3)
    who = t.Owner()
    for threshold, code, limits in (
            ("4,5", OK, "4;5"), ("3,4", WARNING, "3;4"), ("2,3", CRITICAL, "2;3"),
            ("3", CRITICAL, ";3"), ("4", OK, ";4")):
        report = check_here("--close-wait-age", "0", "--close-wait-count",
                            threshold)
        report.expect(code, close_wait=f"3;;{limits};0;")
        told = [x for x in report.lines[1:] if x.startswith("close_wait ")]
        t.check_equal(len(told), int(code != OK), "the number of findings")
        if code == OK:
            t.check("3 CLOSE_WAIT" in report.text, f"not told: {report.text}")
            continue
        t.check(report.text.startswith(
            f"{who.comm}[{who.pid}] 3 CLOSE_WAIT on 127.0.0.1:{leak.port}, "
            "oldest "), f"whose it is: {report.text!r}")
        t.check(told[0].endswith(
            f": 3, run: tcpstate-watch leaks -p {who.pid} --close-wait-age 0s "
            f"--close-wait-count {threshold}"), told[0])
    # The defaults: 10 and 100, of a minute and more.
    check_here().expect(OK, close_wait="0;;10;100;0;")


def the_command_that_is_told():
    """What the finding's line says to run finds it."""
    leak = Leak(2, accept=False)
    report = check_here("--close-wait-age", "0", "--close-wait-count", "1")
    line = report.expect(CRITICAL).lines[1]
    t.check(line.startswith("close_wait never_accepted "), line)
    command = line.partition(" run: tcpstate-watch ")[2].split()
    t.check_equal(command[:3], ["leaks", "--sport", str(leak.port)],
                  "the command of what nobody has accepted")
    done = t.tool_run(*command, "--duration", "0", "-j")
    t.check_equal(done.returncode, 0, "the exit status of the command")
    first = json.loads(done.stdout.splitlines()[0])
    t.check_equal((first["event"], first["count"]), ("finding", 2),
                  "what it finds")


def several_leaks_are_one_number():
    leaks = [Leak(3), Leak(2, addr="0.0.0.0"), Leak(1, addr="::1")]
    report = check_here("--close-wait-age", "0", "--close-wait-count", "6,7")
    report.expect(WARNING, "3 CLOSE_WAIT on 127.0.0.1:", close_wait="6;;6;7;0;")
    t.check(", 6 in all" in report.text, report.text)
    text = "\n".join(report.lines[1:])
    for end in (f"127.0.0.1:{leaks[0].port}", f" on :{leaks[1].port}",
                f"[::1]:{leaks[2].port}"):
        t.check(end in text, f"{end} is not in {text!r}")
    check_here("--close-wait-age", "0", "--close-wait-count", "2,3", "--sport",
               str(leaks[1].port)).expect(WARNING, close_wait="2;;2;3;0;")


def close_wait_age():
    Leak(1)
    count = ("--close-wait-count", "1,2")
    check_here("--close-wait-age", "1h", *count).expect(
        OK, close_wait="0;;1;2;0;", close_wait_oldest="0;s;3600;;0;")
    # It becomes old enough while we look.
    t.wait_until(lambda: check_here("--close-wait-age", "2s", *count).code ==
                 WARNING, "a warning after 2 s")
    report = check_here("--close-wait-age", "2s", *count)
    t.check(int(report.values["close_wait_oldest"][0]) >= 2, report.lines[0])
    # One alone, if it is old.
    few = ("--close-wait-count", "100,100")
    check_here("--close-wait-age", "1s,1h", *few).expect(
        OK, close_wait="1;;100;100;0;")
    report = check_here("--close-wait-age", "1s,2s", *few).expect(
        CRITICAL, "1 CLOSE_WAIT on ")
    t.check_equal(report.values["close_wait_oldest"][2:4], ("1", "2"),
                  "the thresholds of the age")


def fds_used():
    _keep = t.listener()
    who = t.Owner()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, hard))
    # Less the one that lists them, and two pipes to the program.
    used = len(os.listdir("/proc/self/fd")) - 1 + 2
    more = [os.open("/dev/null", os.O_RDONLY) for _ in range(50 - used)]
    for threshold, code in (("51,90", OK), ("50,90", WARNING), ("90", OK),
                            ("0,50", CRITICAL), ("50", CRITICAL)):
        report = check_here("--fds-used", threshold)
        report.expect(code)
        value, unit = report.values["fds_used"][:2]
        t.check_equal((value, unit), ("50.0", "%"), "fds_used")
        warn, comma, crit = threshold.rpartition(",")
        t.check_equal(report.values["fds_used"][2:],
                      (warn if comma else "", crit, "0", "100"), "its limits")
        if code != OK:
            words = f"{who.comm}[{who.pid}] 50 of 100 descriptors"
            t.check_equal(report.text, words, "who is short of descriptors")
            t.check_equal(report.lines[1],
                          f"fds {who.comm}[{who.pid}]: 50 of 100, run: "
                          f"tcpstate-watch leaks -p {who.pid} --fds-used "
                          f"{threshold}", "the finding")
    for fd in more:
        os.close(fd)


def syn_recv():
    """TCP_DEFER_ACCEPT keeps a request until its client sends data."""
    server = t.listener(backlog=20)
    server.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 60)
    port, who = server.getsockname()[1], t.Owner()
    check_here().expect(OK, syn_recv="0.0;%;70;95;0;100")
    clients = [t.connect(server) for _ in range(10)]
    for threshold, code in (("51,90", OK), ("50,90", WARNING), ("51", OK),
                            ("10,50", CRITICAL), ("50", CRITICAL)):
        report = check_here("--syn-recv", threshold)
        report.expect(code)
        t.check_equal(report.values["syn_recv"][0], "50.0", "syn_recv")
        if code != OK:
            t.check_equal(report.text, f"{who.comm}[{who.pid}] 10 SYN_RECV on "
                          f":{port}, its backlog is 20", "what is said")
            t.check_equal(report.lines[1], f"syn_recv backlog "
                          f"{who.comm}[{who.pid}] on 127.0.0.1:{port}: 10, "
                          f"run: tcpstate-watch leaks --sport {port} "
                          f"--syn-recv {threshold}", "the finding")
    t.check_equal(len(clients), 10, "the number of clients")


def ports_used():
    server = t.listener(port=5000, backlog=20)
    t.sysctl("net.ipv4.ip_local_port_range", "40000 40019")
    pairs = [t.pair(server) for _ in range(10)]
    who = t.Owner()
    for threshold, code in (("51,90", OK), ("50,90", WARNING), ("51", OK),
                            ("10,50", CRITICAL), ("50", CRITICAL)):
        report = check_here("--ports-used", threshold)
        report.expect(code)
        t.check_equal(report.values["ports_used"][0], "50.0", "ports_used")
        if code != OK:
            way = f"{who.comm}[{who.pid}] 127.0.0.1 -> 127.0.0.1:5000"
            t.check_equal(report.text, f"{way} 10 of 20 ports",
                          "what is said")
            t.check_equal(report.lines[1:], [
                f"ports {way}: 10 of 20, run: tcpstate-watch timewait --dport "
                f"5000 --ports-used {threshold}"], "the finding")
    done = t.tool_run("check", "--netns", netns(), "--ports-used", "50", "-j")
    t.check_equal(done.returncode, CRITICAL, "the exit status with -j")
    first = json.loads(done.stdout.splitlines()[0])
    t.check_equal((first["event"], first["rule"], first["severity"]),
                  ("finding", "ports", "critical"), "the finding with -j")
    t.check_equal(len(pairs), 10, "the number of connections")


class Observed:
    """check --duration 1h in our namespace, until it is told to report."""

    def __init__(self, *args):
        self.line = ["check", "--netns", netns(), "--duration", "1h", *args]
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen(
            [t.tool(), *self.line], stdout=subprocess.PIPE, text=True,
            stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        ready = self.process.stderr.readline()
        t.check("ready, source" in ready, f"it is not ready: {ready}")
        self.ready = ready

    def report(self):
        self.process.send_signal(signal.SIGTERM)
        out, err = self.process.communicate(timeout=t.LIMIT)
        return Report(self.line, subprocess.CompletedProcess(
            self.line, self.process.returncode, out, err))


def time_wait(server):
    """One more, at the client's end; or none if there is no bucket."""
    client, child = t.pair(server)
    cookie = t.cookie(client)
    client.close()
    t.read_to_end(child)
    child.close()
    return cookie


def time_wait_buckets():
    server = t.listener()
    t.sysctl("net.ipv4.tcp_max_tw_buckets", 10)
    for _ in range(5):
        t.wait_diag(time_wait(server), "TIME_WAIT")
    for threshold, code in (("51,90", OK), ("50,90", WARNING), ("51", OK),
                            ("10,50", CRITICAL), ("50", CRITICAL)):
        report = check_here("--time-wait", threshold)
        warn = threshold.rpartition(",")[0]
        report.expect(code, time_wait=f"50.0;%;{warn};"
                      f"{threshold.rpartition(',')[2]};0;100",
                      time_wait_overflows="0;c;;;;")
        if code != OK:
            t.check_equal(report.text, "5 of 10 TIME_WAIT buckets in network "
                          f"namespace {netns()}", "what is said")
            t.check(report.lines[1].startswith("time_wait 5 of 10 "),
                    report.lines[1])


def time_wait_overflows():
    """While it is looked for; what was long ago is only counted."""
    server = t.listener()
    t.sysctl("net.ipv4.tcp_max_tw_buckets", 2)
    for _ in range(2):
        t.wait_diag(time_wait(server), "TIME_WAIT")
    watched = Observed()
    time_wait(server)
    check_here().expect(CRITICAL, "they overflow: 1 so far",
                        time_wait="100.0;%;70;95;0;100",
                        time_wait_overflows="1;c;;;;")
    t.sysctl("net.ipv4.tcp_max_tw_buckets", 100)
    watched.report().expect(CRITICAL, "2 of 100 TIME_WAIT buckets",
                            time_wait="2.0;%;70;95;0;100")
    check_here().expect(OK, time_wait="2.0;%;70;95;0;100",
                        time_wait_overflows="1;c;;;;")


def names_are_harmless():
    """A name may hold what ends a line, or begins performance data."""
    leak = Leak(1)
    for name in ("a|b=1;2", "x\ny", "\x1b[2J", "\udcff\udcfe|", "'\"`$(id)",
                 "TCPSTATE OK - "):
        with open("/proc/self/comm", "wb") as f:
            f.write(name.encode("utf-8", "surrogateescape"))
        report = check_here("--close-wait-age", "0", "--close-wait-count", "1",
                            "--sport", str(leak.port))
        report.expect(CRITICAL, f"[{os.getpid()}] 1 CLOSE_WAIT",
                      close_wait="1;;;1;0;")
        t.check_equal(len(report.lines), 2, f"the number of lines with {name!r}")
        t.check(report.lines[1].isprintable(), f"a line: {report.lines[1]!r}")


@contextlib.contextmanager
def config(text):
    with tempfile.NamedTemporaryFile("w", prefix="tcpstate-") as f:
        f.write(text)
        f.flush()
        yield f.name


def configuration():
    Leak(3)
    with config("# of this test\nclose-wait-age = 0\r\n"
                "close-wait-count = 2,4   # three are there") as name:
        report = check_here("--config", name)
        report.expect(WARNING, close_wait="3;;2;4;0;")
        t.check(report.lines[1].endswith(f" --config {name}"), report.lines[1])
        option = ("--close-wait-count", "2,3")
        for line in (("--config", name, *option), (*option, "--config", name)):
            check_here(*line).expect(CRITICAL, close_wait="3;;2;3;0;")
        check_here("--config", name, "--close-wait-age", "1h").expect(OK)
        # leaks takes the same file.
        done = t.tool_run("leaks", "--duration", "0", "--netns", netns(),
                          "--config", name, "-j")
        t.check_equal(json.loads(done.stdout.splitlines()[0]).get("count"), 3,
                      "the count of leaks")


def configuration_pipe():
    """Nobody writes into it, and nobody waits for that."""
    with tempfile.TemporaryDirectory(prefix="tcpstate-") as folder:
        name = os.path.join(folder, "pipe")
        os.mkfifo(name)
        args = ("check", "--config", name)
        unknown(Report(args, t.tool_run(*args, timeout=60)),
                f"{name}: it is a pipe")
        done = t.tool_run("timewait", "--config", name, timeout=60)
        t.check_equal(done.returncode, 2, "the exit status of timewait")


def namespace_that_is_gone():
    """Its sockets were not looked at: that is not OK."""
    check("--netns", "1").expect(UNKNOWN, "there is no network namespace 1")
    check("--netns", netns() + ",1").expect(
        UNKNOWN, "there is no network namespace 1")


def enter_mount_namespace():
    """The host's /etc is not ours to write to."""
    for result in (LIBC.unshare(CLONE_NEWNS),
                   LIBC.mount(b"none", b"/", None, 0x44000, None),  # rprivate
                   LIBC.mount(b"none", b"/etc", b"tmpfs", 0, None)):
        if result:
            raise OSError(ctypes.get_errno(), "no mount namespace")


def default_configuration():
    """/etc/tcpstate/watch.conf: taken if it is there, and no option replaces
    it."""
    Leak(1)

    def absent():
        enter_mount_namespace()

    def there(text):
        def prepare():
            enter_mount_namespace()
            os.mkdir("/etc/tcpstate")
            with open("/etc/tcpstate/watch.conf", "w", encoding="utf-8") as f:
                f.write(text)
        return prepare

    text = "close-wait-age = 0\nclose-wait-count = 1\n"
    check_here(preexec_fn=absent).expect(OK, close_wait="0;;10;100;0;")
    check_here(preexec_fn=there(text)).expect(CRITICAL, close_wait="1;;;1;0;")
    check_here("--close-wait-count", "2", preexec_fn=there(text)).expect(
        OK, close_wait="1;;;2;0;")
    check_here("--config", "/dev/null", preexec_fn=there(text)).expect(
        OK, close_wait="0;;10;100;0;")
    report = check_here(preexec_fn=there(text + "nosuch = 1\n"))
    report.expect(UNKNOWN, "/etc/tcpstate/watch.conf:3: unknown key \"nosuch\"")
    done = t.tool_run("leaks", "--duration", "0",
                      preexec_fn=there("close-wait-age = soon"))
    t.check_equal(done.returncode, 2, "the exit status of leaks")
    t.check("/etc/tcpstate/watch.conf:1: " in done.stderr, done.stderr)


# The command line, and a word of the sentence.
WRONG = [
    ("check --nosuch", "--nosuch"),
    ("--nosuch check", "--nosuch"),
    ("-Z check", "-Z"),
    ("check extra", "extra"),
    ("check check", "check"),
    ("check -- extra", "extra"),
    ("check --close-wait-age", "--close-wait-age"),
    ("check --close-wait-age -1", "--close-wait-age"),
    ("check --close-wait-count 100,10", "above"),
    ("check --fds-used 101", "--fds-used"),
    ("check --ports-used 80,", "--ports-used"),
    ("check --time-wait x", "--time-wait"),
    ("check --syn-recv 1,2,3", "--syn-recv"),
    ("check --format csv", "CSV"),
    ("check --format xml", "--format"),
    ("check --raw", "--raw"),
    ("check --interval 0", "--interval"),
    ("check --duration -1", "--duration"),
    ("check --port 0", "--port"),
    ("check --source nosuch", "--source"),
    ("check --config /no/such/file", "/no/such/file: No such file"),
    ("check --config /", "/: Is a directory"),
    ("check --config /dev/zero", "/dev/zero:1: "),
    ("check --config /proc/self/comm", "/proc/self/comm:1: "),
    ("check close|wait", "close?wait"),
]


def drop():
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)


def unknown(report, word):
    report.expect(UNKNOWN, word)
    t.check_equal(len(report.lines), 1, f"the lines of {report.what}")
    t.check_equal(report.values, {}, f"performance data of {report.what}")


def wrong_usage():
    """Also without privileges: it is found before."""
    for line, word in WRONG:
        for prepare in (None, drop):
            args = line.split()
            done = t.tool_run(*args, timeout=10, preexec_fn=prepare)
            unknown(Report(args, done), word)
            t.check_equal(len(done.stderr.splitlines()), 1,
                          f"the number of lines on stderr of {line}")
            if "|" not in line:
                t.check(word in done.stderr, f"stderr of {line}: {done.stderr}")
    for args in (("check", "two\nlines"), ("check", ""), ("", "check"),
                 ("check", "--port", "x" * 5000), ("check", "\udcff|%s%n")):
        unknown(Report(args, t.tool_run(*args, timeout=10,
                                              errors="replace")), "")
    done = t.tool_run("check", "--help")
    t.check_equal(done.returncode, 0, "the exit status of --help")
    words = " ".join(done.stdout.split())
    t.check("--close-wait-count=" in words and "(default 10,100)" in words,
            "--help does not tell the thresholds")


def not_root():
    folder = tempfile.mkdtemp(prefix="tcpstate-")
    try:
        os.chmod(folder, 0o755)
        os.environ["TCPSTATE_WATCH"] = shutil.copy(t.tool(), folder)
        unknown(check(preexec_fn=drop), "must be root")
        done = t.tool_run("check", "-j", preexec_fn=drop)
        t.check_equal((done.returncode, done.stdout), (UNKNOWN, ""),
                      "JSON without privileges")
    finally:
        shutil.rmtree(folder)


def namespaces_that_cannot_be_entered():
    """Nothing is OK if not all was seen, unless it was not asked for; but what
    was found is true."""
    def no_sys_admin():
        LIBC.prctl(PR_CAPBSET_DROP, CAP_SYS_ADMIN, 0, 0, 0)
    Leak(2)
    report = check(preexec_fn=no_sys_admin)
    report.expect(UNKNOWN, "namespaces could not be read")
    t.check("close_wait" in report.values, f"what was seen: {report.lines}")
    check_here(preexec_fn=no_sys_admin).expect(OK)
    report = check("--close-wait-age", "0", "--close-wait-count", "2",
                   preexec_fn=no_sys_admin).expect(CRITICAL)
    t.check(report.lines[-1].startswith("not all was seen: "), report.lines)


def nothing_can_be_written():
    with open("/dev/full", "w", encoding="ascii") as full:
        done = t.tool_run("check", stdout=full)
    t.check_equal(done.returncode, UNKNOWN, "the exit status on a full disk")


def json_objects():
    Leak(3)
    age = ("--close-wait-age", "0", "--netns", netns(), "-j")
    for threshold, code in (("4", OK), ("3,4", WARNING), ("3", CRITICAL)):
        done = t.tool_run("check", *age, "--close-wait-count", threshold)
        t.check_equal(done.returncode, code, "the exit status with -j")
        objects = [json.loads(x) for x in done.stdout.splitlines()]
        events = ["finding", "summary"] if code != OK else ["summary"]
        t.check_equal([o["event"] for o in objects], events, "the objects")
        if code != OK:
            t.check_equal((objects[0]["count"], objects[0]["severity"]),
                          (3, WORDS[code].lower()), "the finding")


def observing():
    """With --duration hooks are attached, and a signal means: report now."""
    Leak(2)
    for source in t.sources():
        watched = Observed("--source", source, "--close-wait-age", "0",
                           "--close-wait-count", "2,3")
        t.check(f"source {source}" in watched.ready, watched.ready)
        watched.report().expect(WARNING, "2 CLOSE_WAIT",
                                close_wait="2;;2;3;0;")


if __name__ == "__main__":
    t.main(all_is_well, close_wait_count, the_command_that_is_told,
           several_leaks_are_one_number, close_wait_age, fds_used,
           ports_used, syn_recv, time_wait_buckets, time_wait_overflows,
           names_are_harmless, configuration, configuration_pipe,
           default_configuration, namespace_that_is_gone,
           wrong_usage, not_root, namespaces_that_cannot_be_entered,
           nothing_can_be_written, json_objects, observing, per_source=False,
           shared=True)
