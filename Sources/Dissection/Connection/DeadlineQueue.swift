import Model

/// Things that are due in the order in which they were added. Amortised constant time.
struct DeadlineQueue<Element> {
    private var entries: [(element: Element, due: Timestamp)] = []
    private var head = 0

    mutating func append(_ element: Element, due: Timestamp) {
        entries.append((element, due))
    }

    mutating func removeFirst(dueBy now: Timestamp) -> Element? {
        guard head < entries.count, entries[head].due <= now else { return nil }
        let element = entries[head].element
        head += 1
        if head >= 256, head * 2 > entries.count {
            entries.removeSubrange(..<head)
            head = 0
        }
        return element
    }
}
