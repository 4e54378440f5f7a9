import Diagnosis
import Foundation
import Model
import Pipeline

/// A capture under captures/<cause>/<case>/ and what the gateway's own log and the lab's plan say about it.
struct CommittedCase: Sendable, CustomStringConvertible {
    var name: String
    var directory: String
    var expected: Expectation

    var description: String { name }

    var capture: String { directory + "/capture.pcapng" }

    /// All of them, sorted by name.
    static let all: [CommittedCase] = {
        let root = PackageRoot.path + "/captures"
        let manager = FileManager.default
        var cases: [CommittedCase] = []
        for cause in (try? manager.contentsOfDirectory(atPath: root)) ?? [] {
            for name in (try? manager.contentsOfDirectory(atPath: "\(root)/\(cause)")) ?? [] {
                let directory = "\(root)/\(cause)/\(name)"
                guard let data = manager.contents(atPath: directory + "/expected.json") else { continue }
                // An unreadable expectation is an expectation that nothing meets.
                let expected = (try? JSONDecoder().decode(Expectation.self, from: data)) ?? Expectation.unreadable
                cases.append(CommittedCase(name: "\(cause)/\(name)", directory: directory, expected: expected))
            }
        }
        return cases.sorted { $0.name < $1.name }
    }()

    func request() throws -> AnalysisRequest {
        var request = AnalysisRequest()
        var options = (expected.options ?? [])[...]
        while let option = options.popFirst() {
            let value = options.popFirst()
            switch (option, value.flatMap(AddressPrefix.init)) {
            case ("--gateway", let prefix?): request.diagnosis.gateways.append(prefix)
            case ("--upstream", let prefix?): request.diagnosis.upstreams.append(prefix)
            default: throw UnknownOption(option: option)
            }
        }
        return request
    }

    func report() throws -> Report {
        try OfflineRun.report(on: [capture], request())
    }

    struct UnknownOption: Error {
        var option: String
    }
}

/// expected.json, schema gwsniff.expected/1: never made from gwsniff's output.
struct Expectation: Decodable, Sendable {
    struct Requests: Decodable, Sendable {
        var total: Int?
        var failed: Int?
    }

    struct ClientErrors: Decodable, Sendable {
        var status: Int?
        var count: Int
    }

    struct Finding: Decodable, Sendable {
        var cause: String
        var variant: String?
        var upstream: String?
        /// Checked only where the plan gives one.
        var upstreamName: String?
        var count: Int
        var attempts: Int?
        /// Nil where the lab cannot tell, as with a client that left.
        var severity: String?
        var blame: String?
    }

    /// What the kernels of both ends counted, and what was dropped and delayed on the way.
    struct Retransmissions: Decodable, Sendable {
        var upstream: String
        var timeout: Int
        var fast: Int
        var tailLossProbe: Int
        var spurious: Int
        var outOfOrder: Int
        var beforeCapture: Int
        var afterCapture: Int
    }

    var schema: String
    var options: [String]?
    var requests: Requests?
    var clientErrors: [ClientErrors]?
    var findings: [Finding]
    var retransmissions: Retransmissions?

    static let unreadable = Expectation(schema: "unreadable", findings: [])
}

enum PackageRoot {
    /// Four names above this file.
    static let path = "/" + #filePath.split(separator: "/").dropLast(4).joined(separator: "/")
}
