package import Model
import Pipeline

/// A time as one asks for it: a moment, a time of today, or how long ago.
package enum HistoryTime {
    package static func parse(_ text: String, now: Timestamp) -> Timestamp? {
        // A number alone is no time: seconds ago, or a year?
        if text.last?.isLetter == true, let ago = Quantity.time(text) { return now - ago }
        return TimeBound(text)?.resolved(firstPacket: now)
    }
}
