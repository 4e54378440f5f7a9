import Model

extension Join {
    func request(of attempt: Attempt) -> RequestFacts? {
        attempt.exchange.flatMap { facts.connections[attempt.connection].exchanges[$0].request }
    }

    func response(of attempt: Attempt) -> ResponseFacts? {
        attempt.exchange.flatMap { facts.connections[attempt.connection].exchanges[$0].response }
    }

    func request(of request: ClientRequest) -> RequestFacts? {
        facts.connections[request.connection].exchanges[request.exchange].request
    }

    func response(of request: ClientRequest) -> ResponseFacts? {
        facts.connections[request.connection].exchanges[request.exchange].response
    }

    func question(of attempt: Int) -> MessageKeys.Question? {
        attempts[attempt].exchange.flatMap { keys[attempts[attempt].connection, $0] }
    }

    func reply(of attempt: Int) -> ReplyKeys? {
        attempts[attempt].exchange.flatMap { replies[keys.place(attempts[attempt].connection, $0)] }
    }

    func question(ofRequest request: Int) -> MessageKeys.Question? {
        keys[requests[request].connection, requests[request].exchange]
    }

    func reply(toRequest request: Int) -> ReplyKeys? {
        replies[keys.place(requests[request].connection, requests[request].exchange)]
    }
}
