import Model

/// A status that is not what this gateway gives by default for the cause (GATEWAYS.md): worth a remark, no finding.
enum StatusMismatch {
    /// A remark where the client got another status; nil where all agrees or nothing is known.
    static func remark(_ cause: Cause, _ incident: Incident) -> String? {
        guard let kind = incident.kind, let status = incident.occurrence.client?.status, status >= 500,
            incident.request?.attempts.count == incident.attempts, let usual = kind.profile.statuses(for: cause),
            !usual.contains(status)
        else { return nil }
        let names = usual.sorted().map(String.init).joined(separator: " or ")
        return
            "the client got \(status) where \(kind.rawValue) answers \(names) for this cause: a rewritten error page, "
            + "a further gateway, or a retry"
    }
}
