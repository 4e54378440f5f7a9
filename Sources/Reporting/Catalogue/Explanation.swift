import Diagnosis
package import Model

/// `gwsniff explain CAUSE`.
package enum Explanation {
    package static func render(_ cause: Cause, options: TextOptions = TextOptions()) -> String {
        var text = options.ink(cause.rawValue, .cyan) + "  " + options.ink(cause.title(upstream: nil), .bold) + "\n"
        func add(_ label: String, _ entries: [String]) {
            guard !entries.isEmpty else { return }
            text += "\n" + options.ink(label, .bold) + "\n"
            for entry in entries {
                for (index, line) in Layout.wrap(entry, width: options.columns - 4).enumerated() {
                    text += (index == 0 ? "  - " : "    ") + line + "\n"
                }
            }
        }
        let guide = CauseGuides.guide(for: cause)
        if let guide {
            text += "\n" + Layout.wrap(guide.whatHappened, width: options.columns).map { $0 + "\n" }.joined()
            add("What the packets show", guide.signature)
            add("What looks like it", guide.lookAlikes.map { "\($0.cause.rawValue): \($0.distinction)" })
            add("What speaks against it", guide.contradicting)
            add("What to change", guide.remedies.map { "\($0.gateway): \($0.text)" })
            add("What the gateway's log says", guide.logLines.map { "\($0.gateway): \($0.text)" })
        } else {
            text += "\nIn the catalogue, and not yet diagnosed by this version.\n"
        }
        add("In the catalogue", catalogue(cause))
        if let guide { add("Sources", guide.sources) }
        return text
    }

    static func catalogue(_ cause: Cause) -> [String] {
        var facts = ["usual blame: \(cause.blames.map(\.rawValue).joined(separator: ", "))"]
        if !cause.entry.proxyErrors.isEmpty {
            facts.append("RFC 9209 error type: \(cause.entry.proxyErrors.joined(separator: ", "))")
        }
        if !cause.generalCauses.isEmpty {
            facts.append("general cause: \(cause.generalCauses.map(\.name).joined(separator: ", "))")
        }
        if !cause.fallsBackTo.isEmpty {
            let coarser = cause.fallsBackTo.map(\.rawValue).joined(separator: ", ")
            facts.append("where the capture lacks the finer evidence: \(coarser)")
        }
        return facts
    }

    /// The causes that a mistyped id may have meant, the nearest first; empty where nothing is near.
    package static func suggestions(for text: String) -> [Cause] {
        let wanted = Array(text.lowercased().replacingUnderscores.utf8.prefix(64))
        guard !wanted.isEmpty else { return [] }
        let near = Cause.allCases.map { cause -> (cause: Cause, distance: Int) in
            let id = Array(cause.rawValue.utf8)
            let distance = editDistance(wanted, id)
            // "keepalive" should find stale-keepalive-reuse, however much is missing around it.
            return (cause, wanted.count >= 4 && contains(id, wanted) ? min(distance, 1) : distance)
        }
        let limit = max(2, wanted.count / 3)
        return near.enumerated().filter { $0.element.distance <= limit }
            .sorted { ($0.element.distance, $0.offset) < ($1.element.distance, $1.offset) }
            .prefix(3).map(\.element.cause)
    }

    /// "no cause is called x; did you mean y?"
    package static func unknown(_ text: String) -> String {
        let near = suggestions(for: text).map(\.rawValue)
        let shown = SafeText.terminal(text, limit: 64)
        if near.isEmpty { return "no cause is called \"\(shown)\"; `gwsniff causes` lists them" }
        return "no cause is called \"\(shown)\"; did you mean \(near.joined(separator: " or "))?"
    }

    /// Levenshtein distance, two rows.
    private static func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var previous = Array(0...right.count)
        for (row, byte) in left.enumerated() {
            var current = [row + 1]
            for (column, other) in right.enumerated() {
                let substitution = previous[column] + (byte == other ? 0 : 1)
                current.append(min(substitution, previous[column + 1] + 1, current[column] + 1))
            }
            previous = current
        }
        return previous[right.count]
    }

    private static func contains(_ text: [UInt8], _ part: [UInt8]) -> Bool {
        guard part.count <= text.count else { return false }
        return (0...(text.count - part.count)).contains { text[$0...].starts(with: part) }
    }
}

extension String {
    fileprivate var replacingUnderscores: String {
        String(map { $0 == "_" || $0 == " " ? "-" : $0 })
    }
}
