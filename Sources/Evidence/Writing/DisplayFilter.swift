/// A display filter of Wireshark for the packets whose field has one of many numbers: `tcp.stream in {0..3, 7}`
/// (wireshark-filter(4), the membership operator).
struct DisplayFilter {
    /// Runs of numbers that a filter names; a finding lists 21 occurrences of two connections each.
    static let largestRunCount = 1_000

    let text: String
    /// Numbers that were too many.
    let leftOut: Int

    init(_ field: String, _ numbers: [Int]) {
        var runs: [ClosedRange<Int>] = []
        for number in Set(numbers).sorted() {
            if let last = runs.last, last.upperBound + 1 == number {
                runs[runs.count - 1] = last.lowerBound...number
            } else {
                runs.append(number...number)
            }
        }
        leftOut = runs.dropFirst(Self.largestRunCount).reduce(0) { $0 + $1.count }
        runs = Array(runs.prefix(Self.largestRunCount))
        if runs.count == 1, let only = runs.first, only.count == 1 {
            text = "\(field) eq \(only.lowerBound)"
            return
        }
        let words = runs.map { run in
            switch run.count {
            case 1: "\(run.lowerBound)"
            case 2: "\(run.lowerBound), \(run.upperBound)"
            default: "\(run.lowerBound)..\(run.upperBound)"
            }
        }
        text = "\(field) in {\(words.joined(separator: ", "))}"
    }
}
