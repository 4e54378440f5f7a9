/// Text from the wire, fit to be shown. A capture is hostile input: what a request line carries must neither drive the
/// reader's terminal nor change what a line seems to say.
package enum SafeText {
    /// Control bytes, and characters that are invisible or turn the reading direction, become `\u{..}`; the rest stays.
    package static func terminal(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isUnsafe) else { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            if isUnsafe(scalar) {
                result += "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// As `terminal`, and cut in the middle to at most `limit` characters.
    package static func terminal(_ text: String, limit: Int) -> String {
        let safe = terminal(text)
        guard safe.count > limit, limit > 8 else { return safe }
        let tail = limit / 3
        return safe.prefix(limit - tail - 3) + "..." + safe.suffix(tail)
    }

    /// For running text of Markdown: nothing in it is markup. HTML and mentions are defused too.
    package static func markdown(_ text: String) -> String {
        var result = ""
        for scalar in terminal(text).unicodeScalars {
            switch scalar {
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "&": result += "&amp;"
            case "\\", "*", "_", "[", "]", "|", "#", "~", "`":
                result += "\\"
                result.unicodeScalars.append(scalar)
            // A name after an at sign would call people in a ticket.
            case "@": result += "&#64;"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// As `markdown`, except that what our own guides put between single backticks stays a code span.
    package static func markdownKeepingCode(_ text: String) -> String {
        let parts = text.split(separator: "`", omittingEmptySubsequences: false)
        guard parts.count % 2 == 1 else { return markdown(text) }
        return parts.enumerated().map { index, part in
            index % 2 == 0 ? markdown(String(part)) : codeSpan(String(part))
        }.joined()
    }

    /// A code span (CommonMark §6.1): the fence is longer than any run of backticks inside. A bar is hidden, for it would
    /// end the cell of a table even there.
    package static func codeSpan(_ text: String) -> String {
        let safe = terminal(text).replacing("|", with: "\\u{7c}")
        var longest = 0
        var run = 0
        for character in safe.utf8 {
            run = character == UInt8(ascii: "`") ? run + 1 : 0
            longest = max(longest, run)
        }
        let fence = String(repeating: "`", count: longest + 1)
        let pad = safe.isEmpty || safe.hasPrefix("`") || safe.hasSuffix("`") ? " " : ""
        return fence + pad + safe + pad + fence
    }

    static func isUnsafe(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x00...0x1f, 0x7f...0x9f: true
        // Soft hyphen, zero width, bidirectional and separator characters, byte order mark, tags (Unicode UTR #36 §2).
        case 0xad, 0x61c, 0x180e, 0x200b...0x200f, 0x2028...0x202e, 0x2060...0x206f, 0xfeff, 0xfff9...0xfffb: true
        case 0xe0000...0xe007f: true
        default: false
        }
    }
}

extension String {
    /// Every `target` replaced; `target` is one character.
    fileprivate func replacing(_ target: Character, with replacement: String) -> String {
        contains(target)
            ? split(separator: target, omittingEmptySubsequences: false).joined(separator: replacement) : self
    }
}
