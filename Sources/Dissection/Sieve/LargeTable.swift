#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A table of plain values that is asked at random places, once a packet.
///
/// Large ones lie in large pages where the kernel has them to give: of small ones hundreds of megabytes need so many that nearly every
/// question misses the processor's list of pages too. Access is not checked: the places come from the table's own arithmetic.
final class LargeTable<Value: BitwiseCopyable> {
    let places: UnsafeMutablePointer<Value>
    let count: Int

    /// - Parameter count: 1 or more.
    init(repeating value: Value, count: Int) {
        self.count = count
        let size = count * MemoryLayout<Value>.stride
        let alignment = size >= Self.largePage ? Self.largePage : max(MemoryLayout<Value>.alignment, 64)
        let memory = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: alignment)
        #if os(Linux)
            // Only an offer; without it the table is slower.
            if size >= Self.largePage { _ = madvise(memory, size, MADV_HUGEPAGE) }
        #endif
        places = memory.bindMemory(to: Value.self, capacity: count)
        places.initialize(repeating: value, count: count)
    }

    deinit {
        UnsafeMutableRawPointer(places).deallocate()
    }

    private static var largePage: Int { 2 << 20 }
}
