#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Who holds a leaked connection: exactly the processes that do, however they
came by it, and who has closed it; and that no process does. Both ways to read
the descriptor tables tell the same, of what is older than the tool and of what
it saw begin."""
import ctypes
import errno
import functools
import json
import os
import resource
import socket
import struct
import subprocess
import sys
import threading

import tcpstate_test as t

WAYS = ("iterator", "proc")
WORKERS = 3
CLONE_FILES = 0x400
SYS_exit = {"x86_64": 60, "aarch64": 93}
SYS_io_uring_setup, SYS_io_uring_register = 425, 427
IORING_REGISTER_FILES = 2
NOBODY = "held by the kernel, io_uring or in flight"
SERVICE = """
import json, os, socket, sys
assert os.environ["LISTEN_PID"] == str(os.getpid())
sock, _ = socket.socket(fileno=3).accept()
print(json.dumps({"fds": [sock.fileno()]}), flush=True)
sys.stdin.read()
"""


class Child:
    """A process that does some work, says what has come of it, and then waits
    to be killed."""

    def __init__(self, work, *args):
        r, w = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            t.die_with_parent()
            os.close(r)
            try:
                kept = work(lambda **said: os.write(
                    w, json.dumps(said).encode() + b"\n"), *args)
                os.close(w)
                threading.Event().wait()
                del kept
            finally:
                os._exit(1)
        os.close(w)
        self._work, self._from = work.__name__, os.fdopen(r)

    @functools.cached_property
    def said(self):
        line = self._from.readline()
        t.check(line, f"{self._work} died without a word")
        return json.loads(line)


def idle(say):
    say(pid=os.getpid())


def connected(to):
    sock = t.connect(to)
    sock.recv(1)
    return sock


class Scene:
    """A server in the test. What its clients have connected is stuck in
    CLOSE_WAIT when they have heard a byte and the server has closed."""

    def __init__(self):
        self.server = t.listener()
        self.to = self.server.getsockname()[:2]
        self.children = []

    def play(self, work, *args):
        """The child is made first: a fork() takes no threads along, but their
        locks."""
        child = Child(work, self.to, *args)
        self._serve()
        # A byte that is read with the FIN behind it takes that along.
        cookie = child.said["cookie"]
        for end in self.children:
            end.close()
        t.wait_diag(cookie, "CLOSE_WAIT")
        return child

    def _serve(self):
        child, _ = self.server.accept()
        child.sendall(b"x")
        self.children.append(child)


class Expected:
    def __init__(self, bug, pid=None, fds=(), holders=None, closed_by=None):
        self.bug, self.pid, self.fds = bug, pid, sorted(fds)
        self.holders = holders if holders is not None else {pid} - {None}
        self.closed_by = closed_by

    def check(self, finding, who):
        t.check_equal(finding["bug"], self.bug, f"{who}: bug")
        t.check_equal(finding.get("pid"), self.pid, f"{who}: pid")
        t.check_equal(finding["fds"], self.fds, f"{who}: fds")
        told = finding["holders"]
        t.check_equal(sorted(h["pid"] for h in told), sorted(self.holders),
                      f"{who}: the pids of the holders")
        for holder in told:
            t.check_equal(holder["comm"], t.Owner(holder["pid"]).comm,
                          f"{who}: the name of {holder}")
            t.check_equal(holder["count"], finding["count"],
                          f"{who}: the connections of {holder}")
        t.check_equal(finding.get("closed_by", {}).get("pid"), self.closed_by,
                      f"{who}: who closed it")
        if self.pid:
            t.check_equal(finding["exe"],
                          os.path.realpath(sys.executable),
                          f"{who}: exe")
        self._check_words(finding, who)

    def _check_words(self, finding, who):
        verdict = finding["verdict"]
        if self.bug == "ownerless":
            t.check(NOBODY in verdict, f"{who}: the verdict is {verdict!r}")
        if self.bug == "held_elsewhere":
            for pid in (self.pid, self.closed_by):
                t.check(f"{t.Owner(pid).comm}[{pid}]" in verdict,
                        f"{who}: {pid} is not named in {verdict!r}")


def findings_of(watch):
    t.check_equal(watch.stop(), 0, "the exit status of leaks")
    watch.check_summary()
    return [o for o in watch.objects if o["event"] == "finding"]


def only(findings, who):
    t.check_equal(len(findings), 1, f"{who}: the number of findings")
    return findings[0]


def look(source, make):
    """make(): the scene; returns what is expected of a tool that saw it, and
    of one that came later."""
    early = {way: t.Watch(source, "leaks", "--age", "0", "--duration", "1h",
                          "--owners", way) for way in WAYS}
    seen, later = make()
    # What they report must have reached them.
    t.Watch(source).stop()
    for way, watch in early.items():
        seen.check(only(findings_of(watch), f"seen by {way}"),
                   f"seen, by {way}")
    for way in WAYS:
        watch = t.Watch(source, "leaks", "--age", "0", "--duration", "0",
                        "--owners", way)
        watch.wait_for(lambda o: o["event"] == "summary", "the report")
        later.check(only(findings_of(watch), f"later by {way}"),
                    f"later, by {way}")


# ---- one holder, or many ----

def fork_and_close(say, to):
    sock = connected(to)
    heir = Child(idle).said["pid"]
    say(cookie=t.cookie(sock), heir=heir, fd=sock.fileno())
    sock.close()


def closed_by_the_parent(source):
    def make():
        parent = Scene().play(fork_and_close)
        heir, fd = parent.said["heir"], parent.said["fd"]
        # It says so before it closes.
        t.wait_until(lambda: not os.path.exists(f"/proc/{parent.pid}/fd/{fd}"),
                     "close() by the parent")
        return (Expected("held_elsewhere", heir, [fd], closed_by=parent.pid),
                Expected("fin_unread", heir, [fd]))
    look(source, make)


def fork_and_dup(say, to):
    sock = connected(to)
    heirs = [Child(idle).said["pid"] for _ in range(WORKERS)]
    fds = [sock.fileno(), os.dup(sock.fileno()), os.dup(sock.fileno())]
    say(cookie=t.cookie(sock), heirs=heirs, fds=fds)
    return sock


def held_by_all(source):
    """Its descriptors are its own, the holders are all; the pid is that of who
    connected, and for one that came later of the oldest."""
    def make():
        parent = Scene().play(fork_and_dup)
        expected = Expected("fin_unread", parent.pid, parent.said["fds"],
                            {parent.pid, *parent.said["heirs"]})
        return expected, expected
    look(source, make)


def pass_on(say, to):
    mine, theirs = socket.socketpair()
    sock = connected(to)
    # Not by fork(): the other one comes with no descriptor of it.
    socket.send_fds(mine, [b"x"], [sock.fileno()])
    fd = sock.fileno()
    sock.close()
    receiver = Child(receive, theirs)
    say(cookie=receiver.said["cookie"], receiver=receiver.pid,
        fds=receiver.said["fds"], closed=fd)
    return mine, theirs


def receive(say, theirs):
    _, fds, _, _ = socket.recv_fds(theirs, 1, 1)
    sock = socket.socket(fileno=fds[0])
    say(cookie=t.cookie(sock), fds=fds)
    return sock


def passed_by_message(source):
    def make():
        sender = Scene().play(pass_on)
        receiver, fds = sender.said["receiver"], sender.said["fds"]
        return (Expected("held_elsewhere", receiver, fds,
                         closed_by=sender.pid),
                Expected("fin_unread", receiver, fds))
    look(source, make)


# ---- threads ----

def own_table(say, to):
    """The thread keeps what the rest of the program closes."""
    sock = connected(to)
    number, cookie = sock.fileno(), t.cookie(sock)
    unshared, closed = threading.Event(), threading.Event()

    def keep():
        t._checked(t._libc.unshare(CLONE_FILES), "unshare")
        unshared.set()
        closed.wait()
        say(cookie=cookie, fds=[number])
        threading.Event().wait()
    threading.Thread(target=keep, daemon=True).start()
    unshared.wait()
    sock.close()
    closed.set()
    threading.Event().wait()


def thread_with_its_own_table(source):
    def make():
        program = Scene().play(own_table)
        expected = Expected("fin_unread", program.pid, program.said["fds"])
        return expected, expected
    look(source, make)


def leader_ends(say, to):
    sock = connected(to)
    def go_on():
        def state():
            with open(f"/proc/self/task/{os.getpid()}/stat", encoding="ascii") as f:
                return f.read().rpartition(")")[2].split()[0]
        t.wait_until(lambda: state() == "Z", "the end of the first thread")
        say(cookie=t.cookie(sock), fds=[sock.fileno()])
        threading.Event().wait()
    for _ in range(WORKERS):
        threading.Thread(target=threading.Event().wait, daemon=True).start()
    threading.Thread(target=go_on, daemon=True).start()
    t._libc.syscall(SYS_exit[os.uname().machine], 0)


def leader_has_ended(source):
    def make():
        program = Scene().play(leader_ends)
        expected = Expected("fin_unread", program.pid, program.said["fds"])
        return expected, expected
    look(source, make)


# ---- no process ----

def send_and_close(say, to):
    mine, theirs = socket.socketpair()
    sock = connected(to)
    cookie = t.cookie(sock)
    socket.send_fds(mine, [b"x"], [sock.fileno()])
    sock.close()
    say(cookie=cookie)
    return mine, theirs


def held_by_no_process(source, work):
    def make():
        sender = Scene().play(work)
        return (Expected("ownerless", closed_by=sender.pid),
                Expected("ownerless"))
    look(source, make)


def in_flight(source):
    held_by_no_process(source, send_and_close)


def io_uring(entries=4):
    """A ring, by its system call; the descriptor."""
    params = ctypes.create_string_buffer(120)
    ring = t._libc.syscall(SYS_io_uring_setup, entries, params)
    if ring < 0 and ctypes.get_errno() in (errno.ENOSYS, errno.EPERM):
        raise t.Skip("this kernel lets nobody use io_uring")
    return t._checked(ring, "io_uring_setup") or ring


def register(sock):
    """Into a ring of its own, which holds it then; the ring."""
    ring = io_uring()
    files = ctypes.create_string_buffer(struct.pack("i", sock.fileno()), 4)
    t._checked(t._libc.syscall(SYS_io_uring_register, ring,
                               IORING_REGISTER_FILES, files, 1),
               "io_uring_register")
    return ring


def register_and_close(say, to):
    sock = connected(to)
    cookie = t.cookie(sock)
    ring = register(sock)
    sock.close()
    say(cookie=cookie)
    return ring


def held_by_io_uring(source):
    os.close(io_uring())
    held_by_no_process(source, register_and_close)


# ---- servers ----

def stuck(server, clients):
    """The cookies of the server's ends, which their clients have left."""
    ends = [t.unaccepted(client, server) for client in clients]
    for client in clients:
        client.close()
    for end in ends:
        t.wait_diag(end.cookie, "CLOSE_WAIT")
    return {end.cookie for end in ends}


