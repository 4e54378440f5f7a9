/// Stands in for secrets: the same secret by the same text everywhere, another one by another as far as its length allows.
///
/// Numbered as they come up, not hashed: nothing of a secret is in its stand-in but its length, and two runs give the same. One for
/// a run, by reference: it grows with every secret.
final class Pseudonyms {
    private var numbers: [[UInt8]: Int] = [:]
    private var counts: [Int: Int] = [:]
    /// Letters that are no hexadecimal digits, and none of them a token that means anything.
    private static let letters = Array("xghijklmnopqrstuvwyz".utf8)
    /// What stands for a byte where nothing is to be told apart.
    static let filler = UInt8(ascii: "x")
    private static let largestCount = 1 << 20

    /// As many letters as `secret` has bytes.
    func standIn(for secret: [UInt8]) -> [UInt8] {
        guard !secret.isEmpty else { return [] }
        var number = numbers[secret]
        if number == nil, numbers.count < Self.largestCount {
            number = counts[secret.count, default: 0]
            counts[secret.count, default: 0] += 1
            numbers[secret] = number
        }
        var text = [UInt8](repeating: Self.filler, count: secret.count)
        var rest = number ?? 0
        var index = text.count - 1
        while rest > 0, index >= 0 {
            text[index] = Self.letters[rest % Self.letters.count]
            rest /= Self.letters.count
            index -= 1
        }
        return text
    }
}
