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
}
