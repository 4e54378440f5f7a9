/// Why something could not be attached: a line for a person, and a status for a script.
package struct AttachFailure: Error, Sendable {
    /// The exit statuses of sysexits.h.
    package enum Kind: Int32, Sendable {
        case usage = 64
        /// The ticket system does not take it, above all because it is too large.
        case data = 65
        case noInput = 66
        /// The ticket is not there, or not for this account.
        case noTicket = 67
        case unavailable = 69
        case inputOutput = 74
        /// It may work later: the system was busy until patience ended.
        case temporary = 75
        /// The answer is not what the system's interface promises.
        case protocolError = 76
        case noPermission = 77
    }

    /// Another program failed, and has said why.
    package init(status: Int32) {
        self.init(.inputOutput, "")
        self.status = status
    }

    package var kind: Kind
    /// The exit status.
    package private(set) var status: Int32
    /// What failed, and where.
    package var message: String
    /// What to do about it.
    package var hint: String?
    /// Whether another try may succeed; whether this one had an effect is then not known.
    package var isTransient = false
    /// Seconds that the other side asked to wait.
    package var retryAfter: Double?

    package init(_ kind: Kind, _ message: String, hint: String? = nil) {
        self.kind = kind
        status = kind.rawValue
        self.message = message
        self.hint = hint
    }

    static func transient(_ kind: Kind, _ message: String, after: Double? = nil, hint: String? = nil) -> AttachFailure {
        var failure = AttachFailure(kind, message, hint: hint)
        failure.isTransient = true
        failure.retryAfter = after
        return failure
    }
}
