#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Who merely runs when a connection moves is never told as its owner: ss that
looks or kills, whoever sets off the unix garbage collector, kernel threads that
let go of files or work for MPTCP, and this tool. Unknown is unknown."""
import os
import signal
import socket
import subprocess
import threading

import tcpstate_test as t
from holders_found import Child, connected, io_uring, register

CONNECTIONS = 1000 // t.PATIENCE    # that come and go
KEPT = 200              # that stay, to be looked at and killed
IPPROTO_MPTCP = 262


def echo_server(say, server):
    """Says a byte, and closes when it hears one."""
    say(pid=os.getpid())
    while True:
        sock, _ = server.accept()
        sock.sendall(b"x")
        sock.recv(1)
        sock.close()


def keep_server(say, server):
    say(pid=os.getpid())
    kept = []
    while True:
        kept.append(server.accept()[0])


def come_and_go(say, to, count, proto=0, go=None):
    if go:
        os.read(go[0], 1)
    for _ in range(count):
        with socket.socket(proto=proto) as sock:
            sock.settimeout(t.LIMIT)
            sock.connect(to)
            sock.recv(1)
            sock.sendall(b"x")
            sock.recv(1)
    say(done=count)


def stay(say, to, count):
    kept = [t.connect(to) for _ in range(count)]
    say(done=count)
    return kept


class Crowd:
    """Runs commands over and over beside the traffic."""

    def __init__(self, *commands):
        self.runs = [0] * len(commands)
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._loop, args=(n, c))
                         for n, c in enumerate(commands)]

    def _loop(self, n, command):
        while not self._over.is_set() or not self.runs[n]:
            subprocess.run(command, stdin=subprocess.DEVNULL, check=False,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.runs[n] += 1

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc):
        self._over.set()
        for thread in self._threads:
            thread.join()


def check_owners(watch, programs, at_least):
    """Everything of this namespace is of one of these processes, or of nobody
    that is known."""
    t.check_equal(watch.stop(), 0, "the exit status")
    told = [o for o in watch.objects
            if o["event"] in ("state", "accept", "conn") and
            o["netns"] in watch.own and
            # The number was that of a namespace of another program, which is
            # still being taken down.
            o.get("reason") != "netns"]
    t.check(len(told) >= at_least, f"only {len(told)} lines were told")
    for o in told:
        if "pid" not in o:
            t.check("comm" not in o, f"a name without a number: {o}")
            continue
        t.check(o["pid"] in programs, f"the owner is a bystander: {o}")
        t.check_equal(o["comm"], programs[o["pid"]], f"the name in {o}")
    return told


def programs(*pids):
    return {pid: t.Owner(pid).comm for pid in (os.getpid(), *pids)}


def beside_traffic(source, *commands, killing=False):
    servers = [t.listener(backlog=256) for _ in range(2)]
    tos = [s.getsockname()[:2] for s in servers]
    watch = t.Watch(source)
    workers = [Child(echo_server, servers[0]), Child(keep_server, servers[1])]
    workers.append(Child(stay, tos[1], KEPT))
    t.check_equal(workers[2].said, {"done": KEPT}, "the connections that stay")
    # Before the threads of the crowd, whose locks a fork() would take along.
    go = os.pipe()
    clients = [Child(come_and_go, tos[0], CONNECTIONS // 2, 0, go)
               for _ in range(2)]
    with Crowd(*commands) as crowd:
        os.write(go[1], b"go")
        for client in clients:
            t.check_equal(client.said, {"done": CONNECTIONS // 2},
                          "the connections that came and went")
    if killing:
        t.run("ss", "-K", "-tn", "state", "established", "dport", "=",
              f":{tos[1][1]}")
        t.wait_until(lambda: not any(
            s.state == "ESTABLISHED" and tos[1][1] in (s.sport, s.dport)
            for s in t.sockets()), "the end of what ss -K kills")
    t.check(all(crowd.runs), "a bystander did not run")
    # At least ESTABLISHED and CLOSE of both ends.
    told = check_owners(watch, programs(*(w.pid for w in workers + clients)),
                        4 * CONNECTIONS)
    known = sum("pid" in o for o in told)
    t.check(known >= CONNECTIONS, f"an owner is known of {known} lines only")
    if killing:
        killed = [o for o in told if o.get("reason") == "killed"]
        t.check(len(killed) >= KEPT, f"only {len(killed)} were told as killed")


def ss_that_looks(source):
    beside_traffic(source, ["ss", "-tinemoOa"], ["ss", "-tinea"])


def ss_that_kills(source):
    """What comes and goes is killed by nobody; what ss kills is its own."""
    beside_traffic(source, ["ss", "-tinea"], killing=True)


def ourselves(source):
    """A second one dumps all sockets, and reads all descriptor tables."""
    beside_traffic(
        source,
        [t.tool(), "conns", "--open", "--pid", "1", "--owners", "iterator"],
        [t.tool(), "watch", "-j", "--source", source, "--duration", "300ms",
         "--reconcile", "20ms"])


# ---- the unix garbage collector ----

def make_garbage(say, to, count):
    """Connections in messages that nobody can ever receive."""
    one, other = socket.socketpair()
    for _ in range(count):
        sock = connected(to)
        socket.send_fds(one, [b"x"], [sock.fileno()])
        sock.close()
    socket.send_fds(one, [b"x"], [one.fileno(), other.fileno()])
    say(pid=os.getpid())
    # Both ends are now only in their own messages.
    os.read(GO[0], 1)
    one.close()
    other.close()


GO = None


def collector(_say):
    """Closes unix sockets, and so sets off the collector at times."""
    while True:
        for end in socket.socketpair():
            end.close()


def say_byte(say, server):
    say(pid=os.getpid())
    kept = []
    while True:
        kept.append(server.accept()[0])
        kept[-1].sendall(b"x")


def unix_garbage(source):
    """Those that the tool saw begin are of who connected them; of those that
    were in flight before, nobody knows."""
    global GO
    count = 20
    server = t.listener(backlog=64)
    to = server.getsockname()[:2]
    GO = os.pipe()
    peer = Child(say_byte, server)
    old = Child(make_garbage, to, count)
    t.check_equal(old.said["pid"], old.pid, "the first with garbage")
    watch = t.Watch(source)
    new = Child(make_garbage, to, count)
    t.check_equal(new.said["pid"], new.pid, "the second with garbage")
    bystanders = [Child(collector) for _ in range(2)]
    os.write(GO[1], b"go")
    t.wait_until(lambda: not any(s.dport == to[1] and s.state == "ESTABLISHED"
                                 for s in t.sockets()), "the collection")
    told = check_owners(watch, programs(peer.pid, old.pid, new.pid), 2 * count)
    for b in bystanders:
        os.kill(b.pid, signal.SIGKILL)
    ended = [o for o in told if o.get("dport") == to[1] and
             o["new_state"] == "FIN_WAIT1"]
    t.check_equal(len(ended), 2 * count, "those that the collector closed")
    t.check_equal(sum(o.get("pid") == new.pid for o in ended), count,
                  "those of the process that the tool saw connect")


def send_away(say, to, one, other):
    """Its connection is then in a message alone, at the other end."""
    sock = connected(to)
    socket.send_fds(one, [b"x"], [sock.fileno()])
    for end in (sock, one, other):
        end.close()
    say(pid=os.getpid())


def throw_away(say, one, other):
    """Never had its descriptor, and lets go of it last."""
    os.read(GO[0], 1)
    one.close()
    other.close()
    say(pid=os.getpid())


def message_thrown_away(source):
    """It is closed by whoever closes the socket that the message waits at, who
    is then in no table of the kernel's with it, before or after."""
    global GO
    server = t.listener()
    to = server.getsockname()[:2]
    GO = os.pipe()
    peer = Child(say_byte, server)
    one, other = socket.socketpair()
    sender = Child(send_away, to, one, other)
    t.check_equal(sender.said["pid"], sender.pid, "the sender")
    bystander = Child(throw_away, one, other)
    one.close()
    other.close()
    # Begun after it, so that nobody knows whose it was.
    watch = t.Watch(source, alone=True)
    os.write(GO[1], b"go")
    t.check_equal(bystander.said["pid"], bystander.pid, "who closed it")
    end = watch.wait_for(lambda o: o.get("dport") == to[1] and
                         o.get("new_state") == "FIN_WAIT1", "its close")
    # Where accept() is not seen, whoever closes is taken for its owner.
    inferred = {bystander.pid} if watch.infers(t.ACCEPT_OWNER) else set()
    check_owners(watch, programs(peer.pid, *inferred), 1)
    t.check_equal({end["pid"]} if "pid" in end else set(), inferred,
                  f"the owner in {end}")


