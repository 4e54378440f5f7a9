package import Model
import Pipeline
package import Reporting

/// Whether the service does what it is there for.
package struct Health: Sendable {
    package struct Check: Sendable {
        package var name: String
        package var isGood: Bool
        /// What is the matter, or what is known; one line.
        package var text: String
    }

    /// Seconds without a sign of life from the capture; it gives ten a second.
    static let longestSilence = 10.0

    package var checks: [Check]

    package var isGood: Bool { checks.allSatisfy(\.isGood) }

    /// - Parameters:
    ///   - silence: seconds since the capture last gave a sign of life.
    ///   - now: wall clock, or packet time where files are shown.
    ///   - isLive: false where files are read, which have an end.
    package init(
        _ picture: Picture,
        silence: Double,
        now: Timestamp,
        isLive: Bool = true,
        history: HistoryState?,
        settings: HealthSettings
    ) {
        checks = [Self.capture(picture, silence, isLive: isLive)]
        // Where none came, since the start.
        let age = max(0, now - picture.now)
        checks.append(
            Check(
                name: "packets",
                isGood: settings.largestPacketAge.map { age <= $0 } ?? true,
                text: picture.statistics.last == nil ? "none so far" : "the last one \(Numbers.duration(age)) ago"
            )
        )
        if let history {
            checks.append(
                Check(name: "history", isGood: history.failure == nil, text: history.failure ?? "writable")
            )
        }
    }

    private static func capture(_ picture: Picture, _ silence: Double, isLive: Bool) -> Check {
        switch picture.state {
        case .starting:
            Check(name: "capture", isGood: silence <= longestSilence, text: "starting")
        case .capturing where silence > longestSilence:
            Check(name: "capture", isGood: false, text: "no sign of life for \(Int(silence)) s")
        case .capturing:
            Check(name: "capture", isGood: true, text: "alive")
        case .ended(nil) where !isLive:
            Check(name: "capture", isGood: true, text: "read to its end")
        case .ended(let failure):
            Check(name: "capture", isGood: false, text: failure ?? "ended")
        }
    }

    package var document: JSONValue {
        .object([
            .init("status", .string(isGood ? "ok" : "failing")),
            .init(
                "checks",
                .object(
                    checks.map { check in
                        .init(
                            check.name,
                            .object([
                                .init("status", .string(check.isGood ? "ok" : "failing")),
                                .init("detail", .string(check.text)),
                            ])
                        )
                    }
                )
            ),
        ])
    }
}
