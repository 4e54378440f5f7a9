/// Memory with bytes of a file. As long as anyone else holds it, what was read into it stays.
package final class InputBlock {
    let memory: UnsafeMutableRawBufferPointer

    init(byteCount: Int) {
        memory = .allocate(byteCount: byteCount, alignment: 16)
    }

    deinit {
        memory.deallocate()
    }
}
