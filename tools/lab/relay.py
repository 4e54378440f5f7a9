"""A wire with a length: frames between two interfaces of one host, delayed, and dropped on request.

The kernels here come without netem. Two packet sockets and a heap give what the races need: a real round trip, so
that a FIN and a request can cross.
"""

import heapq
import select
import socket
import threading
import time

from . import packets

_ETH_P_ALL = 3
_PACKET_OUTGOING = 4


class Relay:
    """Forwards frames between interfaces `near` (gateway's side) and `far` (upstream's side).

    `drop(outward, segment)` is asked for each TCP segment over IPv4; outward is True from near to far. Frames that are
    not TCP are never dropped. `late(outward, segment)` gives the seconds by which a segment comes later than the others.
    """

    def __init__(self, host, near, far, one_way_ms):
        self.delay = one_way_ms / 1000
        self.drop = None
        self.late = None
        with host:
            self._sockets = [self._open(near), self._open(far)]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    @staticmethod
    def _open(interface):
        opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
        opened.bind((interface, 0))
        opened.setblocking(False)
        return opened

    def _work(self):
        queue, serial = [], 0
        while not self._stop.is_set():
            wait = 0.05
            if queue:
                wait = max(0.0, min(wait, queue[0][0] - time.monotonic()))
            readable, _, _ = select.select(self._sockets, [], [], wait)
            now = time.monotonic()
            for index, side in enumerate(self._sockets):
                if side not in readable:
                    continue
                for frame in self._frames(side):
                    if self._wanted(index == 0, frame):
                        due = now + self.delay + self._later(index == 0, frame)
                        heapq.heappush(queue, (due, serial, 1 - index, frame))
                        serial += 1
            while queue and queue[0][0] <= time.monotonic():
                _, _, index, frame = heapq.heappop(queue)
                try:
                    self._sockets[index].send(frame)
                except OSError:
                    pass  # the interface is going away with its case
        for side in self._sockets:
            side.close()

    @staticmethod
    def _frames(side):
        while True:
            try:
                frame, address = side.recvfrom(65535)
            except OSError:
                return
            if address[2] != _PACKET_OUTGOING:
                yield frame

    def _wanted(self, outward, frame):
        drop = self.drop
        if drop is None:
            return True
        segment = packets.segment(frame)
        return segment is None or not drop(outward, segment)

    def _later(self, outward, frame):
        late = self.late
        segment = packets.segment(frame) if late else None
        return late(outward, segment) if segment else 0

    def close(self):
        self._stop.set()
        self._thread.join()
