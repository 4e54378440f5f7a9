/// Words into lines of a width. Works on text without colour; colour is laid over finished lines.
enum Layout {
    /// The text cut at spaces into lines of at most `width` characters; a longer word is cut where it must.
    static func wrap(_ text: String, width: Int) -> [String] {
        let width = max(width, 10)
        var lines: [String] = []
        var line = ""
        // Counted along, for `count` walks the whole string.
        var length = 0
        for word in text.split(whereSeparator: { $0 == " " || $0 == "\n" }) {
            var word = word
            var size = word.count
            if length > 0, length + 1 + size > width {
                lines.append(line)
                line = ""
                length = 0
            }
            while size > width {
                lines.append(String(word.prefix(width)))
                word = word.dropFirst(width)
                size -= width
            }
            if length > 0 {
                line += " "
                length += 1
            }
            line += word
            length += size
        }
        if length > 0 { lines.append(line) }
        return lines
    }

    /// A label in a column and the text beside it, wrapped in its own column.
    static func labelled(_ label: String, _ text: String, indent: Int, labelWidth: Int, width: Int) -> [String] {
        let margin = indent + labelWidth
        return wrap(text, width: width - margin).enumerated().map { index, line in
            let head = String(repeating: " ", count: indent) + (index == 0 ? label : "")
            return pad(head, margin) + line
        }
    }

    static func pad(_ text: String, _ width: Int) -> String {
        let missing = width - text.count
        return missing > 0 ? text + String(repeating: " ", count: missing) : text
    }

    static func padLeft(_ text: String, _ width: Int) -> String {
        let missing = width - text.count
        return missing > 0 ? String(repeating: " ", count: missing) + text : text
    }

    /// Columns of equal width over all rows: the first flush left, the others right, two spaces between.
    static func table(_ rows: [[String]], indent: Int) -> [String] {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in
            rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
        }
        return rows.map { row in
            let cells = row.enumerated().map { column, cell in
                column == 0 ? pad(cell, widths[column]) : padLeft(cell, widths[column])
            }
            return String(repeating: " ", count: indent) + cells.joined(separator: "  ")
        }
    }
}
