import Model

/// Which field lines are secret by their name.
enum FieldNames {
    /// Fields whose values decide how long a message is: never touched.
    private static let framing: Set<String> = ["content-length", "transfer-encoding", "connection"]

    /// Fields whose value is a URL, relative ones too, where other fields only may have some in them; and one in which browsers, which
    /// can give no other, send tokens in parts with dots between them.
    private static let urls: Set<String> = [
        "content-location", "destination", "location", "origin", "referer", "sec-websocket-protocol", "soapaction",
        "x-envoy-original-path",
        "x-forwarded-path", "x-forwarded-uri", "x-original-uri", "x-original-url", "x-rewrite-url",
        "x-waws-unencoded-url",
    ]

    /// - Parameter name: lower case.
    static func isSecret(_ name: String) -> Bool {
        !isFraming(name) && SecretNames.isSecret(name.utf8)
    }

    static func isFraming(_ name: String) -> Bool { framing.contains(name) }

    /// - Parameter name: lower case.
    static func isURL(_ name: String) -> Bool { urls.contains(name) }
}

/// Texts of error pages that gateways are recognised by. They are the same everywhere, and stay.
enum PublicPages {
    static let texts: [[UInt8]] = [
        "<hr><center>nginx", "<hr><center>openresty",
        "The server returned an invalid or incomplete response.", "No server is available to handle this request.",
        "The server didn't respond in time.",
        "Error reading from remote server", "The proxy server received an invalid",
        "The server is temporarily unable to service your\nrequest due to maintenance downtime or capacity",
        "The gateway did not receive a timely response\nfrom the upstream server or application.",
        "before headers. reset reason: ", "connection failure", "connection timeout",
        "Guru Meditation", "Error 503 Backend fetch failed",
        "The server encountered a temporary error and could not complete your request.",
    ].map { Array($0.utf8) }

    /// Whole bodies.
    static let bodies: Set<[UInt8]> = Set(
        ["Bad Gateway", "Gateway Timeout", "<html><body><h1>200 OK</h1>\nService ready.\n</body></html>\n"].map {
            Array($0.utf8)
        }
    )

    /// They stand at the beginning.
    static let searched = 1_024
}
