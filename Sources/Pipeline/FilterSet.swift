import Capture
import Model

/// A BPF expression compiled for each link type that the capture turns out to have.
struct FilterSet {
    private let expression: String?
    private var compiled: [LinkType: PacketFilter] = [:]

    /// - Throws: where the expression is no filter at all; it is tried on Ethernet, the link type that knows every
    ///   primitive, before anything is read.
    init(_ expression: String?) throws(CaptureError) {
        self.expression = expression
        guard let expression else { return }
        compiled[.ethernet] = try PacketFilter(expression, linkType: .ethernet)
    }

    var isEmpty: Bool { expression == nil }

    mutating func passes(_ record: PacketRecord, _ bytes: RawSpan) throws(CaptureError) -> Bool {
        guard let expression else { return true }
        if let filter = compiled[record.linkType] {
            return filter.matches(bytes, wireLength: record.wireLength)
        }
        let filter = try PacketFilter(expression, linkType: record.linkType)
        compiled[record.linkType] = filter
        return filter.matches(bytes, wireLength: record.wireLength)
    }
}