def accept_one(say, server):
    sock, _ = server.accept()
    say(fds=[sock.fileno()])
    return sock


def prefork(source):
    """Each worker holds its own connection, and all of them the listener."""
    server = t.listener()
    early = t.Watch(source, "leaks", "--age", "0", "--duration", "1h")
    # In this order: nobody inherits the clients.
    workers = {w.pid: w for w in (Child(accept_one, server)
                                  for _ in range(WORKERS))}
    clients = [t.connect(server) for _ in range(WORKERS)]
    for worker in workers.values():
        t.check(worker.said["fds"], "a worker accepted nothing")
    cookies = stuck(server, clients)
    t.Watch(source).stop()
    findings = findings_of(early)
    t.check_equal({f.get("pid") for f in findings}, set(workers),
                  "the workers that are told")
    t.check_equal({c for f in findings for c in f["conn_ids"]}, cookies,
                  "the connections that are told")
    for finding in findings:
        pid = finding["pid"]
        Expected("fin_unread", pid, workers[pid].said["fds"]).check(
            finding, f"worker {pid}")
        t.check_equal(finding["listener"]["sport"], server.getsockname()[1],
                      f"worker {pid}: the port of its listener")


def accept_in_threads(say, server):
    socks = []

    def work():
        socks.append(server.accept()[0])
    pool = [threading.Thread(target=work) for _ in range(WORKERS)]
    for thread in pool:
        thread.start()
    for thread in pool:
        thread.join()
    say(fds=[s.fileno() for s in socks])
    return socks


