/// How the target of a client's request relates to the one that the gateway sent upstream.
enum TargetRelation: Int, Comparable {
    case unrelated, sameQuery, lastSegment, suffix, samePath, equal

    static func < (left: TargetRelation, right: TargetRelation) -> Bool { left.rawValue < right.rawValue }

    /// Gateways strip or replace prefixes and may drop the scheme and authority of an absolute form (RFC 9112 §3.2).
    init(_ left: String, _ right: String) {
        if left == right {
            self = .equal
            return
        }
        let (leftPath, rightPath) = (Self.path(left), Self.path(right))
        if leftPath == rightPath {
            self = .samePath
            return
        }
        let (long, short) = leftPath.utf8.count > rightPath.utf8.count ? (leftPath, rightPath) : (rightPath, leftPath)
        if short.utf8.count > 1, long.hasSuffix(short) {
            self = .suffix
            return
        }
        let (leftLast, rightLast) = (Self.lastSegment(leftPath), Self.lastSegment(rightPath))
        if !leftLast.isEmpty, leftLast == rightLast {
            self = .lastSegment
        } else {
            self = Self.haveSameQuery(left, right) ? .sameQuery : .unrelated
        }
    }

    static func path(_ target: String) -> Substring {
        var rest = target[...]
        if let scheme = rest.range(ofASCII: "://") {
            rest = rest[scheme...]
            rest = rest.firstIndex(of: "/").map { rest[$0...] } ?? "/"
        }
        return rest.prefix { $0 != "?" && $0 != "#" }
    }

    /// Both have a query, and it is the same.
    static func haveSameQuery(_ left: String, _ right: String) -> Bool {
        let query = Self.query(left)
        return !query.isEmpty && query == Self.query(right)
    }

    private static func query(_ target: String) -> Substring {
        target.firstIndex(of: "?").map { target[target.index(after: $0)...] } ?? ""
    }

    private static func lastSegment(_ path: Substring) -> Substring {
        path.lastIndex(of: "/").map { path[path.index(after: $0)...] } ?? path
    }
}

extension Substring {
    /// The index after the first occurrence of `mark`; looks at the first 16 characters only, where a scheme ends.
    fileprivate func range(ofASCII mark: String) -> Index? {
        var index = startIndex
        for _ in 0..<16 where index < endIndex {
            if self[index...].hasPrefix(mark) { return self.index(index, offsetBy: mark.count) }
            index = self.index(after: index)
        }
        return nil
    }
}
