/// How a report is drawn on a terminal.
package struct TextOptions: Sendable {
    /// Columns; kept between 60 and 120 when drawing: longer lines are hard to read.
    package var width = 100
    package var color = false
    /// Everything that is ruled out, every example, all notes.
    package var verbose = false
    /// Arrows and bars beyond ASCII.
    package var unicode = true

    package init() {}

    package init(width: Int, color: Bool = false, verbose: Bool = false, unicode: Bool = true) {
        self.width = width
        self.color = color
        self.verbose = verbose
        self.unicode = unicode
    }

    var columns: Int { min(max(width, 60), 120) }
}

/// SGR attributes (ECMA-48 §8.3.117), from the sixteen colours that every terminal has.
enum Ink: String {
    case bold = "1"
    case dim = "2"
    case red = "1;31"
    case yellow = "33"
    case green = "32"
    case cyan = "36"
}

extension TextOptions {
    func ink(_ text: String, _ ink: Ink) -> String {
        color && !text.isEmpty ? "\u{1b}[\(ink.rawValue)m\(text)\u{1b}[0m" : text
    }
}
