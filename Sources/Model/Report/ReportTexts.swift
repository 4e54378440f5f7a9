extension Report {
    /// Changes every text that came off the wire or tells of it: targets, hosts, quotes, titles and sentences.
    package mutating func changeTexts(_ change: (String) -> String) {
        for index in findings.indices { findings[index].changeTexts(change) }
        for index in clientErrors.indices {
            clientErrors[index].request?.changeTexts(change)
            clientErrors[index].why = clientErrors[index].why.map(change)
        }
        roles.reasons = roles.reasons.map(change)
        for index in roles.software.indices { roles.software[index].evidence = change(roles.software[index].evidence) }
        quality.notes = quality.notes.map(change)
    }

    /// Changes every address, in whatever field and text it stands.
    package mutating func changeAddresses(_ address: (IPAddress) -> IPAddress, text: (String) -> String) {
        func endpoint(_ old: Endpoint) -> Endpoint { Endpoint(address: address(old.address), port: old.port) }
        changeTexts(text)
        for index in findings.indices {
            findings[index].gateway = findings[index].gateway.map(address)
            findings[index].upstream = findings[index].upstream.map(text)
            for place in findings[index].occurrences.indices {
                findings[index].occurrences[place].from = findings[index].occurrences[place].from.map(endpoint)
                findings[index].occurrences[place].to = findings[index].occurrences[place].to.map(endpoint)
            }
        }
        roles.gateways = roles.gateways.map(address)
        roles.upstreams = roles.upstreams.map(endpoint)
        for index in roles.software.indices { roles.software[index].gateway = address(roles.software[index].gateway) }
        for index in upstreams.indices { upstreams[index].endpoint = endpoint(upstreams[index].endpoint) }
        for (stream, span) in connections {
            connections[stream]?.client = endpoint(span.client)
            connections[stream]?.server = endpoint(span.server)
        }
    }
}

extension Finding {
    fileprivate mutating func changeTexts(_ change: (String) -> String) {
        title = change(title)
        statusMismatch = statusMismatch.map(change)
        upstreamName = upstreamName.map(change)
        pattern = pattern.map(change)
        missing = missing.map(change)
        for index in ruledOut.indices { ruledOut[index].why = change(ruledOut[index].why) }
        for index in occurrences.indices {
            occurrences[index].request?.changeTexts(change)
            occurrences[index].explanation = change(occurrences[index].explanation)
            for frame in occurrences[index].frames.indices {
                occurrences[index].frames[frame].role = change(occurrences[index].frames[frame].role)
            }
        }
    }
}

extension RequestSummary {
    fileprivate mutating func changeTexts(_ change: (String) -> String) {
        method = change(method)
        host = host.map(change)
        target = change(target)
        id = id.map(change)
    }
}
