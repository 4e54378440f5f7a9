import Model

/// The field lines of one message head: what they mean for framing, which of them are kept, and their faults.
struct HeadFields {
    enum Kind { case request, response }

    private(set) var kind: Kind
    private(set) var count = 0
    private(set) var hasUpperCase = false
    private(set) var kept: [FieldLine] = []
    var deviations: [Deviation] = []

    private(set) var host: String?
    private(set) var expectsContinue = false
    private(set) var hasContentLength = false
    /// Nil where no valid length was given, or several that differ.
    private(set) var contentLength: Int64?
    private(set) var codings: [String] = []
    private(set) var hasTransferEncoding = false
    private var hasInvalidLength = false
    private var connection: [String] = []
    private var upgradeValue: String?

    /// The field line that may yet be continued (RFC 9112 §5.2): name, value, offset of the line.
    private var pendingName: ArraySlice<UInt8> = []
    private var pendingValue: [UInt8] = []
    private var pendingOffset: Int64 = 0
    private var hasPending = false

    init(_ kind: Kind) {
        self.kind = kind
    }

    var closes: Bool { connection.contains("close") }
    var keepsAlive: Bool { connection.contains("keep-alive") }
    /// Value of Upgrade where Connection names it (RFC 9110 §7.8).
    var upgrade: String? { connection.contains("upgrade") ? upgradeValue : nil }
    var lowerCaseNames: Bool { count > 0 && !hasUpperCase }

    /// Takes one line without its line end; `offset` is that of its first byte.
    mutating func take(_ line: ArraySlice<UInt8>, at offset: Int64) {
        let bareReturn = line.firstIndex(of: Octet.carriageReturn)
        if let bareReturn {
            deviations.note(.bareCarriageReturn, at: offset + Int64(bareReturn - line.startIndex), line)
        }
        if let first = line.first, Octet.isBlank(first) {
            deviations.note(.obsoleteFolding, at: offset, line)
            if hasPending, pendingValue.count < HeadLine.kept {
                pendingValue.append(Octet.space)
                pendingValue.append(contentsOf: line.drop(while: Octet.isBlank))
            }
            checkValue(line, at: offset, line: line)
            return
        }
        flush()
        count += 1
        guard let colon = line.firstIndex(of: Octet.colon) else {
            deviations.note(.missingColon, at: offset, line)
            checkValue(line, at: offset, line: line)
            return
        }
        var name = line[..<colon]
        if let last = name.last, Octet.isBlank(last) {
            deviations.note(.spaceBeforeColon, at: offset, line)
            while let last = name.last, Octet.isBlank(last) { name.removeLast() }
        }
        if name.isEmpty {
            deviations.note(.emptyFieldName, at: offset, line)
        } else if let bad = name.firstIndex(where: { !Octet.isToken($0) }) {
            deviations.note(.invalidNameByte, at: offset + Int64(bad - line.startIndex), line)
        }
        if name.contains(where: Octet.isUpper) { hasUpperCase = true }
        let value = line[(colon + 1)...]
        checkValue(value, at: offset + Int64(colon + 1 - line.startIndex), line: line)
        pendingName = name
        pendingValue = Array(value)
        pendingOffset = offset
        hasPending = true
    }

    /// Reads the field line that was held back for a continuation. To be called at the blank line.
    mutating func flush() {
        guard hasPending else { return }
        hasPending = false
        var value = pendingValue[...]
        while let first = value.first, Octet.isBlank(first) { value.removeFirst() }
        while let last = value.last, Octet.isBlank(last) { value.removeLast() }
        guard pendingName.count <= 64 else { return }
        let name = pendingName.map(Octet.lowered).escaped(limit: 64)
        interpret(name, value)
        keep(name, value)
    }

