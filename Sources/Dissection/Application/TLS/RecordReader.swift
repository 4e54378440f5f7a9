import Model

/// Walks the records of one direction, keeping only the first handshake message and short alerts.
struct RecordReader {
    enum ContentType: UInt8 {
        case changeCipherSpec = 20
        case alert, handshake, applicationData, heartbeat
    }

    /// Longer hellos (many key shares, large tickets) are cut; the names stand early enough in practice.
    private static let keptHandshake = 16_384
    /// RFC 5246 §6.2.3: 2^14 and 2048 for the cipher.
    private static let longestRecord = 16_384 + 2_048

    private var header: [UInt8] = []
    private(set) var type: ContentType?
    private(set) var length = 0
    /// Bytes of the current record still to come.
    var remaining = 0
    /// What follows cannot be read: not TLS, or records lost in a gap. There is no way back, records have no mark.
    private(set) var isLost = false
    var isEncrypted = false
    /// Where records begin is not known yet: deliveries are skipped until one begins with a record.
    var isSeeking = false
    private(set) var handshake: [UInt8] = []
    private(set) var alert: [UInt8] = []

    /// False while no delivery has begun with a record header.
    mutating func findStart(_ bytes: RawSpan) -> Bool {
        guard isSeeking else { return true }
        guard bytes.byteCount >= 6 else { return false }
        isSeeking = ProtocolProbe.tlsRecord((0..<6).map { bytes.octet($0) }) != .certain(.tls)
        return !isSeeking
    }

    /// True when `byte` completed a record header.
    mutating func takeHeader(_ byte: UInt8) -> Bool {
        header.append(byte)
        guard header.count == 5 else { return false }
        defer { header.removeAll(keepingCapacity: true) }
        let size = Int(header[3]) << 8 | Int(header[4])
        guard let known = ContentType(rawValue: header[0]), header[1] == 3, size <= Self.longestRecord else {
            isLost = true
            return false
        }
        type = known
        length = size
        remaining = size
        alert.removeAll(keepingCapacity: true)
        return true
    }

    mutating func skip(_ count: Int64) {
        if isSeeking { return }
        guard header.isEmpty, count <= Int64(remaining) else {
            isLost = true
            return
        }
        remaining -= Int(count)
        // A hello with a hole is no hello; later handshake messages are not read anyway.
        if type == .handshake { isEncrypted = true }
        alert.removeAll()
    }

    mutating func collectHandshake(_ bytes: RawSpan, _ range: Range<Int>) {
        for index in range.prefix(max(0, Self.keptHandshake - handshake.count)) {
            handshake.append(bytes.octet(index))
        }
    }

    mutating func collectAlert(_ bytes: RawSpan, _ range: Range<Int>) {
        for index in range.prefix(max(0, 2 - alert.count)) { alert.append(bytes.octet(index)) }
    }

    /// The first handshake message is complete, or as complete as it is kept.
    var hasWholeMessage: Bool {
        guard handshake.count >= 4 else { return false }
        let size = Int(handshake[1]) << 16 | Int(handshake[2]) << 8 | Int(handshake[3])
        return handshake.count >= min(4 + size, Self.keptHandshake)
    }
}