def thread_pool(source):
    """The program and not the threads that have accepted, and all three."""
    def make():
        server = t.listener()
        program = Child(accept_in_threads, server)
        clients = [t.connect(server) for _ in range(WORKERS)]
        t.check_equal(len(program.said["fds"]), WORKERS, "the descriptors")
        stuck(server, clients)
        server.close()
        expected = Expected("fin_unread", program.pid, program.said["fds"])
        return expected, expected
    look(source, make)


def activate(server):
    """As systemd does: the listener is descriptor 3 of the service, which
    another process made and keeps."""
    number = os.dup(server.fileno())
    def in_child():
        t.die_with_parent()
        os.dup2(number, 3)
        os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
        os.execv(sys.executable, [sys.executable, "-c", SERVICE])
    service = subprocess.Popen([sys.executable], preexec_fn=in_child,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               pass_fds=[number])
    os.close(number)
    return service


def socket_activation(source):
    def make():
        server = t.listener()
        client = t.connect(server)
        service = activate(server)
        said = json.loads(service.stdout.readline())
        stuck(server, [client])
        expected = Expected("fin_unread", service.pid, said["fds"])
        expected.service = service
        return expected, expected
    look(source, make)


# ---- from a container ----

def of_another_pid_namespace(source):
    """What the processes outside hold is nobody's there, and not the kernel's."""
    scene = Scene()

    def hold(say, to):
        sock = connected(to)
        say(cookie=t.cookie(sock))
        return sock
    scene.play(hold)
    done = subprocess.run(
        ["unshare", "-pf", "--mount-proc", t.tool(), "leaks", "-j", "--source",
         source, "--age", "0", "--duration", "0", "--netns",
         str(os.stat("/proc/self/ns/net").st_ino)], stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False, timeout=t.LIMIT)
    t.check_equal(done.returncode, 0, f"the exit status, after {done.stderr}")
    found = [o for o in map(json.loads, done.stdout.splitlines())
             if o["event"] == "finding"]
    t.check("not all processes" in done.stderr, "stderr does not say that "
            f"processes are out of sight: {done.stderr}")
    t.check(only(found, "inside")["bug"] not in ("ownerless", "held_elsewhere"),
            f"told as {found[0]['bug']}: {found[0]['verdict']}")


