/// How one system is called: what all requests to it have in common, and what its answers mean.
struct Interface: Sendable {
    /// The system's, as people call it.
    let name: String
    /// What stands before every path.
    let root: String
    /// Of every request: above all, who asks.
    let headers: [Call.Header]
    /// What the account needs to be allowed.
    let permission: String

    func call(_ method: Call.Method, _ path: String, assumed: String, status: Int = 200) -> Call {
        var call = Call(method, root + path, assumed: assumed, status: status)
        call.headers += headers
        return call
    }

    /// - Parameter what: is asked for, behind "refuses to".
    func send(_ call: Call, doing what: String, _ courier: any Courier) async throws(AttachFailure) -> Answer {
        try good(await courier.send(call), doing: what)
    }

    /// - Parameters:
    ///   - noun: the system's own word for a comment.
    ///   - gone: the statuses by which it says that this one cannot be changed: another account wrote it, or somebody deleted it.
    ///   - call: changes the comment.
    /// - Returns: whether one is still to be added.
    func change(
        _ writing: Delivery.Writing,
        _ noun: String,
        gone: Set<Int> = [403, 404],
        _ courier: any Courier,
        by call: (TicketState.OwnComment) -> Call
    ) async throws(AttachFailure) -> Bool {
        switch writing {
        case .add: return true
        case .nothing: return false
        case .update(let comment):
            let answer = try await courier.send(call(comment))
            if gone.contains(answer.status) { return true }
            _ = try good(answer, doing: "change the \(noun)")
            return false
        }
    }

    /// Passes an answer on that is good, and says of others what they mean.
    func good(_ answer: Answer, doing what: String) throws(AttachFailure) -> Answer {
        if answer.isGood { return answer }
        let said = answer.excerpt.isEmpty ? "" : ": \(answer.excerpt)"
        let message = "\(name) refuses to \(what) (status \(answer.status))\(said)"
        switch answer.status {
        // nginx: 400, with 495 and 496 as its own names of it (ngx_http_special_response.c).
        case 400 where answer.excerpt.contains("SSL certificate"), 495, 496:
            throw AttachFailure(
                .noPermission,
                message,
                hint: "--client-cert FILE and --client-key FILE show this client's certificate"
            )
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
}

extension Answer {
    /// A file that is refused for itself is told in the comment; whatever else is wrong ends the run.
    var isAboutFile: Bool { [413, 415, 422].contains(status) }
}
