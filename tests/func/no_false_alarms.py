#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Healthy servers under mixed load, watched by every command that warns: not one
warning. At the end one of them leaks a connection, which is told: nobody slept.

    clients -- haproxy -- nginx -- (pool) -- apache, redis, inetd, and programs
    that close late or are busy elsewhere for a while

TCPSTATE_LOAD_SECONDS makes it longer than 25 s.
"""
import collections
import contextlib
import os
import random
import socket
import threading
import time

import tcpstate_servers as servers
import tcpstate_test as t

SECONDS = float(os.environ.get("TCPSTATE_LOAD_SECONDS", 25))
AGE = 8             # seconds; everything here is over in less
ENOUGH = 100        # connections; with fewer nothing was shown
BURST = 150
NGINX, HAPROXY, APACHE, REDIS, INETD, SLOW, BUSY, LEAK = range(8080, 8088)
PING = b"PING\r\n"
# Nobody here looks at a connection that idles: a server must not close it.
POOL = "keepalive_timeout 1h; upstream behind { server 127.0.0.1:%d; keepalive 4; }" % APACHE
PROXY = """location = / { return 200 "x"; }
location /behind { proxy_pass http://behind/; proxy_http_version 1.1;
                   proxy_set_header Connection ""; }"""
BEHIND_REQUEST = servers.REQUEST.replace(b"/ ", b"/behind ", 1)
INETD_LINE = "127.0.0.1:{port} stream tcp nowait root /bin/cat cat\n"


class Load:
    """What goes on in threads, each again and again. A client that fails is no
    load."""

    def __init__(self):
        self.stopped = threading.Event()
        self.done = collections.Counter()
        self.failed = []
        self.threads = []

    def go(self, act, every, *args):
        def work():
            try:
                while not self.stopped.is_set():
                    act(*args)
                    self.done[act.__name__] += 1
                    self.stopped.wait(every)
            except Exception as e:  # pylint: disable=broad-except
                self.failed.append(f"{act.__name__}: {e!r}")
        self.threads.append(threading.Thread(target=work, daemon=True))
        self.threads[-1].start()

    def stop(self):
        self.stopped.set()
        for thread in self.threads:
            thread.join(t.LIMIT)
            t.check(not thread.is_alive(), "a client does not end")
        t.check(not self.failed, f"a client has failed: {self.failed}")
        print(f"#   {dict(self.done)}")
        t.check(sum(self.done.values()) > ENOUGH, f"only {self.done}")


# ---- clients ----

def server_closes(port):
    """HTTP without keep-alive: the TIME_WAIT is the server's."""
    client = t.connect(("127.0.0.1", port))
    client.sendall(servers.LAST_REQUEST)
    t.check(t.read_to_end(client), "no answer")
    client.close()


def client_closes():
    """And here it takes a port."""
    servers.asked(REDIS, PING).close()


def burst():
    clients = [servers.asked(NGINX) for _ in range(BURST)]
    for client in clients:
        client.close()


def pool_member(pool, request):
    """Busy now and then; most of the pool idles."""
    servers.ask(random.choice(pool), request)


def close_and_wait(port):
    """The server is slow to close, or to read on."""
    client = servers.asked(port)
    client.shutdown(socket.SHUT_WR)
    t.read_to_end(client)
    client.close()


def close_at_once(port):
    servers.asked(port).close()


def half_close():
    """An answer that comes a while after the end of the question."""
    client = t.connect(("127.0.0.1", INETD))
    client.sendall(b"some\n" * 100)
    client.shutdown(socket.SHUT_WR)
    t.check_equal(len(t.read_to_end(client)), 500, "what cat says")
    client.close()


def slow_reader():
    """The server has closed, and its FIN waits behind a window of zero."""
    client = servers.small_buffer(NGINX)
    client.sendall(servers.FILE_REQUEST)
    end = time.monotonic() + AGE / 4
    while time.monotonic() < end:
        client.recv(2048)
        time.sleep(0.05)
    t.read_to_end(client)
    client.close()


def refused():
    with contextlib.suppress(ConnectionRefusedError):
        t.connect(("127.0.0.1", 1)).close()


def abort():
    client = servers.asked(NGINX)
    t.linger0(client)
    client.close()


