/// Who is asking. From the environment or a file, and never printed.
package struct Secret: Sendable {
    package var token: String?
    package var user: String?
    package var password: String?

    package init(token: String? = nil, user: String? = nil, password: String? = nil) throws(AttachFailure) {
        for (name, value) in [("token", token), ("user", user), ("password", password)] {
            guard let value else { continue }
            guard !value.isEmpty, value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else {
                throw AttachFailure(.usage, "the \(name) is empty, or has line breaks or control characters in it")
            }
        }
        self.token = token
        self.user = user
        self.password = password
    }

    package var isEmpty: Bool { token == nil && password == nil }

    /// Basic (RFC 7617), for where there is no token.
    var basic: Call.Header? { basic(password) }

    /// The same with a token in the password's place.
    var basicWithToken: Call.Header? { basic(token ?? password) }

    private func basic(_ secret: String?) -> Call.Header? {
        guard let user, let secret else { return nil }
        let text = String(decoding: Base64.encoded(Array("\(user):\(secret)".utf8)), as: UTF8.self)
        return Call.Header(name: "Authorization", value: "Basic " + text, isSecret: true)
    }

    /// A token in a field of its own, or behind a word in Authorization.
    func header(_ name: String, _ prefix: String = "") -> Call.Header? {
        token.map { Call.Header(name: name, value: prefix + $0, isSecret: true) }
    }

    static func missing(_ system: String, _ what: String) -> AttachFailure {
        AttachFailure(.noPermission, "\(system) wants to know who asks, and nothing says so", hint: what)
    }
}
