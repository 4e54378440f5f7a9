import AsyncHTTPClient
import NIOCore
import NIOHTTP1

/// What carries calls: the network, or a dry run.
package protocol Courier: Sendable {
    /// - Returns: whatever the other side answered, but for what a later try may mend.
    func send(_ call: Call) async throws(AttachFailure) -> Answer
    func wait(_ seconds: Double) async
}

/// Sends calls, and again where that is safe: a call that may be repeated after failures of the connection, 429 and 500 to 504; any call
/// after 429, with which a system says that it did nothing (RFC 6585 §4).
package struct LiveCourier: Courier {
    package struct Patience: Sendable {
        package var tries = 5
        /// Seconds before the second try; doubled before each further one.
        package var first = 1.0
        /// What the other side may ask for at most, seconds.
        package var longest = 120.0

        package init() {}
    }

    private let client: HTTPClient
    private let patience: Patience
    private let warn: @Sendable (String) -> Void
    private let sleep: @Sendable (Double) async -> Void

    package init(
        _ line: Line,
        patience: Patience = Patience(),
        warn: @escaping @Sendable (String) -> Void,
        sleep: @escaping @Sendable (Double) async -> Void = { try? await Task.sleep(for: .seconds($0)) }
    ) throws(AttachFailure) {
        client = try line.client()
        self.patience = patience
        self.warn = warn
        self.sleep = sleep
    }

    /// To be called once, at the end. What is left open ends with the process.
    package func close() async { try? await client.shutdown() }

    package func wait(_ seconds: Double) async { await sleep(seconds) }

    package func send(_ call: Call) async throws(AttachFailure) -> Answer {
        var tries = 0
        while true {
            tries += 1
            do {
                return try await sendOnce(call)
            } catch {
                let isSafe = call.isRepeatable || error.didNothing
                guard error.failure.isTransient, isSafe else { throw error.failure }
                guard tries < patience.tries else {
                    var failure = error.failure
                    failure.isTransient = false
                    throw failure
                }
                let own = patience.first * Double(1 << (tries - 1))
                let pause = max(error.failure.retryAfter ?? 0, own)
                guard pause <= patience.longest else {
                    var failure = error.failure
                    failure.isTransient = false
                    failure.hint = "it asks to wait for \(Int(pause)) s: run the same command again then"
                    throw failure
                }
                warn("\(error.failure.message); trying again in \(Self.text(pause)) s")
                await sleep(pause)
            }
        }
    }

    private static func text(_ seconds: Double) -> String {
        seconds == seconds.rounded() ? String(Int(seconds)) : String(Double(Int(seconds * 10)) / 10)
    }

    private struct Trouble: Error {
        var failure: AttachFailure
        var didNothing = false
    }

    /// An answer fits in memory: comments of a ticket, a page at a time.
    private static let answerLimit = 64 << 20

    private func sendOnce(_ call: Call) async throws(Trouble) -> Answer {
        var url = call.url
        var hops = 0
        while true {
            let answer = try await exchange(call, url)
            let place = Self.place(call, url)
            switch answer.status {
            case 301, 302, 303, 307, 308:
                // Another place must not get the secret, and what was sent must not be sent twice.
                let target = answer.header("location") ?? ""
                let next = Self.resolved(target, from: url)
                guard call.method == .get, answer.status != 303, hops < 3, let next else {
                    throw Trouble(
                        failure: Self.redirected(place, to: target.isEmpty ? "nowhere" : call.shown(target.prefix(200)))
                    )
                }
                hops += 1
                url = next
            case 429, 500, 502, 503, 504: throw Self.busy(place, answer)
            // GitHub's way to say 429 (docs.github.com, rate limits for the REST API).
            case 403 where answer.header("x-ratelimit-remaining") == "0" || answer.header("retry-after") != nil:
                throw Self.busy(place, answer)
            default: return answer
            }
        }
    }

    /// What a message begins with.
    private static func place(_ call: Call, _ url: String) -> String {
        "\(call.method.rawValue) \(call.shown(url.prefix { $0 != "?" }))"
    }

    private func exchange(_ call: Call, _ url: String) async throws(Trouble) -> Answer {
        var request = HTTPClientRequest(url: url)
        request.method = HTTPMethod(rawValue: call.method.rawValue)
        for header in call.headers { request.headers.add(name: header.name, value: header.value) }
        if !call.body.isEmpty {
            var buffer = ByteBuffer()
            for part in call.body { buffer.writeBytes(part.bytes) }
            request.body = .bytes(buffer)
        }
        do {
            let response = try await client.execute(request, deadline: .now() + .minutes(30))
            let body = try await response.body.collect(upTo: Self.answerLimit)
            return Answer(
                status: Int(response.status.code),
                headers: response.headers.map { ($0.name, $0.value) },
                body: Array(body.readableBytesView)
            )
        } catch {
            throw Trouble(failure: ConnectionTrouble.failure(error, Self.place(call, url)))
        }
    }

    /// Nil where it leads to another scheme, host or port.
    private static func resolved(_ target: String, from url: String) -> String? {
        guard let from = try? WebAddress(url) else { return nil }
        if target.hasPrefix("/"), !target.hasPrefix("//") { return from.origin + target }
        guard let to = try? WebAddress(target), to.origin == from.origin else { return nil }
        return target
    }

    private static func redirected(_ place: String, to target: String) -> AttachFailure {
        AttachFailure(
            .protocolError,
            "\(place): is redirected to \(target)",
            hint: "secrets are not sent on: give the address that it leads to as --to, or log in without single sign-on"
        )
    }

    private static func busy(_ place: String, _ answer: Answer) -> Trouble {
        let after = RetryAfter.seconds(answer)
        let failure = AttachFailure.transient(
            .temporary,
            "\(place): status \(answer.status)" + (answer.excerpt.isEmpty ? "" : ": \(answer.excerpt)"),
            after: after,
            hint: "the system is busy or failing: run the same command again later"
        )
        return Trouble(failure: failure, didNothing: answer.status == 429 || answer.status == 403)
    }
}
