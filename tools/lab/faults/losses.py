"""Losses that TCP repairs: no request fails, and the kernels of both ends count what they sent again and why."""

from ..case import case
from ..expected import Disagreement
from ..upstreams import answer, raw

_WIDE = b"HTTP/1.1 200 OK\r\nServer: app/1.9\r\nContent-Length: 7000\r\n\r\n" + b"0123456789" * 700


class _Losses:
    """Drops and delays what a step asks for, on the way between the gateway and one upstream, and counts it."""

    def __init__(self, scene, upstream):
        self.port = upstream.port
        self.requests, self.inward = 0, 0  # copies of requests, data segments of answers
        self.lost = {"outward": 0, "inward": 0}
        self.overtaken = 0
        self.lose_requests = self.lose_nth = self.delay_nth = 0
        self.hide_acks = False
        scene.relay.drop, scene.relay.late = self.drop, self.late

    def step(self, **plan):
        self.requests = self.inward = 0
        self.lose_requests = self.lose_nth = self.delay_nth = 0
        self.hide_acks = False
        for name, value in plan.items():
            setattr(self, name, value)

    def drop(self, outward, segment):
        if outward and segment.target_port == self.port and segment.payload:
            self.requests += 1
            if self.requests <= self.lose_requests:
                self.lost["outward"] += 1
                return True
        if not outward and segment.source_port == self.port:
            if segment.payload:
                self.inward += 1
                if self.inward == self.lose_nth:
                    self.lost["inward"] += 1
                    return True
            # The request has arrived, and nobody hears of it until it comes once more.
            elif self.hide_acks and self.requests == 1:
                return True
        return False

    def late(self, outward, segment):
        if not outward and segment.source_port == self.port and segment.payload and self.inward == self.delay_nth:
            self.overtaken += 1
            return 0.003
        return 0


@case(
    "clean",
    "repaired-losses",
    "Requests and segments of answers are lost once or twice, an acknowledgment is, and a segment is overtaken; all of it is repaired.",
)
def repaired(s):
    s.network(one_way_ms=10)
    up = s.serve()
    shop = s.route(up, keepalive=True)
    s.start(read_s=5)
    s.get(shop)
    losses = _Losses(s, up)
    losses.step(lose_requests=1)
    s.get(shop)
    losses.step(lose_nth=3)
    s.get(shop, do=raw(_WIDE, then="keep"))
    losses.step(hide_acks=True)
    s.get(shop, do=answer(after=0.6))
    losses.step(delay_nth=3)
    s.get(shop, do=raw(_WIDE, then="keep"))
    losses.step(lose_requests=2)
    s.get(shop)
    losses.step()

    def repairs():
        ends = [s.gateway_host.tcp_counters(), s.host()[0].tcp_counters()]

        def counted(name):
            return sum(end[name] for end in ends)

        found = {
            "upstream": up.address,
            "timeout": counted("TCPTimeouts"),
            "fast": counted("TCPFastRetrans"),
            # Each D-SACK answers a probe, as nothing else is sent in vain here.
            "tailLossProbe": counted("TCPLossProbes") - counted("TCPDSACKRecv"),
            "spurious": counted("TCPDSACKRecv"),
            "outOfOrder": losses.overtaken,
            "beforeCapture": losses.lost["inward"],
            "afterCapture": losses.lost["outward"],
        }
        others = counted("TCPSlowStartRetrans") + counted("TCPLostRetransmit")
        if others or [found[name] for name in ("timeout", "fast", "tailLossProbe", "spurious")] != [1, 1, 2, 1]:
            raise Disagreement(f"the kernels sent again what was not planned: {found}, {others} others")
        return found

    s.repairs = repairs
