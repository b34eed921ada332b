# SPDX-License-Identifier: GPL-2.0
"""Servers that people run, each with a configuration of its own; and what ss says
of whose a connection is."""
import atexit
import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

import tcpstate_test as t

PORT = 8080
_here = os.path.dirname(os.path.realpath(__file__))


def built(name):
    """The path of a program that is built for the tests."""
    build = os.environ.get("TCPSTATE_BUILD",
                           os.path.join(_here, "..", "..", "build"))
    for folder in (os.environ.get("OUTPUT", ""), _here,
                   os.path.join(build, "func")):
        path = os.path.join(folder, name)
        if folder and os.access(path, os.X_OK):
            return path
    raise t.Failure(f"{name} is not built: make -C tests/func")


class Server:
    """A program with a temporary folder; it ends with the case. Its files and its
    command line have {dir}, {port} and {python} replaced, and what is in values."""

    def __init__(self, *command, files=(), port=PORT, **values):
        self.port = port
        self.dir = tempfile.mkdtemp(prefix="tcpstate-")
        atexit.register(shutil.rmtree, self.dir, True)
        os.chmod(self.dir, 0o755)
        values.update(dir=self.dir, port=port, python=sys.executable)
        for name, text in dict(files).items():
            with open(f"{self.dir}/{name}", "w", encoding="ascii") as f:
                f.write(text.format(**values))
        line = [w.format(**values) for w in command]
        t.check(shutil.which(line[0]), f"{line[0]} is not installed: make deps")
        self.log = open(f"{self.dir}/out", "wb")
        self.process = subprocess.Popen(
            line, stdin=subprocess.DEVNULL, stdout=self.log,
            stderr=self.log, preexec_fn=t.die_with_parent)
        self.pid = self.process.pid
        t.wait_until(lambda: self.listens() or self.process.poll() is not None,
                     f"a listener of {line[0]}")
        t.check(self.process.poll() is None,
                f"{line[0]} ended: " + self.said())

    def listens(self):
        return any(s.state == "LISTEN" and s.sport == self.port
                   for s in t.sockets())

    def said(self):
        with open(f"{self.dir}/out", encoding="utf-8", errors="replace") as f:
            return f.read()[-500:]

    def children(self, count):
        """The pids of so many; they may still be on their way."""
        return t.wait_until(lambda: len(children(self.pid)) == count and
                            children(self.pid), f"{count} children")


def status(pid):
    """Of /proc/PID/stat, what is behind the name."""
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
        return f.read().rpartition(")")[2].split()


def children(parent):
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError):
                if status(name)[1] == str(parent):
                    found.append(int(name))
    return sorted(found)


def suspend(pid):
    os.kill(pid, signal.SIGSTOP)
    t.wait_until(lambda: status(pid)[0] == "T", f"the stop of {pid}")


def resume(pid):
    os.kill(pid, signal.SIGCONT)


def held(state="close-wait"):
    """By the cookie of each connection in this state: {(comm, pid, fd)}, by ss."""
    found = {}
    for line in t.run("ss", "-tnpeH", "state", state).splitlines():
        key = re.search(r"\bsk:([0-9a-f]+)", line)
        found[key[1]] = {(comm, int(pid), int(fd)) for comm, pid, fd in
                         re.findall(r'\("([^"]*)",pid=(\d+),fd=(\d+)\)', line)}
    return found


# ---- their configurations ----

NGINX = """
daemon off; master_process on; worker_processes {workers}; pid {dir}/pid;
error_log stderr crit; user root; {more}
events {{ worker_connections 512; }}
http {{
  access_log off; client_body_temp_path {dir}/b; proxy_temp_path {dir}/p;
  fastcgi_temp_path {dir}/f; uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
  keepalive_requests 100000; {http}
  server {{ listen 127.0.0.1:{port} {listen}; root {dir}; {location} }}
}}
"""
APACHE = """
ServerRoot /usr/lib/apache2
LoadModule mpm_prefork_module modules/mod_mpm_prefork.so
LoadModule authz_core_module modules/mod_authz_core.so
ServerName test
PidFile {dir}/pid
DefaultRuntimeDir {dir}
ErrorLog {dir}/log
DocumentRoot {dir}
User nobody
Group nogroup
KeepAlive On
KeepAliveTimeout 60
MaxKeepAliveRequests 0
StartServers {workers}
MaxRequestWorkers {workers}
ListenBacklog 16
Listen 127.0.0.1:{port}
"""
HAPROXY = """
global
  nbthread 1
  maxconn 200
defaults
  mode tcp
  timeout connect 10s
  timeout client {timeout}
  timeout server {timeout}
  {more}
listen proxy
  bind 127.0.0.1:{port}
  server one 127.0.0.1:{to}
"""
REQUEST = b"GET / HTTP/1.1\r\nHost: test\r\n\r\n"
LAST_REQUEST = REQUEST.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
FILE_REQUEST = LAST_REQUEST.replace(b"/ ", b"/file ", 1)
FILE = 100000      # fits into a send buffer


def nginx(port=PORT, workers=1, **values):
    """values: what there is beside the usual in main (more), http, listen and
    server (location)."""
    for key, value in (("more", ""), ("http", ""), ("listen", ""),
                       ("location", 'location = / { return 200 "x"; }')):
        values.setdefault(key, value)
    server = Server("nginx", "-c", "{dir}/nginx.conf", "-e", "stderr",
                    files={"nginx.conf": NGINX}, port=port, workers=workers,
                    **values)
    server.workers = server.children(workers)
    with open(f"{server.dir}/file", "wb") as f:
        f.write(bytes(FILE))
    return server


def apache(port=PORT, workers=8):
    server = Server("apache2", "-DFOREGROUND", "-f", "{dir}/apache.conf",
                    files={"apache.conf": APACHE}, port=port, workers=workers)
    server.workers = server.children(workers)
    return server


def haproxy(to, port=PORT, timeout="1h", more=""):
    return Server("haproxy", "-db", "-f", "{dir}/haproxy.cfg",
                  files={"haproxy.cfg": HAPROXY}, port=port, to=to,
                  timeout=timeout, more=more)


def redis(*args, port=PORT, host="127.0.0.1"):
    hosts = dict.fromkeys((host, "127.0.0.1"))
    return Server("redis-server", "--bind", *hosts, "--protected-mode", "no",
                  "--port", "{port}", "--save", "", "--dir", "{dir}", *args,
                  port=port)


def forgetful(*args, port=PORT):
    """forgetful.c"""
    return Server(built("forgetful"), "{port}", *args, port=port)


# ---- their clients ----

def small_buffer(port, size=4096):
    """A connection on which the peer cannot send much ahead."""
    client = socket.socket()
    client.settimeout(t.LIMIT)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
    client.connect(("127.0.0.1", port))
    return client


def asked(port=PORT, request=REQUEST, host="127.0.0.1", source=None):
    """A connection on which something was said and answered."""
    client = t.connect((host, port), source)
    ask(client, request)
    return client


def ask(client, request=REQUEST):
    client.sendall(request)
    t.check(client.recv(65536), "the server said nothing")
