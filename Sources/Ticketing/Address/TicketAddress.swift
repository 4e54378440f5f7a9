/// Which ticket of which kind of system.
package struct TicketAddress: Sendable {
    package enum Kind: String, Sendable, CaseIterable {
        case redmine, rt, jira
        case jiraCloud = "jira-cloud"
        case gitlab, github, servicenow, webhook
    }

    package enum Ticket: Sendable, Equatable {
        /// Redmine's and Request Tracker's.
        case number(Int)
        /// Jira's: PROJ-12.
        case key(String)
        /// GitLab's: the project's path, not encoded; "issues" or "merge_requests".
        case inProject(String, kind: String, number: Int)
        case inRepository(owner: String, name: String, number: Int)
        case record(table: String, id: String)
        case whole
    }

    package var kind: Kind
    package var ticket: Ticket
    /// What stands before the paths of the interface: an origin, and a directory where the system lies in one.
    package var base: String
    /// The address as it was given.
    package var page: String

    /// - Parameters:
    ///   - kind: nil to tell it by host and path. A webhook has to be named: what is recognised by nothing must not be sent to.
    ///   - root: where the system begins, for GitLab, of whose ticket's path nothing tells how much is a directory and how much are groups.
    package init(_ text: String, kind given: Kind?, root: String? = nil) throws(AttachFailure) {
        let address = try WebAddress(text)
        let found: TicketAddress?
        if let root {
            found = try Self.gitlab(address, kind: given, root: root)
        } else {
            found = given.map { kind in Self.read(address, as: kind) } ?? Self.recognise(address)
        }
        guard let found else {
            throw AttachFailure(
                .usage,
                (given ?? root.map { _ in .gitlab }).map {
                    "--to: \(address.origin) has no path of a \($0.rawValue) ticket"
                }
                    ?? "--to: by the URL nobody can tell what kind of ticket system this is",
                hint: (given ?? root.map { _ in .gitlab }).map { "its pages are like \(Self.example($0))" }
                    ?? "name it: --kind \(Kind.allCases.map(\.rawValue).joined(separator: ", "))"
            )
        }
        self = found
    }

    private init(_ kind: Kind, _ ticket: Ticket, _ address: WebAddress, directory: some Sequence<String>) {
        self.kind = kind
        self.ticket = ticket
        base = address.origin + directory.map { "/" + $0 }.joined()
        page = address.text
    }

    private static func example(_ kind: Kind) -> String {
        switch kind {
        case .redmine: "https://redmine.example.com/issues/12"
        case .rt: "https://rt.example.com/Ticket/Display.html?id=12"
        case .jira: "https://jira.example.com/browse/PROJ-12"
        case .jiraCloud: "https://example.atlassian.net/browse/PROJ-12"
        case .gitlab: "https://gitlab.example.com/group/project/-/issues/12"
        case .github: "https://github.com/owner/repository/issues/12"
        case .servicenow: "https://example.service-now.com/incident.do?sys_id=32-hexadecimal-digits"
        case .webhook: "https://hooks.example.com/anything"
        }
    }

    private static func recognise(_ address: WebAddress) -> TicketAddress? {
        let host = address.host
        if host == "github.com" || host.hasPrefix("github.") { return read(address, as: .github) }
        if host.hasSuffix(".service-now.com") { return read(address, as: .servicenow) }
        if host.hasSuffix(".atlassian.net") { return read(address, as: .jiraCloud) }
        // Each of these reads only what no other system has.
        return read(address, as: .jira) ?? read(address, as: .rt)
            ?? (address.path.contains("-") || host.contains("gitlab") ? read(address, as: .gitlab) : nil)
            // Two directories before it would be a repository of a forge that is none of ours.
            ?? (address.path.count <= 3 ? read(address, as: .redmine) : nil)
    }

    private static func read(_ address: WebAddress, as kind: Kind) -> TicketAddress? {
        switch kind {
        case .redmine: redmine(address)
        case .rt: requestTracker(address)
        case .jira, .jiraCloud: jira(address, kind)
        case .gitlab: gitlab(address)
        case .github: github(address)
        case .servicenow: serviceNow(address)
        case .webhook: TicketAddress(.webhook, .whole, address, directory: address.path)
        }
    }

    private static func number(_ text: String?) -> Int? {
        guard let text, let number = Int(text), number > 0, text.allSatisfy(\.isNumber) else { return nil }
        return number
    }

    private static func redmine(_ address: WebAddress) -> TicketAddress? {
        guard let at = address.path.lastIndex(of: "issues"), at + 1 < address.path.count,
            let number = number(address.path[at + 1])
        else { return nil }
        return TicketAddress(.redmine, .number(number), address, directory: address.path[..<at])
    }

    private static func requestTracker(_ address: WebAddress) -> TicketAddress? {
        guard let at = address.path.firstIndex(where: { $0 == "Ticket" || $0 == "SelfService" || $0 == "m" }),
            address.path.last?.hasSuffix(".html") == true || address.path[at] == "m",
            let number = number(address.value("id"))
        else { return nil }
        return TicketAddress(.rt, .number(number), address, directory: address.path[..<at])
    }

    /// A key is a project of capital letters, digits and underscores, a hyphen, and a number.
    private static func isKey(_ text: String) -> Bool {
        let sides = text.split(separator: "-", omittingEmptySubsequences: false)
        guard sides.count == 2, sides[0].first?.isLetter == true, number(String(sides[1])) != nil else { return false }
        return sides[0].utf8.allSatisfy { (0x41...0x5a).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5f }
    }

    private static func jira(_ address: WebAddress, _ kind: Kind) -> TicketAddress? {
        if let at = address.path.lastIndex(of: "browse"), at + 1 < address.path.count, isKey(address.path[at + 1]) {
            return TicketAddress(kind, .key(address.path[at + 1]), address, directory: address.path[..<at])
        }
        // A board with the issue opened, or an issue in the new navigation: the interface lies at the root there.
        let key = address.value("selectedIssue") ?? address.path.last { isKey($0) }
        guard kind == .jiraCloud || address.value("selectedIssue") != nil, let key, isKey(key) else { return nil }
        let directory = kind == .jiraCloud ? [] : address.path.prefix { $0 != "secure" && $0 != "projects" }
        return TicketAddress(kind, .key(key), address, directory: directory)
    }

    private static func gitlab(_ address: WebAddress, kind: Kind?, root text: String) throws(AttachFailure)
        -> TicketAddress?
    {
        guard kind == nil || kind == .gitlab else {
            throw AttachFailure(
                .usage,
                "--root is for GitLab: elsewhere the ticket's address tells where the system begins"
            )
        }
        let root: WebAddress
        do {
            root = try WebAddress(text)
        } catch {
            throw AttachFailure(.usage, "--root: is no address such as https://example.com/gitlab")
        }
        // The token goes there, and nowhere but to where the ticket is.
        guard root.origin == address.origin, address.path.starts(with: root.path), root.query.isEmpty else {
            throw AttachFailure(.usage, "--root: the ticket's address does not begin with \(root.text)")
        }
        return gitlab(address, depth: root.path.count)
    }

    /// - Parameter depth: parts of the path that are the directory in which GitLab lies.
    private static func gitlab(_ address: WebAddress, depth: Int = 0) -> TicketAddress? {
        let kinds = ["issues": "issues", "work_items": "issues", "merge_requests": "merge_requests"]
        guard let at = address.path.lastIndex(where: { kinds[$0] != nil }), at + 1 < address.path.count,
            let number = number(address.path[at + 1]), let kind = kinds[address.path[at]]
        else { return nil }
        let project = address.path[..<at].dropFirst(depth).filter { $0 != "-" }
        guard project.count >= 2 else { return nil }
        let name = project.map(WebAddress.decoded).joined(separator: "/")
        return TicketAddress(
            .gitlab,
            .inProject(name, kind: kind, number: number),
            address,
            directory: address.path.prefix(depth)
        )
    }

    private static func github(_ address: WebAddress) -> TicketAddress? {
        guard address.path.count >= 4, ["issues", "pull"].contains(address.path[2]),
            let number = number(address.path[3])
        else { return nil }
        let ticket = Ticket.inRepository(owner: address.path[0], name: address.path[1], number: number)
        var found = TicketAddress(.github, ticket, address, directory: [])
        // GitHub Enterprise Server has its interface in a directory of the same host.
        found.base = address.host == "github.com" ? "https://api.github.com" : address.origin + "/api/v3"
        return found
    }

    private static func serviceNow(_ address: WebAddress) -> TicketAddress? {
        // The page may stand inside another's parameters, encoded once or twice: nav_to.do?uri=incident.do%3Fsys_id%3D...
        let text = WebAddress.decoded(WebAddress.decoded(address.text.replacing("+", with: " ")))
        guard let id = hexadecimal(behind: "sys_id=", text) ?? address.path.last.flatMap({ isID($0) ? $0 : nil }) else {
            return nil
        }
        var table: String?
        if let at = address.path.lastIndex(of: "record"), at + 2 < address.path.count, isID(address.path[at + 2]) {
            table = address.path[at + 1]
        } else if let id = text.firstRange(of: "sys_id="),
            let page = text[..<id.lowerBound].ranges(of: ".do?").last
        {
            table = String(
                text[..<page.lowerBound].reversed().prefix { $0.isLetter || $0.isNumber || $0 == "_" }.reversed()
            )
        }
        guard let table, !table.isEmpty else { return nil }
        return TicketAddress(.servicenow, .record(table: table, id: id), address, directory: [])
    }

    private static func isID(_ text: String) -> Bool { text.count == 32 && text.allSatisfy(\.isHexDigit) }

    private static func hexadecimal(behind mark: String, _ text: String) -> String? {
        guard let start = text.firstRange(of: mark)?.upperBound else { return nil }
        let id = String(text[start...].prefix(32))
        return isID(id) ? id.lowercased() : nil
    }
}
