/// The ways in which a stream may arrive: whole, byte by byte, and cut in two at every position.
///
/// A parser of a stream must not care which it is; `body` gets the pieces of one way at a time.
package func everySplit<E: Error>(
    of bytes: [UInt8],
    _ body: (_ pieces: [[UInt8]]) throws(E) -> Void
) throws(E) {
    try body([bytes])
    try body(bytes.map { [$0] })
    guard bytes.count > 1 else { return }
    for cut in 1..<bytes.count {
        try body([Array(bytes[..<cut]), Array(bytes[cut...])])
    }
}
