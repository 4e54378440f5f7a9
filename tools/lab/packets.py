"""Just enough dissection for the relay to choose packets by."""

import struct
from dataclasses import dataclass

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


@dataclass
class Segment:
    """A TCP segment inside an Ethernet frame. Ports and numbers are in host order."""

    source: str
    target: str
    source_port: int
    target_port: int
    sequence: int
    acknowledgment: int
    flags: int
    payload: bytes

    def has(self, flag):
        return bool(self.flags & flag)


def segment(frame):
    """The TCP segment in an Ethernet frame over IPv4, or None."""
    if len(frame) < 54 or frame[12:14] != b"\x08\x00" or frame[23] != 6:
        return None
    header = (frame[14] & 15) * 4
    total = struct.unpack_from("!H", frame, 16)[0]
    start = 14 + header
    ports = struct.unpack_from("!HHIIBB", frame, start)
    data = start + (ports[4] >> 4) * 4
    return Segment(
        ".".join(str(octet) for octet in frame[26:30]),
        ".".join(str(octet) for octet in frame[30:34]),
        ports[0],
        ports[1],
        ports[2],
        ports[3],
        ports[5],
        bytes(frame[data : 14 + total]),
    )
