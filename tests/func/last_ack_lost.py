#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""FINs and their ACKs that are lost or come early: what is told is what the
states were, once each.

    left [tun] --- some segments end here --- [tun] right
"""
import time

import tcpstate_test as t

OPEN = "CLOSE SYN_SENT ESTABLISHED"
ACTIVE = OPEN + " FIN_WAIT1 FIN_WAIT2 TIME_WAIT"
PASSIVE = "LISTEN SYN_RECV ESTABLISHED CLOSE_WAIT LAST_ACK CLOSE"
TIME_WAIT_MS = 60000


def expires_ms(link, end):
    with link.side(end).inside():
        return t.diag(end.cookie).expires


def last_ack_lost(source):
    """The FIN comes again, and 2MSL begins anew; nothing more is told."""
    link = t.Link(source)
    raw = t.Watch(source, "events", "--raw", netns=(link.left, link.right))
    client, c, child, s = link.pair()
    client.close()
    link.wait(c, "FIN_WAIT2")
    link.cable.policy = lambda x: ("drop" if x.src == t.Cable.LEFT else "pass")
    child.close()
    link.wait(c, "TIME_WAIT")
    began = time.monotonic()
    link.wait_sent(s, t.FIN, at_least=4)
    link.wait(s, "LAST_ACK")
    link.cable.release()
    link.wait(s, None)
    ends_after = (time.monotonic() - began) * 1000 + expires_ms(link, c)
    t.check(ends_after > TIME_WAIT_MS + 1000, "the kernel did not begin 2MSL "
            f"anew: TIME_WAIT ends {ends_after:.0f} ms after it began")
    link.expect(c, ACTIVE, orphan=True)
    link.expect(s, PASSIVE, reason="fin")
    link.finish()
    t.check_fin_close(link.conns, link.cable, c, "TIME_WAIT", "local",
                      orphan=True)
    t.check_fin_close(link.conns, link.cable, s, "CLOSE", "peer")
    t.check_equal(raw.stop(), 0, "the exit status of --raw")
    again = [o for o in raw.objects if o.get("conn_id") == c.cookie and
             o.get("type") == "tw_rearm"]
    # The first is the FIN of the orphan's FIN_WAIT2. Where only its timer shows
    # it, a restart within one slot of the wheel is no event.
    t.check(len(again) >= 2 or raw.infers(t.ORPHAN_TIME_WAIT),
            "no record of the restart of 2MSL")
    fins = [o for o in raw.objects if o.get("conn_id") == c.cookie and
            o.get("type") == "tw_fin"]
    if raw.infers(t.TIME_WAIT_SEGMENTS):
        t.check_equal(fins, [], "FINs that no hook shows")
        return
    told = [(o["segment"], o["by"], o["times"], o["seq"])
            for o in link.events.of(c, "retransmit")]
    number = link.cable.of(c).numbers()["fin_peer"]
    t.check_equal(told, [("FIN", "peer", n + 1, number)
                         for n in range(len(fins))], "the FINs that came again")
    t.check(fins, "no FIN came again")


def fin_lost(source):
    """FIN_WAIT1 lasts until it has come again."""
    link = t.Link(source)
    client, c, child, s = link.pair()
    link.cable.policy = lambda x: "drop" if x.has(t.FIN) else "pass"
    client.close()
    link.wait_sent(c, t.FIN)
    link.wait(c, "FIN_WAIT1")
    link.cable.release()
    link.wait(c, "FIN_WAIT2")
    child.close()
    link.wait(c, "TIME_WAIT")
    link.expect(c, ACTIVE, orphan=True)
    link.expect(s, PASSIVE, reason="fin")
    link.finish()
    t.check(len(link.wait_sent(c, t.FIN)) > 1, "the FIN was not sent again")
    t.check_fin_close(link.conns, link.cable, c, "TIME_WAIT", "local",
                      orphan=True)


def fin_with_the_third_segment(source):
    """The ACK of the handshake is lost and the FIN brings it: ESTABLISHED and
    CLOSE_WAIT by one segment."""
    link = t.Link(source)
    link.cable.policy = lambda x: ("pass" if x.has(t.SYN) or x.has(t.FIN) else
                                   "drop")
    client, c = link.connect()
    s = link.request(client)
    link.wait_sent(c, t.ACK)
    client.close()
    link.wait(s, "CLOSE_WAIT")
    link.cable.release()
    child, again = link.accept()
    t.check_equal(again.cookie, s.cookie, "the cookie of the child")
    link.wait(c, "FIN_WAIT2")
    child.close()
    link.wait(c, "TIME_WAIT")
    link.expect(c, ACTIVE, orphan=True)
    link.expect(s, PASSIVE, accepted=False, reason="fin")
    link.finish()
    established, close_wait = link.events.of(s)[1:3]
    t.check(close_wait["span_us"] < 500000, "ESTABLISHED lasted "
            f"{close_wait['span_us']} us, and one segment did both")
    t.check(established["span_us"] >= 0, "SYN_RECV has no time")
    t.check_fin_close(link.conns, link.cable, s, "CLOSE", "peer")


if __name__ == "__main__":
    t.main(last_ack_lost, fin_lost, fin_with_the_third_segment,
           shares=("events", "conns"))
