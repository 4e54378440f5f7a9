package import Model

/// What the user told us about the network, and how far packet time may be trusted to be complete.
package struct DiagnosisOptions: Sendable {
    /// Addresses said to be gateways; inferred where empty.
    package var gateways: [AddressPrefix] = []
    package var upstreams: [AddressPrefix] = []
    /// Which requests the report is about.
    package var selection = RequestSelection()
    /// Live: facts after this moment may still change, so nothing is concluded from their absence. Nil: the capture is
    /// over.
    package var horizon: Timestamp?

    package init() {}
}

/// From facts to findings. Pure: no bytes, no clock, no I/O.
package enum Diagnosis {
    package static func report(on facts: TrafficFacts, options: DiagnosisOptions = DiagnosisOptions()) -> Report {
        RunningTotals().report(with: Examination(facts, options))
    }
}
