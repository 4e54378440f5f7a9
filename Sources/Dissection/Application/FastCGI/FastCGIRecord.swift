import Model

/// Walks the records of one direction (FastCGI Specification 1.0 §3.3): version, type, request id, content length, padding length, reserved.
struct FastCGIRecords {
    enum Kind: UInt8 {
        case beginRequest = 1
        case abortRequest, endRequest, params, stdin, stdout, stderr, data, getValues, getValuesResult, unknownType
    }

    private var header: [UInt8] = []
    private(set) var kind: Kind?
    private(set) var id: UInt16 = 0
    /// Offset of the record's first byte.
    private(set) var start: Int64 = 0
    private(set) var length = 0
    /// Content still to come, and padding behind it.
    private(set) var contentLeft = 0
    private(set) var paddingLeft = 0
    /// Where records begin is not known: nothing is read before a delivery that begins with one.
    var isLost: Bool

    init(isLost: Bool) {
        self.isLost = isLost
    }

    var isBetweenRecords: Bool { header.isEmpty && contentLeft == 0 && paddingLeft == 0 }

    /// Takes a byte of a header at `offset`; true where it completed one.
    mutating func takeHeader(_ byte: UInt8, at offset: Int64) -> Bool {
        if header.isEmpty { start = offset }
        header.append(byte)
        guard header.count == 8 else { return false }
        defer { header.removeAll(keepingCapacity: true) }
        guard header[0] == 1, let known = Kind(rawValue: header[1]) else {
            isLost = true
            return false
        }
        kind = known
        id = UInt16(header[2]) << 8 | UInt16(header[3])
        length = Int(header[4]) << 8 | Int(header[5])
        contentLeft = length
        paddingLeft = Int(header[6])
        return true
    }

    /// Takes content, at most `available` bytes; returns how many.
    mutating func takeContent(_ available: Int) -> Int {
        let taken = min(available, contentLeft)
        contentLeft -= taken
        return taken
    }

    mutating func takePadding(_ available: Int) -> Int {
        let taken = min(available, paddingLeft)
        paddingLeft -= taken
        return taken
    }

    mutating func lose() {
        header.removeAll(keepingCapacity: true)
        contentLeft = 0
        paddingLeft = 0
        kind = nil
        isLost = true
    }

    /// Whether a delivery begins with a record that `direction` may send: no other field of the header leaves as little to chance.
    static func isStart(_ bytes: RawSpan, _ direction: Direction) -> Bool {
        guard bytes.byteCount >= 8, bytes.byte(0) == 1, bytes.byte(7) == 0 else { return false }
        let id = UInt16(bytes.byte(2)) << 8 | UInt16(bytes.byte(3))
        let length = UInt16(bytes.byte(4)) << 8 | UInt16(bytes.byte(5))
        switch (direction, bytes.byte(1)) {
        case (.fromClient, 1): return length == 8 && bytes.byte(6) == 0 && id > 0
        case (.fromServer, 3): return length == 8 && id > 0
        case (.fromServer, 6), (.fromServer, 7): return id > 0
        default: return false
        }
    }
}
