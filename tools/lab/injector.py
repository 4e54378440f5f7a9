"""A device on the path that watches connections and resets them in their ends' names."""

import socket
import struct
import threading
import time

from . import packets

_ETH_P_ALL = 3


def _checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Injector:
    """Watches `interface` of `host`, which routes between the gateway and the upstream.

    `reset(port)` resets the latest connection to that port; `on_segment` is called with each segment as it passes.
    """

    def __init__(self, host, interface):
        self.on_segment = None
        self._latest = {}
        with host:
            self._tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
            self._tap.bind((interface, 0))
            self._raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        self._tap.settimeout(0.1)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self):
        while not self._stop.is_set():
            try:
                frame = self._tap.recv(65535)
            except OSError:
                continue
            segment = packets.segment(frame)
            if segment is None:
                continue
            self._latest[segment.source, segment.source_port, segment.target, segment.target_port] = segment
            if self.on_segment is not None:
                self.on_segment(segment)

    def reset(self, port, towards=("gateway",), **look):
        """Resets the latest connection to `port`, towards the gateway, the upstream, or both, as seen from either's peer."""
        flows = [flow for flow, segment in list(self._latest.items()) if segment.target_port == port]
        source, source_port, target, target_port = flows[-1]
        outward = self._latest[flows[-1]]
        inward = self._latest[target, target_port, source, source_port]
        if "gateway" in towards:
            sequence = max(_end(inward), outward.acknowledgment, key=lambda n: (n - inward.sequence) & 0xFFFFFFFF)
            self.send((target, target_port), (source, source_port), sequence, _end(outward), **look)
        if "upstream" in towards:
            self.send((source, source_port), (target, target_port), _end(outward), _end(inward), **look)

    def send(self, source, target, sequence, acknowledgment, ttl=255, window=5840, identification=54321, ack=True):
        flags = packets.RST | (packets.ACK if ack else 0)
        tcp = struct.pack(
            "!HHIIBBHHH", source[1], target[1], sequence, acknowledgment if ack else 0, 5 << 4, flags, window, 0, 0
        )
        addresses = socket.inet_aton(source[0]) + socket.inet_aton(target[0])
        sum_ = _checksum(addresses + struct.pack("!BBH", 0, 6, len(tcp)) + tcp)
        tcp = tcp[:16] + struct.pack("!H", sum_) + tcp[18:]
        header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), identification, 0, ttl, 6, 0) + addresses
        self._raw.sendto(header + tcp, (target[0], 0))

    def after(self, seconds, port, **look):
        """Resets from a thread of its own, `seconds` from now."""

        def work():
            time.sleep(seconds)
            self.reset(port, **look)

        threading.Thread(target=work, daemon=True).start()

    def close(self):
        self._stop.set()
        self._thread.join()
        self._tap.close()
        self._raw.close()


def _end(segment):
    control = segment.has(packets.SYN) + segment.has(packets.FIN)
    return (segment.sequence + len(segment.payload) + control) & 0xFFFFFFFF