def late_accept(server):
    """It is accepted when its client has asked and left."""
    client = t.connect(server)
    client.sendall(b"x")
    client.close()
    time.sleep(AGE / 8)
    child, _ = server.accept()
    child.settimeout(t.LIMIT)
    t.read_to_end(child)
    child.close()


# ---- the host ----

def start_servers():
    servers.apache(port=APACHE)
    servers.nginx(port=NGINX, workers=2, http=POOL, location=PROXY,
                  listen="sndbuf=1m")
    servers.haproxy(NGINX, port=HAPROXY)
    servers.redis(port=REDIS)
    servers.Server("inetd", "-i", "{dir}/inetd.conf", port=INETD,
                   files={"inetd.conf": INETD_LINE})
    servers.forgetful("1000", port=SLOW)
    servers.forgetful("1000", "once", port=BUSY)


def start_load():
    load = Load()
    web = [servers.asked(NGINX) for _ in range(8)]
    cache = [servers.asked(REDIS, PING) for _ in range(10)]
    front = [servers.asked(HAPROXY) for _ in range(4)]
    load.go(server_closes, 0.1, HAPROXY)
    load.go(server_closes, 0.2, APACHE)
    load.go(client_closes, 0.05)
    load.go(burst, SECONDS / 3)
    for pool, request in ((web, servers.REQUEST), (web, BEHIND_REQUEST),
                          (cache, PING), (front, servers.REQUEST)):
        # One at a time on a connection.
        mine, pool[:] = pool[:len(pool) // 2], pool[len(pool) // 2:]
        load.go(pool_member, 0.2, mine, request)
    for port in (SLOW, BUSY):
        load.go(close_and_wait, 0.3, port)
        load.go(close_at_once, 0.3, port)
    load.go(half_close, 0.2)
    load.go(slow_reader, 0.1)
    load.go(refused, 0.5)
    load.go(abort, 0.5)
    load.go(late_accept, 0.2, t.listener())
    load.idle = web + cache + front
    return load


def observers(source):
    age = "--close-wait-age", f"{AGE}s"
    return [t.Watch(source, "leaks", *age, "--interval", "2s"),
            t.Watch(source, "timewait", "--interval", "2s"),
            t.Watch(source, "watch", *age, "--interval", "1s")]


def check_now(*args):
    """check is content. By itself it attaches no hooks."""
    done = t.tool_run("check", "--close-wait-age", f"{AGE}s", "--netns",
                      str(os.stat("/proc/self/ns/net").st_ino), *args,
                      timeout=2 * t.READY_LIMIT)
    t.check_equal(done.returncode, 0, "the exit status of check, which says "
                  f"{done.stdout!r} {done.stderr!r}")


def loud(watches):
    return [f for w in watches for f in w.objects if f["event"] == "finding"
            and f["severity"] != "info"]


def one_leak(watches):
    """It is told in the end by who had nothing to tell."""
    server = servers.forgetful(port=LEAK)
    servers.asked(server.port).close()
    for watch in watches:
        if " timewait " not in watch.line:
            told = watch.wait_for(
                lambda o: o["event"] == "finding" and o["severity"] != "info",
                "the finding of a leak", 2 * t.LIMIT)
            t.check_equal((told["rule"], told["bug"], told.get("pid"),
                           told["count"]),
                          ("close_wait", "fin_read", server.pid, 1),
                          f"what {watch.line} tells first")


def healthy_servers(source):
    start_servers()
    watches = observers(source)
    load = start_load()
    end = time.monotonic() + SECONDS
    looks = 0
    while time.monotonic() < end and not load.failed:
        check_now()
        looks += 1
        time.sleep(1)
    check_now("--source", source, "--duration", "2s")
    load.stop()
    check_now()
    reports = sum(o["event"] == "counts" for o in watches[2].objects)
    told = loud(watches)
    print(f"#   {looks} looks by check, {reports} by watch, {len(told)} alarms")
    t.check(not told, f"{len(told)} false alarms, the first: {told[:1]}")
    t.check(looks > 1 and reports > 3, "who looked for alarms was too slow")
    one_leak(watches)
    for watch in watches:
        t.check_equal(watch.stop(limit=2 * t.LIMIT), 0,
                      f"the exit status of {watch.line}")
        watch.check_summary()
        t.check_equal(watch.objects[-1]["lost"], 0, f"lost by {watch.line}")


if __name__ == "__main__":
    t.main(healthy_servers, limit=SECONDS + t.CASE_LIMIT, shared=True)
