/// Public captures in which gwsniff and Wireshark count differently, and why that is no fault of gwsniff's.
enum KnownDifferences {
    static let reasons: [String: String] = [:]
}
