import Model

/// The meta-variables of one request (RFC 3875 §4.1), as the facts that HTTP/1 has of it.
///
/// `HTTP_*` are the client's field lines (§4.1.18); REQUEST_URI is every gateway's own, and has the target as the client sent it.
struct MetaVariables {
    private(set) var method = ""
    private var uri: String?
    private var script = ""
    private var path = ""
    private var query = ""
    /// Nil where none or no valid one was given.
    private(set) var contentLength: Int64?
    private var fields = HeadFields(.request)

    mutating func take(_ name: [UInt8], _ value: [UInt8], at offset: Int64) {
        switch String(decoding: name, as: UTF8.self) {
        case "REQUEST_METHOD": method = value.escaped(limit: 32)
        case "REQUEST_URI": uri = value.escaped(limit: 2048)
        case "SCRIPT_NAME": script = value.escaped(limit: 1024)
        case "PATH_INFO": path = value.escaped(limit: 1024)
        case "QUERY_STRING": query = value.escaped(limit: 1024)
        case "CONTENT_LENGTH": takeField(Array("content-length".utf8), value, at: offset)
        case "HTTP_CONTENT_LENGTH", "HTTP_TRANSFER_ENCODING": break
        default:
            guard name.starts(with: Array("HTTP_".utf8)) else { return }
            takeField(name.dropFirst(5).map { $0 == 0x5f ? 0x2d : Octet.lowered($0) }, value, at: offset)
        }
    }

    private mutating func takeField(_ name: [UInt8], _ value: [UInt8], at offset: Int64) {
        guard !value.isEmpty else { return }
        fields.take((name + [Octet.colon] + value)[...], at: offset)
    }

    /// Where nothing more is to come.
    mutating func finish() {
        fields.flush()
        contentLength = fields.contentLength
    }

    func write(into request: inout RequestFacts) {
        request.method = method
        let made = script + path + (query.isEmpty ? "" : "?" + query)
        request.target = uri ?? made
        request.host = fields.host
        request.fieldCount = fields.count
        request.fields = fields.kept
    }
}

/// Name-value pairs (FastCGI Specification 1.0 §3.4) as their bytes come: lengths of one byte, or of four where the first bit is set.
struct PairReader {
    /// More of a value is not kept; no name that is known is as long as this.
    private static let kept = 4_096

    private var lengths: [UInt8] = []
    private var nameLeft: Int64 = 0
    private var valueLeft: Int64 = 0
    private var isInPair = false
    private var name: [UInt8] = []
    private var value: [UInt8] = []

    /// The pair that `byte` completed.
    mutating func take(_ byte: UInt8) -> (name: [UInt8], value: [UInt8])? {
        if !isInPair {
            lengths.append(byte)
            guard let (first, used) = length(at: 0), let (second, _) = length(at: used) else { return nil }
            (nameLeft, valueLeft) = (first, second)
            lengths.removeAll(keepingCapacity: true)
            name.removeAll(keepingCapacity: true)
            value.removeAll(keepingCapacity: true)
            isInPair = true
        } else if nameLeft > 0 {
            nameLeft -= 1
            if name.count < Self.kept { name.append(byte) }
        } else {
            valueLeft -= 1
            if value.count < Self.kept { value.append(byte) }
        }
        guard nameLeft == 0, valueLeft == 0 else { return nil }
        isInPair = false
        return (name, value)
    }

    private func length(at index: Int) -> (Int64, next: Int)? {
        guard index < lengths.count else { return nil }
        if lengths[index] & 0x80 == 0 { return (Int64(lengths[index]), index + 1) }
        guard index + 4 <= lengths.count else { return nil }
        let size = lengths[index..<(index + 4)].reduce(Int64(0)) { $0 << 8 | Int64($1) }
        return (size & 0x7fff_ffff, index + 4)
    }
}
