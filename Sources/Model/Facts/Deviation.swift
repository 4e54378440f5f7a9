/// A departure of a message from RFC 9112 or RFC 9110, with the stream offset where it stands.
package struct Deviation: Sendable {
    package enum Kind: String, Sendable, CaseIterable {
        case notHTTP
        case invalidVersion
        case lowerCaseVersion
        case invalidStatusCode
        case missingReason
        case bareLineFeed
        case bareCarriageReturn
        case leadingEmptyLine
        case missingColon
        case emptyFieldName
        case spaceBeforeColon
        case invalidNameByte
        case controlInValue
        case nulInValue
        case obsoleteFolding
        case duplicateContentLength
        case conflictingContentLength
        case invalidContentLength
        case contentLengthAndTransferEncoding
        case unknownTransferEncoding
        case transferEncodingInHTTP10
        case invalidChunkSize
        case missingChunkEnd
        case surplusBytes
        case responseBeforeRequest
        case unexpectedSwitchingProtocols
        /// The parser's own limit for a head (1 MiB) was reached; the rest was not read.
        case headLimit
        case invalidRequestLine
    }

    package var kind: Kind
    /// Stream offset in the direction of the message.
    package var offset: Int64
    /// The offending bytes, at most 80, escaped as in `FieldLine`.
    package var excerpt: String?

    package init(kind: Kind, offset: Int64, excerpt: String? = nil) {
        self.kind = kind
        self.offset = offset
        self.excerpt = excerpt
    }
}

/// The lax decoder's note on a packet whose layers did not all parse.
package struct DecodeObservation: Hashable, Sendable {
    package enum Layer: String, Sendable {
        case link, vlan, network, fragment, transport, tunnel, dns, icmp, neighbour
    }
    /// Where the available length came from: tells a short snap length from a header that lies.
    package enum LengthSource: String, Sendable {
        case capturedLength, wireLength, ipTotalLength, ipHeaderLength, udpLength, tcpDataOffset, optionLength
    }
    package var layer: Layer
    /// Byte offset in the packet.
    package var offset: Int
    package var required: Int
    package var available: Int
    package var lengthSource: LengthSource
    package var frame: FrameReference

    package init(
        layer: Layer,
        offset: Int,
        required: Int,
        available: Int,
        lengthSource: LengthSource,
        frame: FrameReference
    ) {
        self.layer = layer
        self.offset = offset
        self.required = required
        self.available = available
        self.lengthSource = lengthSource
        self.frame = frame
    }
}
