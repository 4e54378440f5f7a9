import Model

/// The sources that have a packet ready, the earliest first; of equal times the source named first.
struct MergeHeap {
    struct Entry {
        var timestamp: Timestamp
        var source: Int

        func precedes(_ other: Entry) -> Bool {
            timestamp != other.timestamp ? timestamp < other.timestamp : source < other.source
        }
    }

    private var entries: [Entry] = []

    var first: Entry? { entries.first }

    /// - Complexity: O(log n)
    mutating func insert(_ entry: Entry) {
        entries.append(entry)
        var child = entries.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard entries[child].precedes(entries[parent]) else { return }
            entries.swapAt(child, parent)
            child = parent
        }
    }

    /// - Complexity: O(log n)
    mutating func removeFirst() -> Entry? {
        guard let first = entries.first, let last = entries.popLast() else { return nil }
        guard !entries.isEmpty else { return first }
        entries[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < entries.count && entries[child].precedes(entries[least]) {
                least = child
            }
            if least == parent { return first }
            entries.swapAt(parent, least)
            parent = least
        }
    }
}
