/// What lies where in a savefile, a few packets at a time: by it a second reading leaves out what it has no use for.
///
/// The first reading writes it and the second one asks it; never both at once.
package final class PassageMap: @unchecked Sendable {
    /// Records that follow each other and lie in one piece.
    package struct Passage: Sendable {
        /// Of its first byte in the file, and how many bytes it has.
        package var start: Int64
        package var length: Int32
        /// Of its packets.
        package var count: UInt16
        /// Something in it is no plain segment: nobody knows before it is decoded whose it is.
        package var mustBeRead: Bool
        fileprivate var firstTag: UInt32
        /// Frame number of its first packet.
        package var firstNumber: Int

        package var end: Int64 { start &+ Int64(length) }
    }

    package private(set) var passages: [Passage] = []
    /// Of each packet, the lowest bits of the hash of its connection's name.
    private var tags: [UInt16] = []
    private let largest: Int
    /// Nothing more is noted.
    private var isClosed = false
    private var bytes: Int64 = 0
    /// Of small packets nearly every passage has one that is needed, and the map would take as much memory as is saved: after so many packets it is given
    /// up where they have fewer bytes than these each.
    private static let trial = 1 << 15
    private static let smallestMean: Int64 = 256

    /// - Parameter memory: bytes that it may take, about; what comes after is read whatever it is.
    package init(memory: Int) {
        largest = memory / 4
    }

    /// Adds a passage behind the last one; the tags of its packets follow one by one.
    package func append(start: Int64, length: Int, firstNumber: Int, count: Int, mustBeRead: Bool) -> Bool {
        guard !isClosed, start >= 0, tags.count < largest, length <= Int(Int32.max), count <= Int(UInt16.max) else {
            return false
        }
        bytes &+= Int64(length)
        if tags.count >= Self.trial, bytes < Self.smallestMean &* Int64(tags.count) {
            isClosed = true
            (passages, tags) = ([], [])
            return false
        }
        passages.append(
            Passage(
                start: start,
                length: Int32(truncatingIfNeeded: length),
                count: UInt16(truncatingIfNeeded: count),
                mustBeRead: mustBeRead,
                firstTag: UInt32(truncatingIfNeeded: tags.count),
                firstNumber: firstNumber
            )
        )
        return true
    }

    package func append(tag: UInt16) { tags.append(tag) }

    /// Whether any packet of a passage that need not be read for itself has a tag that `isWanted`.
    @inline(__always)
    package func contains(_ passage: Passage, where isWanted: (UInt16) -> Bool) -> Bool {
        let first = Int(passage.firstTag)
        guard first &+ Int(passage.count) <= tags.count else { return true }
        for index in first..<first &+ Int(passage.count) where isWanted(tags[index]) { return true }
        return false
    }
}