def take_back(say, to, go):
    """It has its connection in a message to itself, until it is told to go."""
    one, other = socket.socketpair()
    sock = connected(to)
    socket.send_fds(one, [b"x"], [sock.fileno()])
    sock.close()
    say(pid=os.getpid())
    os.read(go, 1)
    os.close(socket.recv_fds(other, 1, 1)[1][0])


def message_taken_back(source):
    """Nobody is known to have it, and who has made it closes it: its owner."""
    server = t.listener()
    to = server.getsockname()[:2]
    go = os.pipe()
    peer = Child(say_byte, server)
    maker = Child(take_back, to, go[0])
    t.check_equal(maker.said["pid"], maker.pid, "who has made it")
    watch = t.Watch(source, alone=True)
    os.write(go[1], b"go")
    end = watch.wait_for(lambda o: o.get("dport") == to[1] and
                         o.get("new_state") == "FIN_WAIT1", "its close")
    check_owners(watch, programs(peer.pid, maker.pid), 1)
    t.check_equal(end.get("pid"), maker.pid, f"the owner in {end}")


# ---- kernel threads ----

def keep_in_ring(say, to, count):
    rings = []
    for _ in range(count):
        sock = connected(to)
        rings.append(register(sock))
        sock.close()
    say(pid=os.getpid())
    return rings


