import Pipeline
import Reporting

/// Lines of the log that say how the service fares.
package enum LogLines {
    package static func figures(_ picture: Picture) -> String {
        let statistics = picture.statistics
        var parts = [
            Numbers.counted(statistics.packets, "packet"), "\(Int(picture.packetRate.rounded())) a second",
            Numbers.bytes(statistics.capturedBytes),
            "\(Numbers.counted(picture.failedRequests, "failed request")) of \(Numbers.grouped(picture.totalRequests))",
        ]
        for drop in statistics.drops { parts.append("\(Numbers.grouped(drop.count)) dropped by \(drop.by)") }
        if let memory = ProcessFigures.current().residentBytes {
            parts.append("\(Numbers.bytes(Int64(memory))) of memory")
        }
        return parts.joined(separator: ", ")
    }
}
