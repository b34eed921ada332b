#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""record keeps what events and conns told live, and --source FILE tells the same,
each time. Cut, damaged, full, redacted: what is left is read, and what is not is
said."""
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile

import tcpstate_test as t

DAMAGED = re.compile(r"damaged at byte (\d+), (\d+) bytes were passed over")
TRUNCATED = re.compile(r"truncated at byte (\d+)")


class Recorder:
    """A running record."""

    def __init__(self, source, *args, path=None):
        self.folder = tempfile.mkdtemp(prefix="tcpstate-recorded-")
        self.path = path or os.path.join(self.folder, "file")
        self.err = os.path.join(self.folder, "stderr")
        with open(self.err, "wb") as err:
            self.process = subprocess.Popen(
                [t.tool(), "record", self.path, "--source", source, *args],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=err,
                preexec_fn=t.Watch._in_child)
        t.wait_until(lambda: ": ready, " in self.said() or self.ended(),
                     "the ready line of record", t.READY_LIMIT)

    def said(self):
        with open(self.err, encoding="utf-8") as f:
            return f.read()

    def ended(self):
        return self.process.poll() is not None

    def wait_told(self, end):
        """What is recorded so far tells of its end; a dump may have to."""
        def told():
            done = t.tool_run("conns", "-j", "--source", self.path)
            return f'"conn_id":"{end.cookie}"' in done.stdout
        t.wait_until(told, f"conn {end} in the recording")

    def stop(self, sig=signal.SIGINT):
        if not self.ended():
            self.process.send_signal(sig)
        return self.process.wait(t.LIMIT)


def replay(path, *command, status=0):
    """Its objects, and what stderr said."""
    done = t.tool_run(*command, "-j", "--source", path)
    t.check_equal(done.returncode, status,
                  f"the exit status of {command} from a recording, which said "
                  f"{done.stderr!r},")
    again = t.tool_run(*command, "-j", "--source", path)
    t.check(done.stdout == again.stdout, "a second replay differs")
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def talk(server, count):
    """Connections that end in three ways."""
    for n in range(count):
        client, child = t.pair(server)
        client.sendall(b"x" * 312)
        child.recv(1000)
        if n % 3 == 0:
            client.close()
            child.recv(10)
            child.close()
        elif n % 3 == 1:
            child.close()       # the client has read nothing
            client.close()
        else:
            t.linger0(client)
            client.close()
            child.close()


def without_times(value):
    """Each tool has programs of its own, which take the time."""
    if not isinstance(value, dict):
        return value
    return {k: without_times(v) for k, v in value.items()
            if k not in ("ts", "mono_ns") and not k.endswith("_us")}


def of_own(objects, own):
    return [without_times(o) for o in objects if o.get("netns") in own]


def told_again(source):
    events = t.Watch(source, alone=True)
    conns = t.Watch(source, "conns", alone=True)
    recorder = Recorder(source)
    server = t.listener()
    talk(server, 9)
    server.close()
    t.wait_until(lambda: sum(o["event"] == "conn" for o in conns.objects) >= 18,
                 "18 conn lines")
    t.check_equal(recorder.stop(), 0, "the exit status of record")
    for watch in events, conns:
        t.check_equal(watch.stop(), 0, "the exit status")
    lines = recorder.said().splitlines()
    t.check(t.SUMMARY.fullmatch(lines[-1]), f"record ends with {lines[-1]!r}")
    t.check_equal(os.stat(recorder.path).st_mode & 0o777, 0o600, "the mode")

    for command, watch in (("events", events), ("conns", conns)):
        told, said = replay(recorder.path, command)
        t.check_equal(said.splitlines()[-1], lines[-1], "the summary")
        live = of_own(watch.objects, watch.own)
        again = of_own(told, watch.own)
        # They did not begin to listen at the same moment.
        begin = next((i for i, o in enumerate(again) if o == live[0]), 0)
        t.check_equal(again[begin:][:len(live)], live, f"what {command} told")
    opened, _ = replay(recorder.path, "conns", "--open", "--state", "time-wait")
    t.check(sum(o.get("netns") in events.own for o in opened) >= 3,
            "conns --open shows no TIME_WAIT")
    raw, _ = replay(recorder.path, "events", "--raw")
    t.check(len(raw) > len(live), "--raw tells less than conns")
    counts, _ = replay(recorder.path, "watch", "--interval", "20ms")
    t.check(any(o["event"] == "counts" for o in counts), "watch has no counts")
    sorted_and_counted(recorder)
    elsewhere(recorder)
    compressed(recorder)
    damaged(recorder)


def sorted_and_counted(recorder):
    lines, _ = replay(recorder.path, "conns")
    lines = [o for o in lines if o["event"] == "conn"]
    by_life, _ = replay(recorder.path, "conns", "--sort", "life")
    by_life = [o for o in by_life if o["event"] == "conn"]
    lives = [o["duration_us"] for o in by_life if "duration_us" in o]
    t.check_equal(lives, sorted(lives, reverse=True), "the order of --sort life")
    t.check_equal(sorted(o["conn_id"] for o in by_life),
                  sorted(o["conn_id"] for o in lines), "what --sort tells")
    hist, _ = replay(recorder.path, "conns", "--hist", "handshake")
    known = sum("established_us" in o.get("handshake", ()) for o in lines)
    t.check_equal(hist[0]["count"], known, "the handshakes in the histogram")
    t.check_equal(sum(b["count"] for b in hist[0]["buckets"]), known,
                  "the sum of its buckets")


def elsewhere(recorder):
    """Times of day do not depend on where it is read."""
    told = [t.tool_run("events", "-T", "--source", recorder.path,
                       env={**os.environ, "TZ": zone}).stdout
            for zone in ("UTC", "Asia/Tokyo", "XYZ-5:30")]
    t.check(told[0] and told[0] == told[1] == told[2],
            "another zone has other times")


def copy(recorder, *args):
    """A recording of a recording."""
    path = recorder.path + ".copy"
    done = t.tool_run("record", path, "--source", recorder.path, *args)
    return path, done


def compressed(recorder):
    path, done = copy(recorder, "--zstd")
    t.check_equal(done.returncode, 0, "the exit status of the copy")
    t.check(os.stat(path).st_size < os.stat(recorder.path).st_size,
            "it is not smaller")
    t.check_equal(replay(path, "events")[0],
                  replay(recorder.path, "events")[0], "what the copy tells")


def damaged(recorder):
    """A hole in its middle, its end cut off; mended by a copy."""
    with open(recorder.path, "rb") as f:
        whole = f.read()
    events = len(replay(recorder.path, "events")[0])
    with open(recorder.path, "wb") as f:
        f.write(whole[:-20])
    told, said = replay(recorder.path, "events", status=1)
    t.check(TRUNCATED.search(said), f"truncated is not told: {said}")
    t.check_equal(len(told), events, "what comes before the index")
    path, done = copy(recorder)
    t.check_equal(done.returncode, 1, "the exit status of the copy")
    t.check_equal(len(replay(path, "events")[0]), events, "what the copy has")

    with open(recorder.path, "wb") as f:
        f.write(whole[:600] + b"\xff" * 8 + whole[608:])
    told, said = replay(recorder.path, "events", status=1)
    t.check(DAMAGED.search(said) or TRUNCATED.search(said),
            f"damaged is not told: {said}")
    t.check(t.SUMMARY.fullmatch(said.splitlines()[-1]), "no summary")
    with open(recorder.path, "wb") as f:
        f.write(b"\x00" * 8 + whole[8:])
    done = t.tool_run("events", "--source", recorder.path)
    t.check_equal(done.returncode, 1, "the exit status of what is no recording")
    t.check("is no recording" in done.stderr, done.stderr)
    with open(recorder.path, "wb") as f:
        f.write(whole)


def killed(source):
    """A crash loses the second under way, no more."""
    recorder = Recorder(source)
    server = t.listener()
    talk(server, 9)
    size = os.stat(recorder.path).st_size
    t.wait_until(lambda: os.stat(recorder.path).st_size > size, "a block")
    recorder.stop(signal.SIGKILL)
    told, said = replay(recorder.path, "conns", status=1)
    t.check(TRUNCATED.search(said), f"truncated is not told: {said}")
    t.check(sum(o["event"] == "conn" and o.get("sport") == server.getsockname()[1]
                for o in told) >= 9, "a conn line is missing")


def disk_full(source):
    folder = tempfile.mkdtemp(prefix="tcpstate-recorded-")
    t.run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder)
    recorder = Recorder(source, path=os.path.join(folder, "file"))
    try:
        server = t.listener()

        def more():
            talk(server, 12)
            return recorder.ended()
        t.wait_until(more, "the end of record")
        t.check_equal(recorder.stop(), 1, "the exit status on a full disk")
        t.check("No space left on device" in recorder.said(), recorder.said())
        t.check(t.SUMMARY.fullmatch(recorder.said().splitlines()[-1]),
                "the last line is not the summary")
        told, _ = replay(recorder.path, "conns", status=1)
        t.check(len(told) > 9, "nothing can be read of it")
    finally:
        if not recorder.ended():
            recorder.process.kill()
            recorder.process.wait()
        t.run("umount", folder)
        os.rmdir(folder)


def rotated(source):
    recorder = Recorder(source, "--max-size", "20K", "--keep", "2")
    server = t.listener()
    old = recorder.path + ".2"

    def more():
        talk(server, 12)
        return os.path.exists(old)
    t.wait_until(more, "two full files")
    t.check_equal(recorder.stop(), 0, "the exit status of record")
    names = [recorder.path, recorder.path + ".1", old]
    t.check_equal(sorted(os.path.join(recorder.folder, f)
                         for f in os.listdir(recorder.folder)
                         if f.startswith("file")), sorted(names), "the files")
    for name in names:
        told, said = replay(name, "conns", "--open", "--state", "listen")
        t.check(any(o.get("sport") == server.getsockname()[1] for o in told),
                f"{name} does not stand alone: {said}")
    # Without --keep the recording ends.
    recorder = Recorder(source, "--max-time", "1s")
    t.wait_until(recorder.ended, "the end of --max-time")
    t.check_equal(recorder.stop(), 0, "the exit status of --max-time")
    replay(recorder.path, "events")


def redacted(source):
    left, right = t.Namespace().settle(), t.Namespace().settle()
    t.Cable(left, right)
    recorder = Recorder(source, "--redact")
    with right.inside():
        server = t.listener(t.Cable.RIGHT)
    with left.inside():
        client = t.connect(server)
    child, _ = server.accept()
    c = t.End(client, "client")
    s = t.End(child, "server")
    client.close()
    t.check_equal(child.recv(10), b"", "what the server read at the end")
    child.close()
    with right.inside():
        t.wait_until(lambda: not any(x.cookie == s.cookie
                                     for x in t.sockets()), "the end")
    t.check_equal(recorder.stop(), 0, "the exit status of record")
    with open(recorder.path, "rb") as f:
        raw = f.read()
    for secret in (bytes(map(int, t.Cable.LEFT.split("."))),
                   os.uname().nodename.encode()):
        t.check(secret not in raw, f"{secret} is in the recording")
    told, _ = replay(recorder.path, "events")
    ends = {o["conn_id"]: (o["saddr"], o["daddr"]) for o in told
            if o["event"] == "state" and o.get("daddr")}
    t.check(ends[c.cookie] == ends[s.cookie][::-1] and
            len(set(ends[c.cookie])) == 2,
            f"the two ends do not fit together: {ends}")
    t.check(all(a.startswith("10.0.0.") for a in ends[c.cookie]), f"{ends}")


def refused(source):
    """What cannot be a recording, or is not to be had from one."""
    recorder = Recorder(source)
    recorder.stop()
    link = recorder.path + ".link"
    os.symlink(recorder.path, link)
    size = os.stat(recorder.path).st_size
    for line, status, words in (
            (("record",), 2, "which FILE"),
            (("record", "a", "b"), 2, "takes one FILE"),
            (("record", "a", "--keep", "3"), 2, "--max-size"),
            (("record", "a", "--max-size", "0"), 2, "a size is"),
            (("record", "/nowhere/a"), 1, "No such file"),
            (("record", "/dev/null", "--source", recorder.path), 0, ""),
            (("record", recorder.path, "--source", recorder.path), 2, "itself"),
            (("record", link, "--source", recorder.path), 2, "itself"),
            (("record", "a", "--keep", "1", "--max-size", "1M", "--source",
              recorder.path), 2, "one file"),
            (("events", "--cgroup", "/", "--source", recorder.path), 2,
             "running system"),
            (("events", "--source", "/nowhere"), 2, "no such recording"),
            (("events", "--source", "/dev/null"), 1, "is no file"),
            (("check", "--source", recorder.path), 3, "running system"),
            (("doctor", "--source", recorder.path), 2, "running system"),
            (("conns", "--sort", "years"), 2, "use handshake"),
            (("conns", "--hist", "life", "--sort", "life"), 2, "no lines"),
            (("conns", "--hist", "life", "--open"), 2, "not over"),
            (("ladder", "-j", "--source", recorder.path), 2, "conns -j"),
            (("events", "-u", "root", "--source", recorder.path), 2,
             "of this host"),
            (("leaks", "-N", f"pid:{os.getpid()}", "--source",
              recorder.path), 2,
             "of this host")):
        done = t.tool_run(*line)
        t.check(done.returncode == status and words in done.stderr,
                f"{line}: {done.returncode}, {done.stderr!r}")
        # check has a line for those who read nothing else.
        t.check(not status or not done.stdout or line[0] == "check",
                f"{line} wrote to stdout")
    t.check_equal(os.stat(recorder.path).st_size, size, "its size after that")
    t.check(not os.path.exists("a"), "an empty file was left")
    shutil.rmtree(recorder.folder)



def report(path, command, *args, whole=True):
    done = t.tool_run(command, "-j", "--source", path, *args)
    t.check(done.returncode == 0 or not whole, f"the exit status of {command} "
            f"is {done.returncode}, and it said {done.stderr!r}")
    return [json.loads(line) for line in done.stdout.splitlines()
            if '"event":"finding"' in line]


def reports_again(source):
    """leaks and timewait of a recording: what its dumps show, and its owners. The
    descriptor tables and settings of that host are not in it."""
    recorder = Recorder(source, "--reconcile", "1s")
    server = t.listener()
    netns = str(os.stat("/proc/thread-self/ns/net").st_ino)
    leaked = [t.pair(server) for _ in range(5)]
    for client, _ in leaked:
        client.close()
    closed = [t.pair(server) for _ in range(3)]
    for client, child in closed:
        client.close()
        child.recv(1)
        child.close()
    time_waits = "TIME_WAIT"
    t.wait_until(lambda: sum(s.state == time_waits for s in t.sockets()) == 3,
                 "3 TIME_WAITs")
    age = "--age", "1s", "--netns", netns
    # It can be read while it is written.
    t.wait_until(lambda: sum(f["count"] for f in report(
        recorder.path, "leaks", *age, whole=False)) == 5,
                 "a dump that shows what is stuck")
    t.check_equal(recorder.stop(), 0, "the exit status of record")

    found = [f for f in report(recorder.path, "leaks", *age)
             if f["rule"] == "close_wait"]
    # Descriptor tables are read when it begins; later owners are from accept().
    pid = None if t.ACCEPT_OWNER in recorder.said() else os.getpid()
    t.check_equal([(f["count"], f["bug"], f.get("pid"), f["listener"]["sport"])
                   for f in found],
                  [(5, "fin_unread", pid, server.getsockname()[1])],
                  f"the findings of {found}")
    for key in "fds", "fd_used", "fd_limit":
        t.check(not found[0].get(key), f"{key} is of another host: {found}")
    t.check_equal(report(recorder.path, "leaks", *age),
                  report(recorder.path, "leaks", *age), "a second report")
    text = t.tool_run("leaks", "--source", recorder.path, *age).stdout
    t.check("no other process" not in text and "on all 5" in text,
            f"it tells of descriptor tables that it has not:\n{text}")
    groups = [f for f in report(recorder.path, "timewait", "--netns", netns)
              if f.get("scope") == "destination"]
    t.check_equal([(f["ports"]["time_wait"], f["ports"].get("usable"))
                   for f in groups], [(3, None)], f"TIME_WAIT of {groups}")

if __name__ == "__main__":
    t.main(told_again, reports_again, killed, disk_full, rotated, redacted, refused,
           shared=True)
