import Diagnosis
import Model

/// `gwsniff causes`: the catalogue, in its order.
package enum CausesListing {
    package static func render(options: TextOptions = TextOptions()) -> String {
        let idWidth = Cause.allCases.map(\.rawValue.count).max() ?? 0
        var text = ""
        for group in CauseGroup.allCases {
            text += (text.isEmpty ? "" : "\n") + options.ink(group.rawValue, .bold) + "\n"
            for cause in Cause.allCases where cause.group == group {
                let isDiagnosed = CauseGuides.guide(for: cause) != nil
                let mark = isDiagnosed ? "*" : " "
                let lines = Layout.wrap(cause.title(upstream: nil), width: options.columns - idWidth - 6)
                for (index, line) in lines.enumerated() {
                    let id = Layout.pad(index == 0 ? cause.rawValue : "", idWidth)
                    text += "  \(index == 0 ? mark : " ") \(isDiagnosed ? options.ink(id, .cyan) : id)  \(line)\n"
                }
            }
        }
        return text + "\n* diagnosed by this version; `gwsniff explain CAUSE` tells more.\n"
    }
}
