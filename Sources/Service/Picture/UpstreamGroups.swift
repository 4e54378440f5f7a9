import Model

/// By which name an upstream goes in metrics: its group's, or its own while there are not too many.
///
/// Names are given out once and stay, so that a series goes on: the first `largestCount` upstreams get one, the rest share `other`.
package struct UpstreamGroups: Sendable {
    package static let other = "other"
    /// For what failed before anything was dialled.
    package static let none = "none"

    private let settings: MetricsSettings
    private var names: [String: String] = [:]
    private var ownCount = 0

    package init(_ settings: MetricsSettings) {
        self.settings = settings
    }

    /// - Parameter upstream: as a finding names it, "address:port" or a bare address; nil where nothing was dialled.
    package mutating func name(of upstream: String?) -> String {
        guard let upstream else { return Self.none }
        if let known = names[upstream] { return known }
        if let group = group(of: upstream) {
            if names.count < settings.largestUpstreamCount * 16 { names[upstream] = group }
            return group
        }
        guard ownCount < settings.largestUpstreamCount else { return Self.other }
        ownCount += 1
        names[upstream] = upstream
        return upstream
    }

    /// The configured group; nil for none.
    package func group(of upstream: String) -> String? {
        guard !settings.groups.isEmpty, let prefix = AddressPrefix(upstream) else { return nil }
        return settings.groups.first { group in
            group.members.contains { member in
                if let port = prefix.port { return member.contains(Endpoint(address: prefix.address, port: port)) }
                return member.port == nil && member.contains(prefix.address)
            }
        }?.name
    }
}
