#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Whose a connection is, of servers as they are built: processes that inherit
a listener, threads, a program that is started with one (systemd, inetd). What
`ss -p` says while it is open is what the tool says when it is closed."""
import os
import re
import subprocess
import sys
import threading

import tcpstate_test as t

CONNECTIONS = 6
SERVE = """
import socket, sys
server = socket.socket(fileno=int(sys.argv[1]))
while True:
    sock, _ = server.accept()
    sock.sendall(b"x")
    sock.recv(1)
    sock.close()
"""


def users():
    """The processes that hold each connection, by its cookie, from ss."""
    held = {}
    for line in t.run("ss", "-tnpeH", "state", "established").splitlines():
        key = re.search(r"sk:([0-9a-f]+)", line)
        if key:
            held[key[1]] = {(comm, int(pid)) for comm, pid in
                            re.findall(r'\("([^"]*)",pid=(\d+)', line)}
    return held


def talk(source, server, connections=CONNECTIONS):
    """Connections to a server that says a byte, and closes when it hears one;
    returns what ss said and the tool says of the server's ends."""
    conns = t.Watch(source, "conns")
    clients = []
    for _ in range(connections):
        client = t.connect(server)
        t.check_equal(client.recv(1), b"x", "what the server said")
        clients.append(client)
    real = users()
    ends = [t.unaccepted(client, server) for client in clients]
    for client in clients:
        client.sendall(b"x")
        t.check_equal(client.recv(1), b"", "what comes after it")
        client.close()
    for end in ends:
        line = conns.wait_for(lambda o, e=end: o["event"] == "conn" and
                              o["conn_id"] == e.cookie, f"conn {end}")
        t.check(end.cookie in real, f"ss does not show {end}")
        t.check((line.get("comm"), line.get("pid")) in real[end.cookie],
                f"the owner of {end} is told as {line.get('comm')} "
                f"{line.get('pid')}, and ss says {real[end.cookie]}")
        t.check_equal(line["role"], "server", f"the role of {end}")
    t.check_equal(conns.stop(), 0, "the exit status")
    conns.check_summary()
    return {pid for e in ends for _, pid in real[e.cookie]}


def serve(server):
    while True:
        sock, _ = server.accept()
        sock.sendall(b"x")
        sock.recv(1)
        sock.close()


def in_child(work):
    pid = os.fork()
    if pid:
        return pid
    t.die_with_parent()
    try:
        work()
    finally:
        os._exit(1)


def prefork(source):
    """Each accepts from the listener of its parent, one connection at a time."""
    server = t.listener()
    workers = {in_child(lambda: serve(server)) for _ in range(CONNECTIONS)}
    owners = talk(source, server)
    t.check_equal(owners, workers, "the workers that own connections")


def threads(source):
    """A thread for each connection; the owner is the program, not a thread."""
    server = t.listener()

    def work():
        for _ in range(CONNECTIONS):
            threading.Thread(target=serve, args=(server,)).start()
        threading.Event().wait()
    program = in_child(work)
    t.check_equal(talk(source, server), {program}, "the owners")


def descriptor_handed_over(source):
    """As inetd does: one process accepts, and another one is started with the
    connection and closes it."""
    server = t.listener()

    def accept_all():
        while True:
            sock, _ = server.accept()
            subprocess.Popen(
                [sys.executable, "-c", "import socket, sys\n"
                 "sock = socket.socket(fileno=0)\n"
                 "sock.sendall(b'x')\nsock.recv(1)\nsock.close()\n"],
                stdin=sock.fileno(), preexec_fn=t.die_with_parent)
            sock.close()
    acceptor = in_child(accept_all)
    conns = t.Watch(source, "conns")
    client = t.connect(server)
    t.check_equal(client.recv(1), b"x", "what the server said")
    end = t.unaccepted(client, server)
    holders = {pid for _, pid in users()[end.cookie]}
    client.sendall(b"x")
    t.check_equal(client.recv(1), b"", "what comes after it")
    client.close()
    line = conns.wait_for(lambda o: o["event"] == "conn" and
                          o["conn_id"] == end.cookie, f"conn {end}")
    # Who accepted it, where that is observed; else who closed it.
    wanted = holders if conns.infers(t.ACCEPT_OWNER) else {acceptor}
    t.check(line.get("pid") in wanted, f"the owner of {end} is told as "
            f"{line.get('pid')}, and must be of {wanted}")
    t.check(acceptor not in holders, "the acceptor still holds it")


def inherited_listener(source):
    """The listener is made by one program and used by another."""
    server = t.listener()
    fd = server.fileno()
    os.set_inheritable(fd, True)
    program = subprocess.Popen([sys.executable, "-c", SERVE, str(fd)],
                               pass_fds=[fd], preexec_fn=t.die_with_parent)
    t.check_equal(talk(source, server, 1), {program.pid}, "the owners")


if __name__ == "__main__":
    t.main(prefork, threads, descriptor_handed_over, inherited_listener,
           shares=("conns",))
