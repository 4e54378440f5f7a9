package import Model

/// Which part of the history is asked for; what is empty or nil selects nothing away.
package struct HistoryQuery: Sendable, Equatable {
    /// Both ends belong to it, to the minute.
    package var since: Timestamp?
    package var until: Timestamp?
    package var causes: [Cause] = []
    /// An upstream as reports name it, its address alone, or a prefix of addresses.
    package var upstreams: [String] = []
    package var severities: [Severity] = []
    package var ids: [Int64] = []
    /// At most so many findings, the newest first.
    package var limit = 1_000

    package init() {}

    package var isAboutAll: Bool { causes.isEmpty && upstreams.isEmpty && severities.isEmpty && ids.isEmpty }

    func matches(upstream: String?) -> Bool {
        guard !upstreams.isEmpty else { return true }
        guard let upstream else { return upstreams.contains("none") }
        let parsed = AddressPrefix(upstream)
        return upstreams.contains { wanted in
            if wanted == upstream { return true }
            guard let prefix = AddressPrefix(wanted), let parsed else { return false }
            return prefix.contains(parsed.address) && (prefix.port == nil || prefix.port == parsed.port)
        }
    }
}

/// A finding of one run as the history has it.
package struct HistoryEntry: Sendable {
    package var id: Int64
    package var finding: Finding
    /// Of the stretch that was asked for: requests that failed, or attempts that a retry hid.
    package var weight: Int
    package var isWhole: Bool
}
