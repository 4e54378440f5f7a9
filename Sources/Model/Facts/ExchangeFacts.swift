/// One HTTP/1 request and its response, or the absence of either.
package struct ExchangeFacts: Sendable {
    /// Position on its connection, from 0.
    package var index: Int
    /// Nil where a response was seen without its request (mid-stream start, a server that speaks first).
    package var request: RequestFacts?
    /// 1xx responses before the final one, at most 16 kept.
    package var interim: [InterimResponse] = []
    package var interimCount = 0
    /// Offset after the last interim response; nil where none came.
    package var interimEnd: Int64?
    package var response: ResponseFacts?
    /// FastCGI: the record that ended the request before a response head was whole.
    package var emptyEnd: FrameReference?

    package init(index: Int, request: RequestFacts? = nil, response: ResponseFacts? = nil) {
        self.index = index
        self.request = request
        self.response = response
    }
}

package struct InterimResponse: Sendable {
    package var status: Int
    package var frame: FrameReference

    package init(status: Int, frame: FrameReference) {
        self.status = status
        self.frame = frame
    }
}

/// A field line kept because it helps to join legs, to tell who made an answer, or to explain it.
/// Names are lower case; values are cut at 256 bytes, bytes outside printable ASCII escaped as `\xNN`.
package struct FieldLine: Hashable, Sendable {
    package var name: String
    package var value: String

    package init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}

/// How the length of a message body is determined (RFC 9112 §6.3).
package enum BodyFraming: Hashable, Sendable {
    case none
    case contentLength(Int64)
    case chunked
    /// A response that ends when the server closes.
    case untilClose
    /// After 101 or a 2xx to CONNECT: the connection is no longer HTTP.
    case tunnel
    /// The framing fields contradict each other or cannot be read; the body was taken as `untilClose`.
    case invalid
}

package struct MessageBody: Sendable {
    package var framing: BodyFraming = .none
    /// Body bytes seen, chunk framing excluded; bytes in gaps are counted where the framing allows it.
    package var seen: Int64 = 0
    /// FNV-1a (64 bit) over the first 4096 body bytes (chunk framing excluded): equal bodies on two legs are equal here.
    package var digest: UInt64 = 0xcbf2_9ce4_8422_2325
    /// Bytes of the body lie in a gap of the capture.
    package var hasGap = false

    package init() {}
}

package struct RequestFacts: Sendable {
    /// Offset of the first byte in the client's stream.
    package var start: Int64
    /// Offset after the blank line; nil while the head is incomplete.
    package var headEnd: Int64?
    /// Offset after the message; nil while the body is incomplete. Where a gap hid the end of the head: up to where the
    /// message can have reached, once the next message or the response shows that it is over.
    package var end: Int64?
    package var firstFrame: FrameReference
    /// The packet that completed the head.
    package var headFrame: FrameReference?
    /// The packet with the last byte of the message seen so far.
    package var lastFrame: FrameReference
    package var method = ""
    /// Request target as sent, cut at 2048 bytes, or where a gap of the capture begins (`version` is empty then).
    package var target = ""
    package var version = ""
    package var host: String?
    package var body = MessageBody()
    package var expectsContinue = false
    /// Value of Upgrade where Connection names it.
    package var upgrade: String?
    /// `Connection: close`, or HTTP/1.0 without keep-alive.
    package var wantsClose = false
    package var fieldCount = 0
    /// Every field name was in lower case (HAProxy, Envoy).
    package var lowerCaseNames = false
    /// x-request-id, traceparent, x-forwarded-for, forwarded, x-real-ip, via, user-agent, cookie length ... at most 24.
    package var fields: [FieldLine] = []
    package var deviations: [Deviation] = []
    /// First ACK from the server that covers everything of this message seen so far, and `end` once known.
    package var acknowledged: FrameReference?
    /// Segments of this message that were sent again.
    package var retransmissions = 0
    package var lastRetransmission: FrameReference?

    package init(start: Int64, firstFrame: FrameReference) {
        self.start = start
        self.firstFrame = firstFrame
        self.lastFrame = firstFrame
    }
}

package struct ResponseFacts: Sendable {
    /// How far the response got. The end of the stream is seen from the connection's events.
    package enum Completion: UInt8, Sendable {
        /// Not a status line (see deviations); what follows is not parsed.
        case notHTTP
        /// The status line looked like HTTP but is no valid one; what follows is not parsed.
        case invalidStatusLine
        case incompleteHead
        case incompleteBody
        /// Chunk framing broken; what follows is not parsed.
        case brokenBody
        /// All of it came; or a gap hid the end of the head or of a chunk (`body.hasGap`), and the next message or an
        /// orderly close tells that the response is over.
        case complete
    }
    package var completion: Completion = .incompleteHead
    package var start: Int64
    package var headEnd: Int64?
    package var end: Int64?
    package var firstFrame: FrameReference
    package var headFrame: FrameReference?
    package var lastFrame: FrameReference
    /// Status line (or the first line of what came instead), at most 200 bytes, escaped as in `FieldLine`.
    package var firstLine = ""
    package var version = ""
    /// The protocol that the first bytes belong to where `completion` is `notHTTP`; nil where they are none that is
    /// known, or free text. Never `http1`.
    package var recognised: ProtocolName?
    package var status: Int?
    package var body = MessageBody()
    /// Bytes of the head so far, status line and blank line included.
    package var headBytes: Int64 = 0
    /// Longest single line of the head, in bytes.
    package var longestLine = 0
    package var fieldCount = 0
    package var wantsClose = false
    package var lowerCaseNames = false
    /// server, via, date, age, x-cache, retry-after, proxy-status, content-type, connection, x-envoy-* ... at most 24.
    package var fields: [FieldLine] = []
    package var deviations: [Deviation] = []
    /// First body bytes, at most 512, kept only where the status is 400 or above.
    package var bodyPrefix: [UInt8] = []

    package init(start: Int64, firstFrame: FrameReference) {
        self.start = start
        self.firstFrame = firstFrame
        self.lastFrame = firstFrame
    }
}