def let_go_by_a_worker(source):
    """io_uring's files are put by a kernel thread when its owner has ended."""
    count = 20
    os.close(io_uring())
    server = t.listener(backlog=64)
    to = server.getsockname()[:2]
    peer = Child(say_byte, server)
    watch = t.Watch(source)
    owner = Child(keep_in_ring, to, count)
    t.check_equal(owner.said["pid"], owner.pid, "the one with the rings")
    allowed = programs(peer.pid, owner.pid)
    os.kill(owner.pid, signal.SIGKILL)
    os.waitpid(owner.pid, 0)
    t.wait_until(lambda: not any(s.dport == to[1] and s.state == "ESTABLISHED"
                                 for s in t.sockets()), "the last put")
    told = check_owners(watch, allowed, 2 * count)
    ended = [o for o in told if o.get("dport") == to[1] and
             o["new_state"] == "FIN_WAIT1"]
    t.check_equal(len(ended), count, "those that were let go of")
    for o in ended:
        t.check_equal(o.get("pid"), owner.pid, f"the owner in {o}")


def mptcp(source):
    """Its worker moves subflows; they are of who uses the MPTCP socket."""
    try:
        server = socket.socket(proto=IPPROTO_MPTCP)
    except OSError as e:
        raise t.Skip(f"no MPTCP: {e}") from None
    server.bind(("127.0.0.1", 0))
    server.listen(64)
    count = CONNECTIONS // 20
    watch = t.Watch(source)
    worker = Child(echo_server, server)
    client = Child(come_and_go, server.getsockname(), count, IPPROTO_MPTCP)
    t.check_equal(client.said, {"done": count}, "the connections")
    told = check_owners(watch, programs(worker.pid, client.pid), 4 * count)
    t.check(any(o.get("pid") == client.pid for o in told),
            "no subflow has an owner")


if __name__ == "__main__":
    t.main(ss_that_looks, ss_that_kills, ourselves, unix_garbage,
           message_thrown_away, message_taken_back, let_go_by_a_worker,
           mptcp, limit=150,
           shares=("events",))
