package import Model

/// One cause at one upstream: what makes findings of two moments the same.
package struct FindingIdentity: Hashable, Sendable {
    package var cause: Cause
    package var upstream: String?
    package var severity: Severity

    package init(_ finding: Finding) {
        cause = finding.cause
        upstream = finding.upstream
        severity = finding.severity
    }

    /// Names it in an address of the page: stable while the service runs and after.
    package var key: String {
        "\(cause.rawValue)~\(severity.rawValue)~\(upstream ?? "")"
    }

    package init?(key: String) {
        let parts = key.split(separator: "~", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 3, let cause = Cause(rawValue: parts[0]), let severity = Severity(rawValue: parts[1])
        else { return nil }
        self.cause = cause
        self.severity = severity
        upstream = parts[2].isEmpty ? nil : parts[2]
    }
}

extension Finding {
    /// What it counts: requests that failed, or attempts that a retry hid.
    package var weight: Int { severity == .failure ? count : attempts }
}
