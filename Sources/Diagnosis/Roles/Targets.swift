/// How the target of a client's request relates to the one that the gateway sent upstream.
enum TargetRelation: Int, Comparable {
    case unrelated, sameQuery, lastSegment, suffix, samePath, equal

    static func < (left: TargetRelation, right: TargetRelation) -> Bool { left.rawValue < right.rawValue }

    /// The path of a target, without scheme and authority (RFC 9112 §3.2.2), query and fragment. Over UTF-8: it is asked for often.
    static func path(_ target: String) -> Substring {
        let utf8 = target.utf8
        var start = utf8.startIndex
        if utf8.first != UInt8(ascii: "/"), let scheme = authority(utf8) {
            guard let slash = utf8[scheme...].firstIndex(of: UInt8(ascii: "/")) else { return "/" }
            start = slash
        }
        let rest = utf8[start...]
        let end = rest.firstIndex { $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") } ?? rest.endIndex
        return target[start..<end]
    }

    /// Whether the first segments of both paths are equal: the part that gateways most often choose upstreams by.
    static func haveSameStart(_ left: String, _ right: String) -> Bool { start(left) == start(right) }

    /// The first segment of the path; empty for "/".
    static func start(_ target: String) -> Substring {
        path(target).split(separator: "/", maxSplits: 1, omittingEmptySubsequences: true).first ?? ""
    }

    /// Behind "://" where that ends a scheme of at most 16 bytes.
    private static func authority(_ utf8: String.UTF8View) -> String.Index? {
        guard let colon = utf8.prefix(16).firstIndex(of: UInt8(ascii: ":")), utf8[colon...].starts(with: "://".utf8)
        else {
            return nil
        }
        return utf8.index(colon, offsetBy: 3)
    }

    static func query(_ target: String) -> Substring {
        let utf8 = target.utf8
        guard let mark = utf8.firstIndex(of: UInt8(ascii: "?")) else { return "" }
        return target[utf8.index(after: mark)...]
    }

    static func lastSegment(_ path: Substring) -> Substring {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return path }
        return path[path.utf8.index(after: slash)...]
    }
}
