"""A name server that does as it is told, also wrongly, over UDP and TCP."""

import socket
import struct
import threading
import time

_CODES = {"formerr": 1, "servfail": 2, "nxdomain": 3, "notimp": 4, "refused": 5}
_A, _AAAA = 1, 28


class NameServer:
    """Answers queries for the names in `records`; a name that is not there does not exist.

    A record is a dictionary: query type ("A", "AAAA") -> addresses, lists of addresses that are given in turn, or the word for what goes wrong: nxdomain, nodata,
    servfail, refused, formerr, notimp, silent. A type that is not there is nodata. `ttl` is in seconds, `after` the
    delay of each answer, `truncated` makes UDP answers empty with TC set, `drop` is how many queries are lost first.
    """

    def __init__(self, namespace, address, port=53, family=socket.AF_INET):
        self.address = f"[{address}]:{port}" if family == socket.AF_INET6 else f"{address}:{port}"
        self.host, self.port = address, port
        self.records = {}
        self.queries = []
        with namespace:
            self._udp = socket.socket(family, socket.SOCK_DGRAM)
            self._tcp = socket.socket(family, socket.SOCK_STREAM)
        self._udp.bind((address, port))
        self._tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._tcp.bind((address, port))
        self._tcp.listen(16)
        threading.Thread(target=self._serve_udp, daemon=True).start()
        threading.Thread(target=self._serve_tcp, daemon=True).start()

    def set(self, name, a="nodata", aaaa="nodata", ttl=1, after=0.0, truncated=False, drop=0):
        """What is said of a name from now on; `a` and `aaaa` are lists of addresses, or a word."""
        self.records[name] = {
            "A": a,
            "AAAA": aaaa,
            "ttl": ttl,
            "after": after,
            "truncated": truncated,
            "drop": drop,
        }

    def close(self):
        """From now on the port is closed: queries draw an ICMP error."""
        for listener in (self._udp, self._tcp):
            try:
                listener.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            listener.close()

    def _serve_udp(self):
        while True:
            try:
                query, sender = self._udp.recvfrom(4096)
            except OSError:
                return
            if not query:
                return  # the socket was shut down
            threading.Thread(target=self._answer_udp, args=(query, sender), daemon=True).start()

    def _answer_udp(self, query, sender):
        answer = self._answer(query, over_tcp=False)
        if answer is not None:
            try:
                self._udp.sendto(answer, sender)
            except OSError:
                pass

    def _serve_tcp(self):
        while True:
            try:
                opened, _ = self._tcp.accept()
            except OSError:
                return
            threading.Thread(target=self._answer_tcp, args=(opened,), daemon=True).start()

    def _answer_tcp(self, opened):
        with opened:
            opened.settimeout(10)
            try:
                while True:
                    length = opened.recv(2, socket.MSG_WAITALL)
                    if len(length) < 2:
                        return
                    query = opened.recv(struct.unpack("!H", length)[0], socket.MSG_WAITALL)
                    answer = self._answer(query, over_tcp=True)
                    if answer is None:
                        time.sleep(10)
                        return
                    opened.sendall(struct.pack("!H", len(answer)) + answer)
            except OSError:
                return

    def _answer(self, query, over_tcp):
        name, kind, end = _question(query)
        self.queries.append((time.time(), name, kind))
        record = self.records.get(name, {"A": "nxdomain", "AAAA": "nxdomain"})
        said = record.get({_A: "A", _AAAA: "AAAA"}.get(kind), "nodata")
        if record.get("drop", 0) > 0:
            record["drop"] -= 1
            return None
        time.sleep(record.get("after", 0.0))
        if said == "silent":
            return None
        addresses = said if isinstance(said, list) else []
        if addresses and isinstance(addresses[0], list):
            addresses.append(addresses.pop(0))
            addresses = addresses[-1]
        is_cut = bool(addresses) and record.get("truncated", False) and not over_tcp
        flags = 0x8180 | _CODES.get(said if isinstance(said, str) else "", 0) | (0x0200 if is_cut else 0)
        family, length = (socket.AF_INET, 4) if kind == _A else (socket.AF_INET6, 16)
        records = b"".join(
            struct.pack("!HHHIH", 0xC00C, kind, 1, record["ttl"], length) + socket.inet_pton(family, address)
            for address in ([] if is_cut else addresses)
        )
        count = 0 if is_cut else len(addresses)
        return query[:2] + struct.pack("!HHHHH", flags, 1, count, 0, 0) + query[12:end] + records


def _question(query):
    """Name, type and the offset after the question."""
    labels, position = [], 12
    while query[position]:
        labels.append(query[position + 1 : position + 1 + query[position]].decode("ascii", "replace").lower())
        position += 1 + query[position]
    return ".".join(labels), struct.unpack_from("!H", query, position + 1)[0], position + 5
