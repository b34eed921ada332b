# SPDX-License-Identifier: GPL-2.0
"""What the functional tests of tcpstate share.

A test program hands its cases to main(). Each case runs once for every source
that works on this kernel, in a process and a network namespace of its own, so
that everything that namespace's connections did is known:

    test program (KTAP) -- fork --> case, in its own network namespace
                                      |   sockets of the test
                                      +-- fork --> tcpstate-watch, in the
                                                   namespace of the test program

Watch runs tcpstate-watch and collects its JSON; End is one end of a connection,
identified by its socket cookie; Watch.expect() says what the whole logical
stream of an End must be, and Watch.finish() compares it, field by field, and
fails on every event of the namespace that nobody expected.

Everything waits for a condition, with a limit; a wait that runs out is a
failure with a sentence.
"""
import atexit
import contextlib
import json
import os
import platform
import select
import signal
import subprocess
import sys
import time
import traceback

# pylint: disable=wildcard-import,unused-wildcard-import,unused-import
from tcpstate_hidden import Hidden
from tcpstate_hosts import *    # noqa: F401,F403
from tcpstate_link import *     # noqa: F401,F403
from tcpstate_net import *      # noqa: F401,F403
from tcpstate_net import _checked, _libc    # noqa: F401
from tcpstate_watch import *    # noqa: F401,F403
from tcpstate_watch import _here
from tcpstate_wire import *     # noqa: F401,F403

CASE_LIMIT = 240.0      # seconds for a case
ATTEMPTS = 3            # while the kernel hides moves from BPF

EXIT_PASS, EXIT_FAIL, EXIT_SKIP = 0, 1, 4


# ---- which sources ----

def _module_candidates():
    build = os.environ.get("TCPSTATE_BUILD",
                           os.path.join(_here, "..", "..", "build"))
    return [p for p in (os.path.join(build, "ko", platform.release(),
                                     "tcpstate.ko"),
                        os.path.join(build, "tcpstate.ko"))
            if os.path.exists(p)]


def kmod_available():
    """Is the module loaded, or can it be?"""
    if os.path.exists("/dev/tcpstate"):
        return True
    for path in _module_candidates():
        if not subprocess.run(["insmod", path], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL,
                              check=False).returncode:
            Test.inserted = True
            wait_until(lambda: os.path.exists("/dev/tcpstate"),
                       "/dev/tcpstate after insmod")
            return True
    return False


def sources():
    named = os.environ.get("TCPSTATE_SOURCES")
    if not named:
        return ["kmod", "bpf"] if kmod_available() else ["bpf"]
    if "kmod" in named.split() and not kmod_available():
        raise Skip("the module is not loaded and cannot be")
    return named.split()


def _remove_module():
    """The module that we loaded must leave when nobody uses it."""
    if not Test.inserted:
        return None
    done = subprocess.run(["rmmod", "tcpstate"], stderr=subprocess.PIPE,
                          text=True, check=False)
    Test.inserted = False
    return done.stderr.strip() if done.returncode else None


# ---- KTAP ----

def _case_in_child(case, args, namespace):
    was_inserted = Test.inserted
    result = _case_result(case, args, namespace)
    if was_inserted or not Test.inserted:
        return result
    stuck = _remove_module()
    return ("fail", f"rmmod failed: {stuck}") if stuck else result


def _case_result(case, args, namespace):
    die_with_parent()
    if namespace:
        Test.home = os.open("/proc/self/ns/net", os.O_RDONLY)
        enter_netns(namespace.fd)
    try:
        case(*args)
        return "ok", ""
    except Skip as e:
        return "skip", str(e)
    except Failure as e:
        return "fail", str(e)
    except BaseException:   # pylint: disable=broad-except
        return "fail", traceback.format_exc()
    finally:
        Watch.kill_all()


@contextlib.contextmanager
def _own_namespace(isolated):
    """Of a case. Where cases share a tool it stays for as long as the program:
    its number, which the tool tells, must not become a later case's."""
    namespace = Namespace() if isolated else None
    yield namespace
    if namespace and not SharedTool.running:
        namespace.close()


def _run_case(case, args, isolated, limit):
    with _own_namespace(isolated) as namespace:
        return _run_in_child(case, args, namespace, limit)


def _run_in_child(case, args, namespace, limit):
    r, w = os.pipe()
    sys.stdout.flush()
    child = os.fork()
    if not child:
        os.close(r)
        status = 1
        try:
            os.setpgid(0, 0)
            result = _case_in_child(case, args, namespace)
            os.write(w, json.dumps(result).encode()[:60000])
            status = 0
        finally:
            # What the case has left running goes with it.
            for handler in (sys.stdout, sys.stderr):
                handler.flush()
            _run_atexit()
            os._exit(status)
    os.close(w)
    verdict = _read_verdict(r, child, limit)
    os.close(r)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    return verdict


