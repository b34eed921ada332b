#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Each question of the textbook, and each figure of RFC 9293 sections 3.5 and 3.6:
asked of a real kernel, recorded, and answered by a ladder."""
import tcpstate_test as t
import tcpstate_textbook
from recorded import Recorder

OPENED = ("SYN seq=x ─", "SYN,ACK seq=y ack=x+1 ─", "ACK seq=x+1 ack=y+1 ─")
CLOSED = ("FIN seq=u ─", "ACK seq=v ack=u+1 ─", "FIN seq=w ─",
          "ACK seq=u+1 ack=w+1 ─")
NORMAL = ("moves of the client: normal client",
          "moves of the server: normal server",
          "CLOSE first: server; the client is in TIME_WAIT")
FOUR = ("end: client closed first, 4 segments",)

# The lines that must be there, in this order; of "✗" and "▶" the last one of its
# line.
SCENES = {
    "three_and_four": [*OPENED, "312 B in 1 segment", *CLOSED, "textbook: yes",
                       *FOUR, *NORMAL],
    "syn_lost": ["SYN seq=x ────────────────────✗", "SYN seq=x again",
                 *OPENED[1:], *CLOSED, "textbook: no, something was sent again",
                 *FOUR, "sent again: SYN 1, SYN-ACK 0, FIN 0, data 0", *NORMAL],
    "syn_ack_lost": ["SYN seq=x ────────────────────▶",
                     "✗──────── SYN,ACK seq=y ack=x+1",
                     "◀── SYN,ACK seq=y ack=x+1 again", OPENED[2], *CLOSED,
                     *FOUR, "SYN-ACK", *NORMAL],
    "third_ack_lost": [*OPENED[:2], "ACK seq=x+1 ack=y+1 ──────────✗",
                       "SYN,ACK seq=y ack=x+1 again",
                       "ACK seq=x+1 ack=y+1 again ────▶│ ESTABLISHED", *CLOSED,
                       *FOUR, "SYN 0, SYN-ACK 1, FIN 0", *NORMAL],
    "refused": ["(CLOSE)", "SYN seq=x", "── RST ──", "textbook: no, a RST",
                "refused", "moves of the client: unusual, SYN_SENT -> CLOSE"],
    "simultaneous_open": ["CLOSE                 │                                "
                          "  │ CLOSE", "SYN seq=", "SYN seq=",
                          "SYN,ACK seq=", "ESTABLISHED", "ESTABLISHED",
                          "FIN seq=u", "seq=w",
                          "textbook: yes", "unusual, SYN_SENT -> SYN_RECV",
                          "unusual, SYN_SENT -> SYN_RECV"],
    "stale_syn": ["x = 90", "│ LISTEN", "SYN seq=x ─", "SYN,ACK seq=y ack=x+1",
                  "── RST ──────────────────────────▶│ CLOSE", "RST received",
                  "moves of the server: unusual, SYN_RECV -> CLOSE"],
    "waits_in_vain": ["x = 90", "│ LISTEN", "SYN seq=x ─", "SYN,ACK seq=y ack=x+1",
                      "SYN,ACK seq=y ack=x+1 again",
                      "SYN,ACK seq=y ack=x+1 again", "timeout, synack │ CLOSE",
                      "timeout, 3 SYN-ACKs sent"],
    "old_duplicate_syn": ["SYN seq=x ─", "── RST ─", *OPENED[1:], *CLOSED, *FOUR,
                          *NORMAL, "│ LISTEN", "SYN seq=x",
                          "SYN,ACK seq=y ack=x+1", "── RST ─", "RST received"],
    "old_syn_to_two_listeners": ["x = 90", "│ LISTEN", "SYN seq=x ─",
                                 "SYN,ACK seq=y ack=x+1",
                                 "── RST ──────────────────────────▶│ CLOSE"],
    "half_open_syn": [*OPENED, "abort, repair", "── RST ─",
                      "SYN seq=x ────────────────────▶│", "── RST ─",
                      "SYN seq=x again", *OPENED[1:], *CLOSED, *FOUR, *NORMAL],
    "half_open_data": [*OPENED, "abort, repair",
                       "── RST ──────────────────────────▶│ CLOSE"],
    "server_first": [*OPENED, "FIN seq=u ──│ FIN_WAIT1", "ACK seq=v ack=u+1",
                     "FIN seq=w ─", "ACK seq=u+1 ack=w+1", "textbook: yes",
                     "server closed first",
                     "CLOSE first: client; the server is in TIME_WAIT"],
    "half_close": [*OPENED, "312 B in 1 segment", *CLOSED[:2],
                   "40 B in 2 segments", *CLOSED[2:], "textbook: yes", *NORMAL],
    "three_to_close": [*OPENED, "60 B in 3 segments", "60 B in 3 segments",
                       "FIN seq=u ─", "FIN,ACK seq=w ack=u+1 ──│ LAST_ACK",
                       "ACK seq=u+1 ack=w+1 ─", "textbook: yes",
                       "client closed first, 3 segments", *NORMAL],
    "fin_lost": [*OPENED, "FIN seq=u ────────────────────✗", "FIN seq=u again",
                 *CLOSED[1:], "FIN 1, data 0", *NORMAL],
    "last_ack_lost": [*OPENED, *CLOSED[:3], "FIN seq=w again",
                      "ACK seq=u+1 ack=w+1", "FIN 1, data 0", *NORMAL],
    "simultaneous_close": [*OPENED, "FIN seq=u", "FIN seq=w", "CLOSING",
                           "TIME_WAIT", "TIME_WAIT", "textbook: yes",
                           "both closed at once, simultaneous",
                           "client: unusual, FIN_WAIT1 -> CLOSING",
                           "server: unusual, FIN_WAIT1 -> CLOSING"],
    "reset": [*OPENED, "── RST ──────────────────────────▶│ CLOSE",
              "client closed first, abort, linger 0"],
    "exercise": ["x = 100   u = 413 = x+313", "y = 200   v = 201   w = 201 = y+1",
                 "SYN seq=100 ─", "SYN,ACK seq=200 ack=101 ─",
                 "ACK seq=101 ack=201 ─", "312 B in 4 segments", "FIN seq=413 ─",
                 "ACK seq=201 ack=414 ─", "FIN seq=201 ─",
                 "ACK seq=414 ack=202 ─", "textbook: yes"],
    "keepalive": [*OPENED, "✗────────────────────────── RST ──", "keepalive: idle",
                  "no, a RST"],
}
# What needs the hooks of TIME_WAIT: the ACK that is lost, and the next one.
OBSERVED = {
    "last_ack_lost": ["ACK seq=u+1 ack=w+1 ──────────✗",
                      "FIN seq=w again",
                      "ACK seq=u+1 ack=w+1 again ────▶│ CLOSE"],
}


def check_order(name, text, words):
    """Each is in a line after that of the one before it."""
    lines = iter(text.splitlines())
    for word in words:
        t.check(any(word in line for line in lines),
                f"{name}: {word!r} is missing, or not in its place, in\n{text}")


# Where FINs are sent again on purpose.
FINS_AGAIN = "fin_lost", "last_ack_lost"
ATTEMPTS = 4


def as_planned(scene, hosts):
    """What ladder is asked for; None if the machine was so slow that TCP's timers
    have added something to the play."""
    try:
        asked = scene(hosts)
    except t.Failure as e:
        print(f"# {scene.__name__} again: {e}", flush=True)
        return None
    fins = [(s.src, s.sport, s.seq) for s in hosts.cable.segments
            if s.has(t.FIN)]
    if len(fins) != len(set(fins)) and scene.__name__ not in FINS_AGAIN:
        print(f"# {scene.__name__} again: a FIN was sent again", flush=True)
        return None
    return asked


def play(recorder):
    """All scenes; the ladders of each, by its name."""
    # All are kept until the end: the next namespace would have the number of
    # one that is gone.
    asked, kept = {}, []
    for scene in tcpstate_textbook.SCENES:
        ladders = None
        for _ in range(ATTEMPTS):
            kept.append(t.Hosts())
            ladders = as_planned(scene, kept[-1])
            if ladders:
                break
        t.check(ladders, f"{scene.__name__} was never played as planned")
        netns = f"{kept[-1].left.inode},{kept[-1].right.inode}"
        asked[scene.__name__] = [[*args, "--netns", netns] for args in ladders]
    t.check_equal(recorder.stop(), 0, "the exit status of record")
    return {name: "".join(t.tool_run("ladder", "--source", recorder.path,
                                     *args).stdout for args in ladders)
            for name, ladders in asked.items()}


def textbook(source):
    recorder = Recorder(source)
    ladders = play(recorder)
    t.check_equal(set(ladders), set(SCENES), "the scenes")
    for name, text in ladders.items():
        check_order(name, text, SCENES[name])
        if t.TIME_WAIT_SEGMENTS not in recorder.said():
            check_order(name, text, OBSERVED.get(name, ()))
        t.check("contradict" not in text, f"{name} contradicts itself:\n{text}")
        t.check(all(len(line) <= 80 for line in text.splitlines()
                    if " -> textbook" not in line),
                f"{name} is wider than 80 columns:\n{text}")


if __name__ == "__main__":
    t.main(textbook, limit=400, shared=True)
