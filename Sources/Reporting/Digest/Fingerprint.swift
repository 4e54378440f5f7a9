import Model

/// What makes a finding the same one in the next run, in another capture of the same network and in every format.
enum Fingerprint {
    /// Of what names the problem and not of when or how often it struck: 40 hexadecimal digits.
    ///
    /// The version stands in the name that the formats give it, "gwsniff/v1"; it changes when what goes in does.
    static func of(_ finding: Finding) -> String {
        let parts = [
            finding.cause.rawValue, finding.variant ?? "", finding.severity.rawValue,
            finding.gateway?.description ?? "", finding.upstream ?? "", finding.upstreamName ?? "",
        ]
        // No part contains a line feed but the name, which comes last.
        return SHA1.hexadecimal(Array(parts.joined(separator: "\n").utf8))
    }
}
