"""An HTTP/1.1 client that reports what really arrived: also nothing, also half an answer."""

import socket
import ssl
import struct
import time
from dataclasses import dataclass, field


@dataclass
class Answer:
    """What the client got. `status` is None where no valid status line came."""

    status: int | None = None
    received: int = 0
    complete: bool = False
    left: bool = False
    seconds: float = 0.0
    headers: dict = field(default_factory=dict)


class Client:
    """One client host; keeps its connection where the gateway allows it."""

    def __init__(self, namespace, address, host, family=socket.AF_INET, tls=False):
        self.namespace, self.address, self.host, self.family, self.tls = namespace, address, host, family, tls
        self._socket = None

    def connect(self):
        with self.namespace:
            opened = socket.socket(self.family, socket.SOCK_STREAM)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opened.settimeout(60)
        opened.connect(self.address)
        if self.tls:
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            opened = context.wrap_socket(opened, server_hostname=self.host)
        self._socket = opened
        return opened

    def close(self):
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def head(self, method, target, body=None, headers=()):
        lines = [f"{method} {target} HTTP/1.1", f"Host: {self.host}", "User-Agent: shopper/2.4", "Accept: */*"]
        lines += headers
        if body is not None:
            lines += ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}"]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def send(self, method, target, body=None, headers=()):
        """Sends one request and waits for nothing."""
        if self._socket is None:
            self.connect()
        self._socket.sendall(self.head(method, target, body, headers) + (body or b""))

    def request(self, method, target, body=None, headers=(), leave_after=None, leave_with="fin", expect=False):
        """One exchange. With `leave_after` the client goes away that many seconds after the request."""
        start = time.monotonic()
        if self._socket is None:
            self.connect()
        try:
            if expect:
                self._socket.sendall(self.head(method, target, body, [*headers, "Expect: 100-continue"]))
                first = self._socket.recv(4096)
                if not first.startswith(b"HTTP/1.1 1"):
                    return self._timed(self.read(method, first), start)
                self._socket.sendall(body)
            else:
                self.send(method, target, body, headers)
        except (ConnectionError, ssl.SSLError):
            pass  # what came before the reset is read below
        if leave_after is not None:
            return self._leave(leave_after, leave_with, start)
        return self._timed(self.read(method), start)

    @staticmethod
    def _timed(answer, start):
        answer.seconds = time.monotonic() - start
        return answer

    def _leave(self, after, how, start):
        answer = Answer(left=True)
        self._socket.settimeout(after)
        try:
            answer.received = len(self._socket.recv(65536))
        except (TimeoutError, ConnectionError):
            pass
        rest = after - (time.monotonic() - start)
        if rest > 0:
            time.sleep(rest)
        if how == "reset":
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()
        answer.seconds = time.monotonic() - start
        return answer

    def send_raw(self, data):
        if self._socket is None:
            self.connect()
        self._socket.sendall(data)

    def receive(self):
        """Whatever comes next; empty at the end."""
        return self._receive()

    def read_several(self, count):
        """Reads the answers to pipelined GETs, which all carry a Content-Length."""
        data, answers = b"", []
        while len(answers) < count:
            while b"\r\n\r\n" not in data:
                data += self._more(data)
            head, _, data = data.partition(b"\r\n\r\n")
            answer = Answer(_status(head), len(head), True, headers=_headers(head))
            length = int(answer.headers["content-length"])
            while len(data) < length:
                data += self._more(data)
            data = data[length:]
            answers.append(answer)
        return answers

    def _more(self, data):
        more = self._receive()
        if not more:
            raise ConnectionError(f"the connection ended after {data!r}")
        return more

    def read(self, method, data=b""):
        """Reads one final answer from the connection; `data` is what has been read of it."""
        answer = Answer(received=len(data))
        while True:
            while b"\r\n\r\n" not in data:
                more = self._receive()
                if not more:
                    self.close()
                    answer.received = len(data)
                    answer.status = _status(data)
                    return answer
                data += more
                answer.received += len(more)
            head, _, data = data.partition(b"\r\n\r\n")
            answer.status = _status(head)
            if answer.status is None:
                while self._receive():
                    pass
                self.close()
                return answer
            if answer.status >= 200 or answer.status == 101:
                break
        answer.headers = _headers(head)
        answer.complete = self._body(method, answer, data)
        if not answer.complete or "close" in answer.headers.get("connection", "").lower():
            self.close()
        return answer

    def _receive(self):
        try:
            return self._socket.recv(65536)
        except (ConnectionError, ssl.SSLError):
            return b""

    def _body(self, method, answer, data):
        if method == "HEAD" or answer.status in (101, 204, 304):
            return True
        if "chunked" in answer.headers.get("transfer-encoding", "").lower():
            while not data.endswith(b"0\r\n\r\n"):
                more = self._receive()
                if not more:
                    return False
                data += more
            return True
        length = answer.headers.get("content-length")
        while length is None or len(data) < int(length):
            more = self._receive()
            if not more:
                self.close()
                return length is None
            data += more
        return True


def _status(head):
    parts = head.split(b"\r\n", 1)[0].split(b" ")
    if len(parts) < 2 or not parts[0].startswith(b"HTTP/1.") or not parts[1].isdigit() or len(parts[1]) != 3:
        return None
    return int(parts[1])


def _headers(head):
    pairs = (line.partition(b":") for line in head.split(b"\r\n")[1:])
    return {name.decode("latin-1").strip().lower(): value.decode("latin-1").strip() for name, _, value in pairs}