    private mutating func checkValue(_ value: ArraySlice<UInt8>, at offset: Int64, line: ArraySlice<UInt8>) {
        if let nul = value.firstIndex(of: 0) {
            deviations.note(.nulInValue, at: offset + Int64(nul - value.startIndex), line)
        }
        let control = value.firstIndex { Octet.isControl($0) && $0 != 0 && $0 != Octet.carriageReturn }
        if let control {
            deviations.note(.controlInValue, at: offset + Int64(control - value.startIndex), line)
        }
    }

    private mutating func interpret(_ name: String, _ value: ArraySlice<UInt8>) {
        switch name {
        case "content-length":
            takeLength(value)
        case "transfer-encoding":
            hasTransferEncoding = true
            let list = tokens(value)
            for coding in list where codings.count < 16 { codings.append(coding) }
            let isKnown =
                list.allSatisfy { Self.knownCodings.contains($0) } && codings.count { $0 == "chunked" } <= 1
                && !list.isEmpty
            if !isKnown { deviations.note(.unknownTransferEncoding, at: pendingOffset, value) }
        case "connection":
            for token in tokens(value) where connection.count < 16 { connection.append(token) }
        case "upgrade":
            upgradeValue = value.escaped(limit: 256)
        case "host" where host == nil:
            host = value.escaped(limit: 256)
        case "expect":
            expectsContinue = tokens(value).contains("100-continue")
        default:
            break
        }
    }

    /// RFC 9110 §7.2 and §8.4.1; "identity" was removed by RFC 9112 and is rejected by nginx 1.22.
    private static let knownCodings: Set<String> = [
        "chunked", "gzip", "x-gzip", "deflate", "compress", "x-compress",
    ]

    /// RFC 9110 §8.6: digits only; a list or repetition of one value may be taken as that value.
    private mutating func takeLength(_ value: ArraySlice<UInt8>) {
        for part in value.split(separator: 0x2c, maxSplits: 16, omittingEmptySubsequences: false) {
            let digits = trimmed(part)
            guard let number = decimal(digits) else {
                hasInvalidLength = true
                hasContentLength = true
                contentLength = nil
                deviations.note(.invalidContentLength, at: pendingOffset, value)
                return
            }
            if !hasContentLength {
                contentLength = number
            } else if contentLength == number {
                deviations.note(.duplicateContentLength, at: pendingOffset, value)
            } else if !hasInvalidLength {
                hasInvalidLength = true
                contentLength = nil
                deviations.note(.conflictingContentLength, at: pendingOffset, value)
            }
            hasContentLength = true
        }
    }

    private func decimal(_ digits: ArraySlice<UInt8>) -> Int64? {
        guard !digits.isEmpty, digits.allSatisfy(Octet.isDigit) else { return nil }
        var value: Int64 = 0
        for digit in digits {
            guard value <= (Int64.max >> 8) / 10 else { return nil }
            value = value * 10 + Int64(digit &- 0x30)
        }
        return value
    }

    private func trimmed(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var text = text.drop(while: Octet.isBlank)
        while let last = text.last, Octet.isBlank(last) { text.removeLast() }
        return text
    }

    /// The members of a comma-separated list, lower case, parameters cut off, at most 16.
    private func tokens(_ value: ArraySlice<UInt8>) -> [String] {
        value.split(separator: 0x2c, maxSplits: 16).prefix(16).compactMap { part in
            let token = trimmed(part.prefix { $0 != Octet.semicolon })
            return token.isEmpty ? nil : token.map(Octet.lowered).escaped(limit: 64)
        }
    }

    private mutating func keep(_ name: String, _ value: ArraySlice<UInt8>) {
        guard kept.count < 24 else { return }
        switch KeptFields.treatment(of: name, in: kind) {
        case .drop: break
        case .value: kept.append(FieldLine(name: name, value: value.escaped(limit: 256)))
        case .digest:
            // Enough to tell whether two legs carry the same secret, nothing to use it with.
            let digest = String(value.fnv1a(), radix: 16)
            kept.append(FieldLine(name: name, value: "len=\(value.count) fnv=\(digest)"))
        case .presence: kept.append(FieldLine(name: name, value: ""))
        }
    }
}
