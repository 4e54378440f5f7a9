/// A reset against what its sender and its receiver had sent before, and what its sender did afterwards: by this an
/// endpoint's own reset is told from one that something between made (RFC 9293 §3.5.2).
package struct ResetFacts: Sendable {
    package var event: TCPEvent
    /// Offset after the last byte (and, one further, after the FIN) that its sender had sent.
    package var sentEnd: Int64
    /// The sender's last packet before it, and that packet's IPv4 identification.
    package var previous: FrameReference?
    package var previousIdentification: UInt16?
    /// The receiver's last packet before it: a reset without socket answers one.
    package var answered: FrameReference?
    /// The first packet by which its sender went on as if nothing had happened: it opens, carries bytes beyond the
    /// reset, acknowledges more, or comes 50 ms and more afterwards. Resets do not count.
    package var wentOn: FrameReference?

    package init(event: TCPEvent, sentEnd: Int64) {
        self.event = event
        self.sentEnd = sentEnd
    }
}
