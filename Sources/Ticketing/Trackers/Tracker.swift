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
