#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Whose a connection is, of servers that people run, each in a namespace and with
a configuration of its own: what `ss -tnpe` says of a socket while it is open is
what the tool says of it, in the list of those open, and when it is over."""
import os
import re
import socket
import sys

import tcpstate_servers as servers
import tcpstate_test as t
from tcpstate_servers import PORT, Server

CONNECTIONS = 6

# The name that inetd knows the port by is the number itself.
INETD = "127.0.0.1:{port} stream tcp nowait root {python} python3 {dir}/echo.py\n"
ECHO = """
import sys
while line := sys.stdin.buffer.readline():
    sys.stdout.buffer.write(b"x" + line)
    sys.stdout.buffer.flush()
"""
THREADS = """
import socketserver
class Echo(socketserver.StreamRequestHandler):
    def handle(self):
        while line := self.rfile.readline():
            self.wfile.write(b"x" + line)
class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    request_queue_size = 64
Server(("127.0.0.1", {port}), Echo).serve_forever()
"""


def users():
    """The processes that hold each connection, by its cookie, from ss."""
    held = {}
    for line in t.run("ss", "-tnpeH", "state", "established", "sport", "=",
                      f":{PORT}").splitlines():
        key = re.search(r"\bsk:([0-9a-f]+)", line)
        held[key[1]] = {(comm, int(pid)) for comm, pid in
                        re.findall(r'\("([^"]*)",pid=(\d+)', line)}
    return held


def clients_of(request, connections):
    """Each has said something and was answered: so it was accepted."""
    clients = []
    for _ in range(connections):
        client = t.connect(("127.0.0.1", PORT))
        client.sendall(request)
        t.check(client.recv(4096), "the server said nothing")
        clients.append(client)
    return clients


def owner_of(o):
    return o.get("comm"), o.get("pid")


def talk(source, request, connections=CONNECTIONS):
    """The owners that ss says; the tool says the same, twice."""
    here = str(os.stat("/proc/self/ns/net").st_ino)
    conns = t.Watch(source, "conns")
    clients = clients_of(request, connections)
    real = users()
    t.check_equal(len(real), connections, "the connections that ss shows")
    t.check(all(real.values()), f"ss names no owner: {real}")
    done = t.tool_run("conns", "--open", "-j", "-N", here, "--source", source)
    listed = {o["conn_id"]: o for o in map(t.json.loads,
                                           done.stdout.splitlines())
              if o["event"] == "conn"}
    for key, holders in real.items():
        t.check(key in listed, f"conns --open does not list {key}")
        t.check(owner_of(listed[key]) in holders,
                f"conns --open: {key} is {owner_of(listed[key])}'s, and ss says "
                f"{holders}")
    for client in clients:
        client.shutdown(socket.SHUT_WR)
        t.read_to_end(client)
        client.close()
    for key, holders in real.items():
        line = conns.wait_for(lambda o, k=key: o["event"] == "conn" and
                              o["conn_id"] == k, f"conn {key}")
        t.check_equal(line["role"], "server", f"the role of {key}")
        real[key] = holders, owner_of(line)
    t.check_equal(conns.stop(), 0, "the exit status")
    conns.check_summary()
    return real, conns


def told_as_ss(source, request, connections=CONNECTIONS):
    """Where nobody hands it over, whoever ends it is who held it."""
    real, _ = talk(source, request, connections)
    for key, (holders, told) in real.items():
        t.check(told in holders, f"conns: {key} is {told}'s, and ss said "
                f"{holders}")
    return {pid for holders, _ in real.values() for _, pid in holders}


def nginx_workers(source):
    server = servers.nginx(workers=2)
    owners = told_as_ss(source, servers.REQUEST)
    t.check(server.pid not in owners, "the master owns connections")


def apache_prefork(source):
    server = servers.apache()
    owners = told_as_ss(source, servers.REQUEST)
    t.check(server.pid not in owners, "the parent owns connections")
    t.check_equal(len(owners), CONNECTIONS, "the children with a connection")


def redis(source):
    server = servers.redis()
    t.check_equal(told_as_ss(source, b"PING\r\n"), {server.pid},
                  "the owners")


def python_threads(source):
    server = Server(sys.executable, "{dir}/threads.py",
                    files={"threads.py": THREADS})
    t.check_equal(told_as_ss(source, b"hello\n"), {server.pid},
                  "the owners")


def inetd(source):
    """It accepts, forks, and the child is the program: who accepted is told where
    accept() is observed, else who closed it."""
    server = Server("inetd", "-i", "{dir}/inetd.conf",
                    files={"inetd.conf": INETD, "echo.py": ECHO})
    real, conns = talk(source, b"hello\n")
    for key, (holders, told) in real.items():
        t.check(server.pid not in {pid for _, pid in holders},
                "inetd still holds a connection that it handed over")
        if conns.infers(t.ACCEPT_OWNER):
            t.check(told in holders, f"conns: {key} is {told}'s, and ss said "
                    f"{holders}")
        else:
            t.check_equal(told, ("inetd", server.pid),
                          f"who accepted {key}")


def socket_activation(source):
    """systemd's listener, made by one program, and used by another."""
    server = Server("systemd-socket-activate", "-l", "127.0.0.1:{port}",
                    sys.executable, "-c",
                    "import socket\n"
                    "server = socket.socket(fileno=3)\n"
                    "while True:\n"
                    "    sock, _ = server.accept()\n"
                    "    sock.sendall(sock.recv(100))\n"
                    "    sock.recv(100)\n"
                    "    sock.close()\n")
    t.check_equal(told_as_ss(source, b"hello\n", 1), {server.pid}, "the owners")


if __name__ == "__main__":
    t.main(nginx_workers, apache_prefork, redis, python_threads, inetd,
           socket_activation,
           shares=("conns",))
