# SPDX-License-Identifier: GPL-2.0
"""More connections than a reader can take, and whether its table is right."""
import collections
import threading
import time

import tcpstate_test as t

WORKERS = 2


class Churn:
    """Connections as fast as they go, until a condition holds; every second one
    is reset, or TIME_WAIT would fill the host."""

    def __init__(self):
        self.done = [0] * WORKERS
        self.stop = False
        self.threads = [threading.Thread(target=self._work, args=(n,),
                                         daemon=True) for n in range(WORKERS)]

    def _work(self, n):
        with t.listener(backlog=16) as server:
            while not self.stop:
                client, child = t.pair(server)
                if self.done[n] % 2:
                    t.linger0(client)
                client.close()
                child.close()
                self.done[n] += 1

    def count(self):
        return sum(self.done)

    def start(self):
        for thread in self.threads:
            thread.start()

    def end(self):
        self.stop = True
        for thread in self.threads:
            thread.join(t.LIMIT)

    def run(self, condition, limit):
        self.start()
        t.wait_until(condition, "enough traffic", limit)
        self.end()

    def rate(self, act):
        """Connections a second while @act lasts."""
        before, began = self.count(), time.monotonic()
        act()
        return (self.count() - before) / (time.monotonic() - began)


def kernel_counts():
    return collections.Counter(s.state for s in t.sockets()
                               if s.state != "CLOSE")


def same_as_kernel(watch, limit=t.LIMIT):
    """The next counts that are told are those of the kernel."""
    def agree():
        seen = len(watch.objects)
        before = kernel_counts()

        def told():
            for o in watch.objects[seen:]:
                if o["event"] == "counts" and o["netns"] in watch.own:
                    return {k: v for k, v in o["states"].items() if v}
            return None
        counts = t.wait_until(told, "counts")
        agree.last = dict(before), counts
        return counts == dict(before)
    try:
        t.wait_until(agree, "agreement", limit)
    except t.Failure:
        raise t.Failure("the kernel's sockets, and the table's: "
                        f"{agree.last}") from None