def connect_and_share(say, server, box):
    sock = t.connect(server)
    socket.send_fds(box, [b"x"], [sock.fileno()])
    say(fds=[sock.fileno()])
    return sock, box


def hidden_by_a_thousand(source):
    """A process with a lower pid has more descriptors of it than are looked at:
    whose it is holds it all the same."""
    watch = t.Watch(source, "leaks", "--age", "0", "--duration", "1h")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2000), hard))
    server = t.listener()
    server.settimeout(t.LIMIT)
    mine, theirs = socket.socketpair()
    child = Child(connect_and_share, server, theirs)
    t.check(child.pid > os.getpid(), "the child has the lower pid")
    _, fds, _, _ = socket.recv_fds(mine, 1, 1)
    kept = [os.dup(fds[0]) for _ in range(1100)]
    server.accept()[0].close()
    sock = socket.socket(fileno=fds[0])
    cookie = t.cookie(sock)
    t.wait_diag(cookie, "CLOSE_WAIT")
    # What it reports must have reached the tool.
    t.Watch(source).stop()
    finding, = findings_of(watch)
    t.check_equal((finding["bug"], finding["pid"], finding["fds"],
                   finding.get("closed_by"), finding["conn_ids"]),
                  ("fin_unread", child.pid, child.said["fds"], None, [cookie]),
                  "the finding")
    t.check_equal({h["pid"] for h in finding["holders"]},
                  {child.pid, os.getpid()}, "its holders")
    for fd in kept:
        os.close(fd)


if __name__ == "__main__":
    t.main(closed_by_the_parent, held_by_all, passed_by_message,
           thread_with_its_own_table, leader_has_ended, in_flight,
           held_by_io_uring, prefork, thread_pool, socket_activation,
           hidden_by_a_thousand, of_another_pid_namespace, shared=True)
