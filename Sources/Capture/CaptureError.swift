/// Why a capture could not be opened, read, filtered or written: one line for the user and, where there is one, a way out.
package struct CaptureError: Error, Equatable, Sendable {
    package enum Code: Sendable {
        case notACapture
        case cannotOpen
        case permission
        case readFailed
        case writeFailed
        case filterInvalid
        case interface
    }

    package var code: Code
    /// One line that names the input; bytes from the input are never quoted in it.
    package var message: String
    /// What the user can do about it, one line.
    package var hint: String?

    package init(_ code: Code, _ message: String, hint: String? = nil) {
        self.code = code
        self.message = message
        self.hint = hint
    }

    /// The exit status of a run that ends with this error (sysexits.h).
    package var exitStatus: Int32 {
        switch code {
        case .notACapture: 65
        case .cannotOpen, .interface: 66
        case .permission: 77
        case .readFailed, .writeFailed: 74
        case .filterInvalid: 64
        }
    }
}

/// How reading a savefile ended. Offsets count bytes of the savefile, after decompression where it is compressed.
package enum CaptureEnding: Equatable, Sendable {
    /// At the end of a record.
    case clean
    /// In the middle of a record or of a compressed stream: the rest is missing; what came before is whole.
    case cut(atOffset: Int64, message: String)
    /// At bytes that cannot be a record: what came before is whole, what follows is not read.
    case damaged(atOffset: Int64, message: String)

    /// One line without the name of the file; nil for a clean end.
    package var message: String? {
        switch self {
        case .clean: nil
        case .cut(_, let message), .damaged(_, let message): message
        }
    }
}
