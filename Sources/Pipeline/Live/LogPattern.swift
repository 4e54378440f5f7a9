#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A POSIX extended regular expression (regcomp(3)) for lines of a log.
package final class LogPattern {
    /// What tells of a failed request: nginx's error log (1.22: "upstream timed out", "upstream prematurely closed connection", "no live
    /// upstreams while connecting to upstream", "connect() failed ... while connecting to upstream"), httpd's ("[proxy:error]",
    /// "[proxy_http:error]"), HAProxy's ("Server a/b is DOWN") and a status of 502, 503 or 504 where access logs have it.
    package static let usual =
        "upstream (timed out|prematurely closed|server temporarily disabled)|no live upstreams"
        + "|while (connecting to|sending request to|reading response header from|SSL handshaking to) upstream|while reading upstream"
        + "|proxy(_[a-z]+)?:error|Server [^ ]+ is DOWN|has no server available"
        + "|\"status\": ?\"?50[234]|\" 50[234] |/[-+]?[0-9]+ 50[234] "

    private var expression = regex_t()

    /// Nil where it is none.
    package init?(_ text: String) {
        guard !text.isEmpty, regcomp(&expression, text, REG_EXTENDED | REG_NOSUB) == 0 else { return nil }
    }

    deinit { regfree(&expression) }

    package func matches(_ line: String) -> Bool { regexec(&expression, line, 0, nil, 0) == 0 }
}
