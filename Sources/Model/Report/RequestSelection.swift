/// Which requests a report is about: `--since`, `--until`, `--status`, `--path` and `--request`. What is nil selects
/// nothing away. Applied before findings are grouped, so that counts stay true.
package struct RequestSelection: Sendable, Hashable {
    /// Both ends belong to the selection.
    package var since: Timestamp?
    package var until: Timestamp?
    package var status: Int?
    /// Matched against the whole path, without query: `*` is any run of characters, `/` included; `?` is any one.
    package var pathGlob: String?
    /// A request id, as the capture shows it in its headers.
    package var requestID: String?

    package init() {}

    package var selectsEverything: Bool {
        since == nil && until == nil && status == nil && pathGlob == nil && requestID == nil
    }

    /// - Parameters:
    ///   - time: when the request failed (or, for a good one, began).
    ///   - status: what the client got; nil for no status, which no `status` selects.
    ///   - target: as on the request line; nil where it was not seen, which no `pathGlob` selects.
    ///   - id: nil where the request carried none.
    package func matches(time: Timestamp, status: Int?, target: String?, id: String?) -> Bool {
        if let since, time < since { return false }
        if let until, time > until { return false }
        if let wanted = self.status, wanted != status { return false }
        if let requestID, requestID != id { return false }
        if let pathGlob {
            guard let target else { return false }
            return Glob.matches(pathGlob, TargetMask.path(of: target))
        }
        return true
    }
}

/// Shell-like patterns without classes and escapes.
package enum Glob {
    /// - Complexity: O(pattern × text) at worst and constant memory: one star is remembered, never a stack of them, so
    ///   that no pattern makes it exponential. Without `*`, linear.
    package static func matches(_ pattern: String, _ text: Substring) -> Bool {
        let pattern = pattern.unicodeScalars
        let text = text.unicodeScalars
        var p = pattern.startIndex
        var t = text.startIndex
        var star: (pattern: String.Index, text: String.Index)?
        while t < text.endIndex {
            if p < pattern.endIndex, pattern[p] == "*" {
                p = pattern.index(after: p)
                star = (p, t)
            } else if p < pattern.endIndex, pattern[p] == "?" || pattern[p] == text[t] {
                p = pattern.index(after: p)
                t = text.index(after: t)
            } else if let (afterStar, at) = star {
                t = text.index(after: at)
                star = (afterStar, t)
                p = afterStar
            } else {
                return false
            }
        }
        while p < pattern.endIndex, pattern[p] == "*" { p = pattern.index(after: p) }
        return p == pattern.endIndex
    }
}
