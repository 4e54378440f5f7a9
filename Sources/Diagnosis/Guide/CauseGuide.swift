package import Model

/// What an engineer should know about a cause: how it looks, what looks like it, what to change.
package struct CauseGuide: Sendable {
    /// A condition with similar packets, and the packets that tell the two apart.
    package struct LookAlike: Sendable {
        package var cause: Cause
        package var distinction: String

        init(_ cause: Cause, _ distinction: String) {
            self.cause = cause
            self.distinction = distinction
        }
    }

    /// What a gateway writes into its log for this cause; match by substring.
    package struct LogLine: Sendable {
        package var gateway: String
        package var text: String

        init(_ gateway: String, _ text: String) {
            self.gateway = gateway
            self.text = text
        }
    }

    package var cause: Cause
    package var whatHappened: String
    /// What the packets must show, one fact an entry.
    package var signature: [String]
    package var lookAlikes: [LookAlike]
    /// What would speak against it.
    package var contradicting: [String]
    /// The usual first thing to do first; see `remedies(inFront:)`.
    package var remedies: [Remedy]
    package var logLines: [LogLine]
    package var sources: [String]

    init(
        _ cause: Cause,
        whatHappened: String,
        signature: [String],
        lookAlikes: [LookAlike] = [],
        contradicting: [String],
        remedies: [Remedy],
        logLines: [LogLine] = [],
        sources: [String]
    ) {
        self.cause = cause
        self.whatHappened = whatHappened
        self.signature = signature
        self.lookAlikes = lookAlikes
        self.contradicting = contradicting
        self.remedies = remedies
        self.logLines = logLines
        self.sources = sources
    }

    /// The remedies with those for the gateway that is in front first, then those that hold for any gateway
    /// ("upstream", "network", "gateway", "client"), then the other products'. The order is else kept.
    ///
    /// - Parameter product: as in `Remedy.gateway`, upper or lower case; nil where it was not recognised.
    package func remedies(inFront product: String?) -> [Remedy] {
        let wanted = product?.lowercased()
        func rank(_ remedy: Remedy) -> Int {
            if remedy.gateway.lowercased() == wanted { return 0 }
            return CauseGuide.isGeneral(remedy) ? 1 : 2
        }
        return (0...2).flatMap { wantedRank in remedies.filter { rank($0) == wantedRank } }
    }

    private static func isGeneral(_ remedy: Remedy) -> Bool {
        ["upstream", "network", "gateway", "client", "capture"].contains(remedy.gateway)
    }
}

/// All guides, in the order of the catalogue. A cause that is diagnosed has one; a test sees to it.
package enum CauseGuides {
    package static let all: [CauseGuide] =
        names + connect + staleTuples + filters + paths + handshakes + otherProtocols + sending + waiting + head
        + protocols
        + refusals
        + body
        + reuse
        + fastCGI
        + ends + limits + oddAnswers
        + ownDoing
        + last

    package static func guide(for cause: Cause) -> CauseGuide? {
        all.first { $0.cause == cause }
    }
}
