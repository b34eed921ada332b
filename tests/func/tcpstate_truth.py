# SPDX-License-Identifier: GPL-2.0
"""What the packets say of one end of a connection: RFC 9293's arithmetic, done
on what passed that end's device and nothing else."""
from tcpstate_wire import ACK, FIN, RST, SYN


def _past(segment):
    """The number after what it has."""
    return segment.seq + segment.length + segment.has(SYN) + segment.has(FIN)


def _less(a, b):
    return (b - a) % 2**32 - 2**31 < 0 and a != b


class Received:
    """The text of the other end, put together."""

    def __init__(self, isn):
        self.isn = isn
        self.next = 1           # counted from its ISN, as all of this
        self.fin = None
        self.fin_taken = None   # by which segment
        self._waiting = []

    def take(self, segment):
        begin = (segment.seq - self.isn) % 2**32 + segment.has(SYN)
        if segment.has(FIN):
            self.fin = begin + segment.length
        self._waiting.append((begin, begin + segment.length))
        for start, end in sorted(self._waiting):
            if start <= self.next < end:
                self.next = end
        if self.fin == self.next and self.fin_taken is None:
            self.fin_taken = segment


class Truth:
    """@segments: all that passed its device, in order."""

    def __init__(self, end, segments):
        here, there = (end.saddr, end.sport), (end.daddr, end.dport)
        self.end = end
        self.both = [s for s in segments if
                     {(s.src, s.sport), (s.dst, s.dport)} == {here, there}]
        self.sent = [s for s in self.both if (s.src, s.sport) == here]
        self.received = [s for s in self.both if (s.src, s.sport) == there]
        self.fin = next((s for s in self.sent if s.has(FIN)), None)
        self.fin_acked = None       # by which segment
        self.their = None
        self._put_together()

    def _put_together(self):
        fin_sent = False
        for s in self.both:
            if s in self.sent:
                fin_sent = fin_sent or s.has(FIN)
                continue
            if s.has(SYN) and not self.their:
                self.their = Received(s.seq)
            if s.has(RST) or not self.their:
                continue
            if (fin_sent and not self.fin_acked and s.has(ACK) and
                    s.ack == (self.fin.fin() + 1) % 2**32):
                self.fin_acked = s
            self.their.take(s)

    # numbers

    def isn_local(self):
        return next((s.seq for s in self.sent if s.has(SYN)), None)

    def isn_peer(self):
        return self.their and self.their.isn

    def fin_local(self):
        return self.fin and self.fin.fin()

    def fin_peer(self):
        if not self.their or self.their.fin is None:
            return None
        return (self.their.isn + self.their.fin) % 2**32

    def ack_seq(self):
        """v, by the first segment that acknowledged the first FIN."""
        first, others = ((self.fin_local(), self.received)
                         if self.is_active() else (self.fin_peer(), self.sent))
        return next((s.seq for s in others if s.has(ACK) and not s.has(RST) and
                     s.ack == (first + 1) % 2**32), None)

    # counts

    def again(self, flag):
        return max(0, sum(s.has(flag) for s in self.sent) - 1)

    def retrans(self):
        """Segments that had nothing new."""
        count, edge = 0, None
        for s in self.sent:
            end = _past(s)
            if end == s.seq or s.has(RST):
                continue
            if edge is not None and not _less(edge, end % 2**32):
                count += 1
            else:
                edge = end % 2**32
        return count

    def segments_out(self):
        return sum(s.length > 0 for s in self.sent)

    def segments_in(self, until_ns):
        return sum(s.length > 0 and s.time_ns < until_ns for s in self.received)

    def bytes_in(self, until_ns):
        received = self.their and Received(self.their.isn)
        for s in self.received:
            if s.time_ns < until_ns and received and not s.has(RST):
                received.take(s)
        return received.next - 1 if received else 0

    def bytes_out(self, until_ns):
        """What was acknowledged."""
        acked = [(s.ack - self.isn_local() - 1) % 2**32 for s in self.received
                 if s.has(ACK) and not s.has(RST) and s.time_ns < until_ns]
        most = max((a for a in acked if a < 2**31), default=0)
        text = self.fin and (self.fin.fin() - self.isn_local() - 1) % 2**32
        return most if text is None else min(most, text)

    # the close

    def is_active(self):
        """Its FIN left before the other one had been taken."""
        if not self.fin or not self.their or self.their.fin is None:
            return bool(self.fin)
        return self.fin.ack != (self.fin_peer() + 1) % 2**32

    def close(self):
        """first and kind, as this end saw it; None: not both FINs came."""
        if not self.fin or not self.their or not self.their.fin_taken:
            return None
        taken = self.both.index(self.their.fin_taken)
        if not self.is_active():
            number = (self.fin_peer() + 1) % 2**32
            ack = next(s for s in self.sent if s.has(ACK) and s.ack == number)
            return "peer", "three_segment" if ack.has(FIN) else "four_segment"
        if not self.fin_acked:
            return None
        acked = self.both.index(self.fin_acked)
        if taken < acked:
            return "both", "simultaneous"
        # Out of order, its FIN waits; it is the same segment all the same.
        return "local", ("three_segment" if self.fin_acked.has(FIN) else
                         "four_segment")

    def __str__(self):
        began = self.both[0].time_ns if self.both else 0
        return "; ".join(f"+{(s.time_ns - began) / 1e6:.1f} {s}"
                         for s in self.both)
