/// What of a written report can be compared. Only the schema, the findings and their causes must be there: what later
/// versions of gwsniff.report/1 added, older reports lack.
package struct ReportFile: Sendable {
    struct Finding: Sendable {
        var cause: String
        /// The endpoint, else the name; nil where nothing was dialled and no name known.
        var upstream: String?
        var isNearMiss: Bool
        /// Requests of a failure, attempts of a near miss.
        var count: Int
        var blame: String?
        var title: String?
    }

    struct Times: Sendable {
        var median: Int64
        var ninetyNinth: Int64
    }

    struct Upstream: Sendable {
        var exchanges = 0
        /// Nil where the report does not say.
        var failures: Int?
        var connect: Times?
        var firstByte: Times?
        var resets: Int?
        var retransmissions: Int?
    }

    /// As given on the command line.
    package let name: String
    /// Nil where the report does not say.
    var requests: Int?
    var failed: Int?
    var firstPacket: String?
    var lastPacket: String?
    var quality: String?
    var version: String?
    var findings: [Finding] = []
    var upstreams: [String: Upstream] = [:]

    package struct Fault: Error {
        package var reason: String
    }

    /// - Parameter bytes: what `--format json` or `--format ndjson` wrote; of lines, the last is the report.
    package init(name: String, bytes: [UInt8]) throws(Fault) {
        self.name = name
        let root: JSONValue
        do {
            root = try ReportFile.document(bytes)
        } catch {
            throw Fault(reason: "is not JSON: \(error.reason) at byte \(error.offset)")
        }
        guard let schema = root["schema"]?.string else {
            throw Fault(reason: "is JSON, but no report of gwsniff: it has no member \"schema\"")
        }
        guard schema == JSONReport.schema else {
            throw Fault(
                reason:
                    "is of schema \"\(SafeText.terminal(schema, limit: 64))\"; this gwsniff reads \(JSONReport.schema)"
            )
        }
        guard let listed = root["findings"]?.items else {
            throw Fault(reason: "has no findings: the report is cut or changed")
        }
        requests = ReportFile.count(root["requests"]?["total"])
        failed = ReportFile.count(root["requests"]?["failed"])
        firstPacket = root["capture"]?["firstPacket"]?.string
        lastPacket = root["capture"]?["lastPacket"]?.string
        quality = root["capture"]?["quality"]?["verdict"]?.string
        version = root["tool"]?["version"]?.string
        for (index, item) in listed.enumerated() {
            guard let cause = item["cause"]?.string else {
                throw Fault(reason: "has a finding without cause, number \(index + 1)")
            }
            let severity = item["severity"]?.string
            // Notes failed nothing.
            guard severity != "note" else { continue }
            let isNearMiss = severity == "nearMiss"
            let requests = ReportFile.count(item["count"]) ?? 0
            findings.append(
                Finding(
                    cause: cause,
                    upstream: item["upstream"]?.string ?? item["upstreamName"]?.string,
                    isNearMiss: isNearMiss,
                    count: isNearMiss ? ReportFile.count(item["attempts"]) ?? requests : requests,
                    blame: item["blame"]?.string,
                    title: item["title"]?.string
                )
            )
        }
        for item in root["upstreams"]?.items ?? [] {
            guard let endpoint = item["endpoint"]?.string else { continue }
            upstreams[endpoint] = Upstream(
                exchanges: ReportFile.count(item["exchanges"]) ?? 0,
                failures: ReportFile.count(item["failures"]),
                connect: ReportFile.times(item["connectTime"]),
                firstByte: ReportFile.times(item["firstByteTime"]),
                resets: ReportFile.count(item["resets"]),
                retransmissions: ReportFile.count(item["retransmissions"])
            )
        }
    }

    private static func document(_ bytes: [UInt8]) throws(JSONReader.Fault) -> JSONValue {
        do {
            return try JSONReader.value(of: bytes)
        } catch {
            let lines = bytes.split(separator: 0x0a)
            guard lines.count > 1, let last = lines.last, let value = try? JSONReader.value(of: Array(last)),
                value["type"]?.string == "report"
            else { throw error }
            return value
        }
    }

    /// A count is not negative, and small enough that sums of them do not overflow.
    private static func count(_ value: JSONValue?) -> Int? {
        value?.integer.map { Int(min(max($0, 0), 1 << 48)) }
    }

    private static func times(_ value: JSONValue?) -> Times? {
        guard let median = value?["medianNs"]?.integer, let high = value?["p99Ns"]?.integer else { return nil }
        return Times(median: median, ninetyNinth: high)
    }
}