def _run_visible_case(case, args, isolated, limit):
    """A failure counts when the kernel hid nothing from the source."""
    for left in reversed(range(ATTEMPTS)):
        Test.hidden.forget()
        verdict, text = _run_case(case, args, isolated, limit)
        hidden = Test.hidden.moves() if verdict == "fail" else 0
        if not hidden or not left:
            return verdict, text
        _comment(f"{case.__name__}: {text}")
        _comment(f"of {hidden} moves over process 1 this kernel ran no "
                 "program: once more")


def _run_atexit():
    with contextlib.suppress(Exception):
        atexit._run_exitfuncs()


def _read_verdict(r, child, limit):
    data = b""
    end = time.monotonic() + limit
    while True:
        left = end - time.monotonic()
        if left <= 0 or not select.select([r], [], [], left)[0]:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return "fail", f"the case did not end within {limit:g} s"
        more = os.read(r, 65536)
        if not more:
            break
        data += more
    os.waitpid(child, 0)
    if not data:
        return "fail", "the case died without a word"
    return tuple(json.loads(data))


def _comment(text):
    for line in text.splitlines():
        print(f"# {line}")


def _share_of(plan):
    """TCPSTATE_SHARE=K/N: every Nth, from the Kth on. Of a case the next source
    is another one's, so that each has some of either source."""
    k, n = map(int, os.environ.get("TCPSTATE_SHARE", "0/1").split("/"))
    sources_of = max(1, sum(case is plan[0][0] for case, _ in plan))
    return [p for i, p in enumerate(plan)
            if (i // sources_of + i % sources_of) % n == k]


def _in_turn(plan, shares):
    """(source, its part of the plan), where cases share a tool: one source
    after the other, so that each runs alone."""
    if not shares:
        return [(None, plan)]
    return [(s, [p for p in plan if p[1] == (s,)])
            for s in dict.fromkeys(args[0] for _, args in plan)]


class Report:
    """A line for each case, and the totals."""

    def __init__(self):
        self.counts = {"ok": 0, "fail": 0, "skip": 0}
        self.n = 0

    def run(self, case, args, *how):
        self.n += 1
        began = time.monotonic()
        verdict, text = _run_visible_case(case, args, *how)
        took = time.monotonic() - began
        self.counts[verdict] += 1
        name = f"{self.n} " + " ".join((case.__name__, *args))
        if verdict == "skip":
            print(f"ok {name} # SKIP {text}")
        else:
            _comment(text)
            print(f"{'ok' if verdict == 'ok' else 'not ok'} {name} "
                  f"# {took:.1f} s")
        sys.stdout.flush()

    def fail(self, text):
        """What is no case's."""
        _comment(text)
        self.counts["fail"] += 1

    def end(self):
        print(f"# Totals: pass:{self.counts['ok']} fail:{self.counts['fail']} "
              f"xfail:0 xpass:0 skip:{self.counts['skip']} error:0")
        if self.counts["fail"]:
            return EXIT_FAIL
        return EXIT_PASS if self.counts["ok"] else EXIT_SKIP


def main(*cases, per_source=True, isolated=True, limit=CASE_LIMIT,
         only_source=None, shared=False, shares=()):
    """Run the cases, report in KTAP, and exit. A case is a function with a
    source as its argument, or without if not per_source. shared: it is about
    what is made of the records, so that several kernels can share the work.
    shares: commands of which one tool serves all cases, see
    tcpstate_shared.py."""
    print("KTAP version 1")
    try:
        if os.geteuid() != 0:
            raise Skip("must be root")
        tool()
        names = sources() if per_source else []
        if only_source and only_source not in names:
            raise Skip(f"source {only_source} does not work here")
        if only_source:
            names = [only_source]
    except (Skip, Failure) as e:
        print(f"1..0 # SKIP {e}")
        sys.exit(EXIT_SKIP)
    plan = [(c, (s,)) for c in cases for s in names] if per_source else \
           [(c, ()) for c in cases]
    if shared:
        plan = _share_of(plan)
    print(f"1..{len(plan)}")
    report = Report()
    Test.hidden = Hidden()
    for source, part in _in_turn(plan, shares):
        try:
            with shared_tools(source, shares):
                for case, args in part:
                    report.run(case, args, isolated, limit * PATIENCE)
        except Failure as e:
            report.fail(f"the tool that all cases with {source} share: {e}")
    stuck = _remove_module()
    if stuck:
        report.fail(f"rmmod failed after the test: {stuck}")
    sys.exit(report.end())
