import Foundation
import Model
import Testing

@testable import Diagnosis
@testable import Reporting

@Suite struct CatalogueTests {
    /// The causes that this version diagnoses: those of the detectors, the further ones that `NonHTTPBanner` names, and
    /// those of requests without an attempt that would tell.
    static let diagnosed: [Cause] =
        Detectors.ordered.map { $0.cause } + [
            .plaintextToTLSUpstream, .noLiveUpstream, .noUpstreamAttempt, .undetermined,
        ]

    @Test("Each diagnosed cause has one guide that says everything", arguments: diagnosed)
    func guides(cause: Cause) throws {
        #expect(CauseGuides.all.filter { $0.cause == cause }.count == 1)
        let guide = try #require(CauseGuides.guide(for: cause))
        #expect(!guide.whatHappened.isEmpty && !guide.signature.isEmpty && !guide.contradicting.isEmpty)
        #expect(!guide.remedies.isEmpty && !guide.sources.isEmpty)
        #expect(!guide.lookAlikes.contains { $0.cause == cause })
        for text in guide.remedies.map(\.text) + guide.signature {
            #expect(text.filter { $0 == "`" }.count % 2 == 0, "\(text)")
        }
    }

    @Test("docs/CAUSES.md is what the guides say")
    func document() throws {
        try expectFile(CausesDocument.render(), packageRoot.appending(path: "docs/CAUSES.md"))
        for cause in Self.diagnosed { #expect(CausesDocument.render().contains("\n### `\(cause.rawValue)`\n")) }
    }

    @Test("The remedies for the gateway in front come first, then those for any gateway")
    func order() throws {
        let guide = try #require(CauseGuides.guide(for: .staleKeepaliveReuse))
        let order = guide.remedies(inFront: "haproxy").map(\.gateway)
        #expect(Array(order.prefix(3)) == ["HAProxy", "upstream", "nginx"])
        #expect(order.count == guide.remedies.count)
        #expect(guide.remedies(inFront: nil).first?.gateway == "upstream")
    }

    @Test("Titles name the upstream, or say `the upstream` where it is not known", arguments: Cause.allCases)
    func titles(cause: Cause) {
        let named = cause.title(upstream: "10.0.3.7:8080")
        let unnamed = cause.title(upstream: nil)
        #expect(!named.contains("{") && !unnamed.contains("{"))
        #expect(unnamed.first?.isUppercase == true && unnamed.last != ".")
        #expect(
            named.replacingOccurrences(of: "10.0.3.7:8080", with: "the upstream").lowercased() == unnamed.lowercased()
        )
    }

    @Test("The facts of the catalogue are those that it fixes")
    func facts() {
        #expect(Cause.dnsFailure.proxyStatus == "dns_error")
        #expect(Cause.dnsFailure.proxyStatus(variant: "timeout") == "dns_timeout")
        #expect(Cause.connectTimeout.blames == [.firewall, .network])
        #expect(Cause.connectTimeout.generalCauses == [.firewall, .timeout])
        #expect(Cause.clientAbort.proxyStatus == nil)
        #expect(Cause.undetermined.defaultBlame == .unknown && Cause.undetermined.generalCauses.isEmpty)
        #expect(Cause.acceptQueueOverflow.fallsBackTo == [.connectTimeout, .resetAfterAccept, .responseTimeout])
        #expect(Cause.allCases.allSatisfy { !$0.blames.isEmpty && !$0.fallsBackTo.contains($0) })
        #expect(
            Cause.allCases.filter { $0.proxyStatus == nil } == [
                .clientAbort, .upstreamErrorResponse, .cachedError, .undetermined,
            ]
        )
    }

    @Test("The listing names every cause once; the explanation says which are not diagnosed yet")
    func listing() throws {
        let listing = CausesListing.render()
        for cause in Cause.allCases {
            #expect(
                listing.split(separator: "\n").filter { $0.dropFirst(4).hasPrefix(cause.rawValue + " ") }.count == 1
            )
        }
        #expect(Explanation.render(.websocketCut).contains("not yet diagnosed"))
        try expectSnapshot(Explanation.render(.staleKeepaliveReuse, options: TextOptions(width: 80)), "explain.txt")
    }

    @Test(
        "A mistyped cause finds the one meant",
        arguments: [
            ("conect-refused", Cause.connectRefused), ("CONNECT_REFUSED", .connectRefused),
            ("stale-keepalive", .staleKeepaliveReuse), ("responce-timeout", .responseTimeout),
        ]
    )
    func suggestions(text: String, cause: Cause) {
        #expect(Explanation.suggestions(for: text).first == cause)
        #expect(Explanation.unknown(text).contains("did you mean \(cause.rawValue)"))
    }

    @Test("What is near nothing gets no suggestion")
    func noSuggestion() {
        #expect(Explanation.suggestions(for: "zzzzzzzzzz").isEmpty)
        #expect(Explanation.suggestions(for: "").isEmpty)
    }
}
