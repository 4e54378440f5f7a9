import Model

/// A record as a parser found it: its values, and where in the input buffer its bytes lie.
struct ParsedRecord {
    var timestamp: Timestamp
    var capturedLength: Int
    var wireLength: Int
    /// Counts the interfaces of the file from 0, over all its sections.
    var interface: Int
    var linkType: LinkType
    /// Of the packet's first byte, from the start of the buffer's window.
    var position: Int
    /// Bytes of the whole record, to be consumed before the next.
    var size: Int
}

enum ParserStep {
    case record(ParsedRecord)
    case end(CaptureEnding)
}

/// One savefile format. `next` is called with the window at the start of a record.
protocol SavefileParser: AnyObject {
    func next(_ buffer: InputBuffer) throws(CaptureError) -> ParserStep

    /// Hands on packets that lie whole in the window, one after the other, as `next` would, and passes them by.
    /// - Parameters:
    ///   - limit: of so many at most.
    ///   - batch: its packets are replaced; `firstNumber` is that of the next packet and is moved on.
    ///   - body: takes a batch that is not empty.
    /// - Returns: how many it took. What is not of the usual form is left to `next`.
    func scan(
        _ buffer: InputBuffer,
        limit: Int,
        _ batch: PacketBatch,
        _ body: (PacketBatch, RawSpan) -> Void
    ) -> Int

    /// "pcap", "pcap (nanoseconds)", "pcapng" ...
    var formatName: String { get }
    /// In the order of their first appearance.
    var linkTypes: [LinkType] { get }
    /// Records without a packet that Wireshark numbers as frames, so far.
    var otherFrames: Int { get }
    /// Packets that the capturing side says it lost; nil where the file does not say.
    var dropped: Int? { get }
    /// Packets without a time have been read that take that of the packet before.
    var borrowsTimes: Bool { get }
    /// The same by the time between two of its reports.
    var losses: [CaptureLoss] { get }
}

enum SavefileLimit {
    /// The largest packet that libpcap (MAXIMUM_SNAPLEN) and Wireshark (WTAP_MAX_PACKET_SIZE_STANDARD) accept; a
    /// larger length is damage.
    static let packet = 262_144
    /// The largest block that is held in memory: what libpcap allows at first (INITIAL_MAX_BLOCKSIZE in sf-pcapng.c).
    static let block = 16 << 20

    /// D-Bus, USBPcap and EBHSCR messages may be larger than frames of a network.
    static func packet(for linkType: LinkType) -> Int {
        switch linkType.rawValue {
        case 231, 249, 279: block - 4096
        default: packet
        }
    }
}

extension InputBuffer {
    /// How a file ends that has fewer bytes left than its next record needs.
    func ending(inRecord what: @autoclosure () -> String) -> CaptureEnding {
        switch problem {
        case .cut(let message):
            return .cut(atOffset: offset, message: "\(message), at byte \(offset) of its content")
        case .damaged(let message):
            return .damaged(atOffset: offset, message: "\(message), at byte \(offset) of its content")
        case nil where available == 0:
            return .clean
        case nil:
            return .cut(
                atOffset: offset,
                message: "cut short in the middle of \(what()): the record at byte \(offset) is not complete"
            )
        }
    }
}
