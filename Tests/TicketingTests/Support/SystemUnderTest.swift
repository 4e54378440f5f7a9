import Foundation
import Synchronization
import Testing

@testable import Ticketing

/// One system with an empty ticket, and a way to attach to it.
enum SystemUnderTest: String, CaseIterable, CustomTestStringConvertible {
    case redmine, rt, jira, jiraCloud, gitlab, github, servicenow

    var testDescription: String { rawValue }

    static let token = "t0ken-SECRET"
    static let user = "mail@example.com"
    static let record = "0123456789abcdef0123456789abcdef"

    var contract: any TicketContract {
        switch self {
        case .redmine: RedmineContract()
        case .rt: RequestTrackerContract()
        case .jira: JiraContract(isCloud: false)
        case .jiraCloud: JiraContract(isCloud: true)
        case .gitlab: GitLabContract()
        case .github: GitHubContract()
        case .servicenow: ServiceNowContract()
        }
    }

    var kind: TicketAddress.Kind {
        switch self {
        case .jiraCloud: .jiraCloud
        default: TicketAddress.Kind(rawValue: rawValue) ?? .webhook
        }
    }

    var page: String {
        switch self {
        case .redmine: "/issues/12"
        case .rt: "/Ticket/Display.html?id=12"
        case .jira, .jiraCloud: "/browse/OPS-12"
        case .gitlab: "/group/sub/project/-/issues/12"
        case .github: "/owner/repo/issues/12"
        case .servicenow: "/nav_to.do?uri=incident.do%3Fsys_id%3D\(Self.record)"
        }
    }

    func secret(token: String = SystemUnderTest.token) throws -> Secret {
        switch self {
        case .jiraCloud: try Secret(token: token, user: Self.user)
        // A user alone, whose token is for another system's sake, is no account.
        case .redmine, .rt, .jira: try Secret(token: token, user: Self.user)
        case .servicenow: try Secret(user: Self.user, password: token)
        default: try Secret(token: token)
        }
    }
}

/// A contract that keeps a ticket.
protocol TicketContract: Contract {
    /// Texts of the comments, as anybody would read them.
    var comments: [String] { get }
    /// What can be downloaded from the ticket.
    var files: [String: [UInt8]] { get }
    /// What the documentation does not allow.
    var complaints: [String] { get }
    /// Bytes of one file; what is larger is refused.
    func setLimit(_ limit: Int)
    /// Whether a comment can be changed.
    var edits: Bool { get }
}

/// What every contract keeps.
final class Ledger: Sendable {
    struct State: Sendable {
        var comments: [(id: Int, text: String)] = []
        var files: [(id: Int, name: String, type: String, bytes: [UInt8])] = []
        var complaints: [String] = []
        var limit = 10 << 20
        var next = 100
    }

    private let state = Mutex(State())

    func use<Result: Sendable>(_ body: (inout State) -> Result) -> Result { state.withLock { body(&$0) } }

    var kept: State { state.withLock { $0 } }

    func complain(_ text: String) { use { $0.complaints.append(text) } }

    func expect(_ condition: Bool, _ text: String) { if !condition { complain(text) } }

    func number() -> Int {
        use { state in
            state.next += 1
            return state.next
        }
    }

    var comments: [String] { use { $0.comments.map(\.text) } }
    var files: [String: [UInt8]] {
        use { Dictionary($0.files.map { ($0.name, $0.bytes) }) { _, last in last } }
    }
}

/// Attaches over a real connection, and remembers how long it was told to wait.
final class Runner: Sendable {
    let server: TicketServer
    let contract: any TicketContract
    private let system: SystemUnderTest
    private let directory: String
    private let log = Mutex<[String]>([])
    private let pauses = Mutex<[Double]>([])

    /// - Parameter directory: of the host, in which the system lies; empty for none.
    init(_ system: SystemUnderTest, below directory: String = "") async throws {
        self.system = system
        self.directory = directory
        contract = system.contract
        server = try await TicketServer(directory.isEmpty ? contract : Below(directory, contract))
    }

    var warnings: [String] { log.withLock { $0 } }
    var waits: [Double] { pauses.withLock { $0 } }

    func attach(
        _ contents: Contents,
        token: String = SystemUnderTest.token,
        _ change: (inout Attaching.Options) -> Void = { _ in }
    ) async throws -> Attaching.Outcome {
        let origin = "http://127.0.0.1:\(server.port)"
        let address = try TicketAddress(
            origin + directory + system.page,
            kind: system.kind,
            root: system == .gitlab && !directory.isEmpty ? origin + directory : nil
        )
        let tracker = try address.tracker(system.secret(token: token))
        var line = Line()
        line.timeout = 10
        let courier = try LiveCourier(
            line,
            warn: { text in self.log.withLock { $0.append(text) } },
            sleep: { seconds in self.pauses.withLock { $0.append(seconds) } }
        )
        var options = Attaching.Options()
        change(&options)
        let attaching = Attaching(tracker, courier, options) { text in self.log.withLock { $0.append(text) } }
        do {
            let outcome = try await attaching.run { (_: Int) throws(AttachFailure) in contents }
            await courier.close()
            return outcome
        } catch {
            await courier.close()
            throw error
        }
    }
}

/// A system in a directory of its host: elsewhere is another application, which knows nothing of tickets.
private final class Below: Contract {
    private let directory: String
    private let contract: any TicketContract

    init(_ directory: String, _ contract: any TicketContract) {
        self.directory = directory
        self.contract = contract
    }

    func answer(_ request: Received) -> Reply {
        guard request.target.hasPrefix(directory + "/") else {
            return .text("<html>the front page</html>", status: 404)
        }
        var inner = request
        inner.target = String(request.target.dropFirst(directory.count))
        return contract.answer(inner)
    }
}

/// Says yes once, after so many times.
final class Counter: Sendable {
    private let left: Mutex<Int>

    init(_ count: Int) { left = Mutex(count) }

    func next() -> Bool {
        left.withLock { left in
            left -= 1
            return left < 0
        }
    }
}
