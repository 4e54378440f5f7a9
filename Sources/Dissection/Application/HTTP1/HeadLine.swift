/// One line of a message head as it arrives: its first 16 KiB are kept, the rest is counted.
struct HeadLine {
    /// Longer lines are cut: no field that gwsniff reads is this long, and a hostile one may never end.
    static let kept = 16_384

    /// The kept bytes, without LF; the last may be the CR of the line end.
    private(set) var bytes: [UInt8] = []
    /// Bytes so far, LF excluded.
    private(set) var length = 0
    private(set) var endsWithReturn = false

    /// Length without CR LF.
    var contentLength: Int { endsWithReturn ? length - 1 : length }

    /// The kept bytes without the CR of the line end.
    var content: ArraySlice<UInt8> { bytes.prefix(contentLength) }

    mutating func append(_ byte: UInt8) {
        if length < Self.kept { bytes.append(byte) }
        length += 1
        endsWithReturn = byte == Octet.carriageReturn
    }

    mutating func clear() {
        bytes.removeAll(keepingCapacity: true)
        length = 0
        endsWithReturn = false
    }
}
