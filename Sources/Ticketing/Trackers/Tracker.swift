import Reporting

/// What a ticket has, before anything is done to it.
package struct TicketState: Sendable {
    package struct File: Sendable {
        var name: String
        var size: Int
    }

    package struct OwnComment: Sendable {
        var id: String
        var marker: Marker
        /// The text, where it tells which files are linked from it.
        var text = ""
    }

    /// Bytes of one file; nil where there is no limit that could be known.
    package var limit: Int?
    /// Whether the system said so itself, or its documentation does.
    package var limitIsKnown = false
    package var files: [File] = []
    /// Of this program, oldest first.
    package var comments: [OwnComment] = []

    package init() {}

    func has(_ file: Upload) -> Bool {
        files.contains { $0.name == file.name && $0.size == file.bytes.count }
    }
}

/// What is to be done to it.
package struct Delivery: Sendable {
    package enum Writing: Sendable {
        case add
        case update(TicketState.OwnComment)
        case nothing
    }

    package var comment: TicketComment
    /// Of which the ticket has none yet.
    package var files: [Upload]
    package var writing: Writing
    /// In Markdown, for systems that take no files.
    package var report: String?
}

/// One kind of ticket system: how it is asked, and how it is told. Each lives in a file of its own, with what its documentation says.
package protocol Tracker: Sendable {
    /// As people call it.
    var name: String { get }
    /// Whether a comment can be changed later.
    var canUpdate: Bool { get }
    var takesFiles: Bool { get }
    /// Whether a survey tells which files a ticket has.
    var listsFiles: Bool { get }
    func survey(_ courier: any Courier) async throws(AttachFailure) -> TicketState
    /// Files first: a comment that names a file must not be there before it.
    ///
    /// - Returns: files that the system refused, with its reason.
    func deliver(_ delivery: Delivery, _ courier: any Courier) async throws(AttachFailure) -> [Refusal]
}

package struct Refusal: Sendable {
    package var file: String
    package var reason: String
    /// Whether a smaller one might pass. Often it is a proxy before the system that has a limit of its own.
    package var isTooLarge: Bool

    init(_ file: String, by system: String, _ answer: Answer, saying reason: String? = nil) {
        self.file = file
        self.reason = reason ?? "\(system) refused it (status \(answer.status))"
        isTooLarge = answer.status == 413 || answer.status == 422
    }
}

extension Tracker {
    package var takesFiles: Bool { true }
    package var listsFiles: Bool { true }
    package var canUpdate: Bool { true }
}

extension TicketAddress {
    package func tracker(_ secret: Secret) throws(AttachFailure) -> any Tracker {
        switch kind {
        case .redmine: try Redmine(self, secret)
        case .rt: try RequestTracker(self, secret)
        case .jira, .jiraCloud: try Jira(self, secret)
        case .gitlab: try GitLab(self, secret)
        case .github: try GitHub(self, secret)
        case .servicenow: try ServiceNow(self, secret)
        case .webhook: Webhook(self, secret)
        }
    }
}

/// What every interface does alike.
enum Answers {
    /// Passes an answer on that is good, and says of others what they mean.
    static func good(
        _ answer: Answer,
        _ name: String,
        doing what: String,
        permission: String
    ) throws(AttachFailure) -> Answer {
        if answer.isGood { return answer }
        let said = answer.excerpt.isEmpty ? "" : ": \(answer.excerpt)"
        let message = "\(name) refuses to \(what) (status \(answer.status))\(said)"
        switch answer.status {
        case 401:
            throw AttachFailure(
                .noPermission,
                message,
                hint:
                    "is the token right, and still valid? GWSNIFF_TOKEN or --token-file; GWSNIFF_USER and GWSNIFF_PASSWORD"
            )
        case 403: throw AttachFailure(.noPermission, message, hint: permission)
        case 404, 410:
            throw AttachFailure(
                .noTicket,
                message,
                hint: "is the address right? A ticket that the account may not see is often said to be missing"
            )
        case 413, 422: throw AttachFailure(.data, message, hint: "--max-size makes the bundle smaller")
        case 408, 409, 425: throw AttachFailure.transient(.temporary, message)
        default:
            throw AttachFailure(
                .protocolError,
                message,
                hint: "is --to the right address, and --kind the right system?"
            )
        }
    }

    /// A file that is refused for itself is told in the comment; whatever else is wrong ends the run.
    static func isAboutFile(_ answer: Answer) -> Bool { [413, 415, 422].contains(answer.status) }
}
