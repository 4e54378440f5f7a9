import Model

/// Overwrites what TLS carries (RFC 8446 §5.1): of records of application data the header stays. Handshakes and alerts are kept: they are
/// clear, or encrypted with what no evidence holds.
struct RecordRedaction {
    private var left = 0
    private var isData = false
    private var isLost: Bool
    private var position: Int64 = 0

    init(knowsBeginning: Bool) {
        isLost = !knowsBeginning
    }

    mutating func redact(_ run: inout StreamMap.Run, from start: Int = 0) {
        // What stands before `start` was looked at by others.
        if start > 0 { position = run.start + Int64(start) }
        let gap = run.start + Int64(start) - position
        if gap > 0 {
            if gap <= Int64(left) { left -= Int(gap) } else { isLost = true }
        }
        var index = start
        var next = 0
        while index < run.bytes.count {
            if isLost {
                while next < run.beginnings.count, run.beginnings[next] < index { next += 1 }
                let isBeginning = next < run.beginnings.count && run.beginnings[next] == index
                guard isBeginning, StartLines.isRecord(run.bytes, at: index) else {
                    let following = run.beginnings[next...].first { $0 > index } ?? run.bytes.count
                    for place in index..<following { run.bytes[place] = Pseudonyms.filler }
                    index = following
                    continue
                }
                isLost = false
                left = 0
            }
            if left == 0 {
                guard run.bytes.count - index >= 5 else {
                    // A cut header says little, and its rest may be anything.
                    index = run.bytes.count
                    isLost = true
                    break
                }
                guard StartLines.isRecord(run.bytes, at: index) else {
                    isLost = true
                    continue
                }
                isData = run.bytes[index] == 23
                left = Int(run.bytes[index + 3]) << 8 | Int(run.bytes[index + 4])
                index += 5
                continue
            }
            let count = min(left, run.bytes.count - index)
            if isData { for place in index..<index + count { run.bytes[place] = Pseudonyms.filler } }
            index += count
            left -= count
        }
        position = run.end
    }
}
