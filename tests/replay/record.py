#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Plays each scene of the textbook beside a recorder of its own, and prints what
it recorded: a line of JSON for each, the file in base64. For tests/replay/make, in
a guest, where nothing else happens meanwhile."""
import base64
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "func"))
# pylint: disable=wrong-import-position
import tcpstate_test as t               # noqa: E402
import tcpstate_textbook                # noqa: E402
from recorded import Recorder           # noqa: E402

TIME_WAIT = 70.0    # seconds, and some more


def take(scene, source):
    recorder = Recorder(source, "--zstd", "--reconcile", "1h")
    hosts = t.Hosts()
    asked = scene(hosts)
    if scene is tcpstate_textbook.three_and_four:
        with hosts.left.inside():
            t.wait_until(lambda: all(s.state != "TIME_WAIT"
                                     for s in t.sockets()),
                         "the end of TIME_WAIT", TIME_WAIT)
        asked = [[*args, "--wait-tw"] for args in asked]
    t.check_equal(recorder.stop(), 0, "the exit status of record")
    hosts.close()
    with open(recorder.path, "rb") as f:
        recording = f.read()
    print("recording", json.dumps({
        "name": scene.__name__, "source": source, "ladders": asked,
        "file": base64.b64encode(recording).decode()}), flush=True)


def record():
    """Both sources in turn, as they are available."""
    sources = t.sources()
    for n, scene in enumerate(tcpstate_textbook.SCENES):
        take(scene, sources[n % len(sources)])


if __name__ == "__main__":
    t.main(record, per_source=False, limit=900)
