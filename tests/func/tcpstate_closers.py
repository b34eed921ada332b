# SPDX-License-Identifier: GPL-2.0
"""Programs that open connections and close them at once, and what timewait says
of them."""
import errno
import json
import os
import select
import socket
import time

import tcpstate_test as t


class Closer:
    """A process that connects to a listener and closes, count times or until
    connect() fails, at a rate per second; this process is the server.
    bind: what it does to each socket before that. peer_first: the server closes
    first."""

    def __init__(self, server, count, rate=None, bind=None, peer_first=False):
        # With two CPUs an ACK may come after the FIN; the answer to it meets a
        # socket that is gone, and the RST from there ends the TIME_WAIT.
        t.sysctl("net.ipv4.tcp_rfc1337", 1)
        self.server = server
        self.peer_first = peer_first
        self._said, w = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            os.close(self._said)
            status = 1
            try:
                t.die_with_parent()
                os.write(w, json.dumps(self._run(count, rate, bind)).encode())
                status = 0
            finally:
                os._exit(status)
        os.close(w)

    def _run(self, count, rate, bind):
        begin = time.monotonic()
        done, error = 0, None
        while done < count and not error:
            if rate:
                time.sleep(max(0, begin + done / rate - time.monotonic()))
            error = self._one(bind)
            done += not error
        return {"done": done, "error": error, "end": time.monotonic(),
                "begin": begin}

    def _one(self, bind):
        sock = socket.socket()
        sock.settimeout(t.LIMIT)
        try:
            if bind:
                bind(sock)
            sock.connect(self.server.getsockname())
        except OSError as e:
            return errno.errorcode.get(e.errno, str(e))
        if self.peer_first:
            t.read_to_end(sock)
        sock.close()
        return None

    def serve(self, limit=t.CASE_LIMIT):
        """Until it has ended; what it says: done, error, begin, end."""
        until = time.monotonic() + limit
        children = []
        while True:
            t.check(time.monotonic() < until,
                    f"the closing program did not end within {limit:g} s")
            ready = select.select([self.server, self._said, *children], [], [],
                                  1)[0]
            for sock in ready:
                if sock is self.server:
                    self._accept(children)
                elif sock is not self._said and not sock.recv(4096):
                    children.remove(sock)
                    sock.close()
            # Its last connection was there before it said so.
            if self._said in ready and not children and not select.select(
                    [self.server], [], [], 0)[0]:
                break
        data = os.read(self._said, 65536)
        os.close(self._said)
        os.waitpid(self.pid, 0)
        t.check(data, "the closing program died without a word")
        return json.loads(data)

    def _accept(self, children):
        child, _ = self.server.accept()
        if self.peer_first:
            child.shutdown(socket.SHUT_WR)
        children.append(child)


def time_waits():
    return [s for s in t.sockets() if s.state == "TIME_WAIT"]


def wait_time_waits(count):
    t.wait_until(lambda: len(time_waits()) >= count, f"{count} in TIME_WAIT")


def wait_reusable():
    """Until each TIME_WAIT is more than a second old."""
    t.wait_until(lambda: all(s.expires < 58500 for s in time_waits()),
                 "a second in TIME_WAIT")


def findings(watch):
    return [o for o in watch.objects if o["event"] == "finding"]


def report(source, *args, during=None, observed=0):
    """The findings of a run of timewait: at once, or after during() and so many
    seconds at least."""
    if not during:
        watch = t.Watch(source, "timewait", "--duration", "0", *args)
        watch.wait_for(lambda o: o["event"] == "summary", "the report",
                       limit=t.READY_LIMIT)
    else:
        watch = t.Watch(source, "timewait", "--duration", "1h", *args)
        until = time.monotonic() + observed
        during()
        t.wait_until(lambda: time.monotonic() > until, "the time to observe",
                     limit=observed + t.LIMIT)
    t.check_equal(watch.stop(limit=t.READY_LIMIT), 0,
                  "the exit status of timewait")
    watch.check_summary()
    return findings(watch)


def only(found, scope):
    mine = [f for f in found if f["scope"] == scope]
    t.check_equal(len(mine), 1, f"the number of findings of a {scope}, in "
                  f"{json.dumps(found)}")
    return mine[0]


def says(finding, key, words):
    return any(words in line for line in finding[key])
