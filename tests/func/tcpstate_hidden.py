# SPDX-License-Identifier: GPL-2.0
"""What the kernel at hand shows to no BPF program.

A kernel was met (6.18, without kprobes and modules) that runs no program in a
softirq on top of a thread of process 1, and counts no miss. ftrace does record
there. A case that failed while it recorded such a move has shown nothing about
tcpstate, which had no way to see it.
"""
import atexit
import contextlib
import os
import subprocess
import tempfile

TIMERS = "tw_timer_handler", "reqsk_timer_handler"
EVENTS = {
    "sock/inet_sock_set_state": None,
    "tcp/tcp_retransmit_skb": None,
    "tcp/tcp_retransmit_synack": None,
    "tcp/tcp_receive_reset": None,
    "tcp/tcp_send_reset": None,
    "timer/timer_start": TIMERS,
    "timer/timer_expire_entry": TIMERS,
}


def _write(path, text):
    with open(path, "w", encoding="ascii") as f:
        f.write(text)


class Hidden:
    """Counts such moves. On kernels that are not of this kind there are none."""

    def __init__(self):
        self.folder = None
        if os.path.exists("/sys/bus/event_source/devices/kprobe"):
            return
        self.mount = tempfile.mkdtemp()
        atexit.register(self._leave, os.getpid())
        subprocess.run(["mount", "-t", "tracefs", "tracefs", self.mount],
                       check=True)
        folder = f"{self.mount}/instances/tcpstate_test.{os.getpid()}"
        os.mkdir(folder)
        self.folder = folder
        _write(f"{folder}/options/event-fork", "1")
        _write(f"{folder}/set_event_pid", " ".join(os.listdir("/proc/1/task")))
        for event, timers in EVENTS.items():
            if timers:
                _write(f"{folder}/events/{event}/filter", " || ".join(
                    f"function.function == {name}" for name in timers))
            _write(f"{folder}/events/{event}/enable", "1")

    def moves(self):
        """How many were made since forget()."""
        if not self.folder:
            return 0
        with open(f"{self.folder}/trace", encoding="ascii") as f:
            return sum(not line.startswith("#") for line in f)

    def forget(self):
        if self.folder:
            _write(f"{self.folder}/trace", "")

    def _leave(self, pid):
        if os.getpid() != pid:
            return              # a case, which inherited this
        if self.folder:
            os.rmdir(self.folder)
        with contextlib.suppress(subprocess.CalledProcessError):
            subprocess.run(["umount", self.mount], check=True)
            os.rmdir(self.mount)
