#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What the system says of this process, nil where it does not: proc(5).
package struct ProcessFigures: Sendable {
    package var cpuSeconds: Double?
    package var residentBytes: Int?
    package var virtualBytes: Int?
    package var startSeconds: Double?
    package var openDescriptors: Int?
    package var mostDescriptors: Int?

    package init() {}

    package static func current() -> ProcessFigures {
        var figures = ProcessFigures()
        guard let stat = SmallFile.text("/proc/self/stat"), let close = stat.lastIndex(of: ")") else { return figures }
        // What follows the name, which may have spaces and brackets itself: field 3 is the first.
        let fields = stat[stat.index(after: close)...].split(separator: " ")
        func field(_ number: Int) -> Double? {
            fields.indices.contains(number - 3) ? Double(fields[number - 3]) : nil
        }
        let ticks = Double(max(1, sysconf(Int32(_SC_CLK_TCK))))
        if let user = field(14), let system = field(15) { figures.cpuSeconds = (user + system) / ticks }
        figures.virtualBytes = field(23).flatMap { Int(exactly: $0) }
        figures.residentBytes = field(24).flatMap { Int(exactly: $0) }.map { $0 &* Int(sysconf(Int32(_SC_PAGESIZE))) }
        if let start = field(22), let boot = bootTime() { figures.startSeconds = boot + start / ticks }
        figures.openDescriptors = SmallFile.entryCount("/proc/self/fd")
        var limit = rlimit()
        #if canImport(Glibc)
            let asked = getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        #else
            let asked = getrlimit(RLIMIT_NOFILE, &limit)
        #endif
        if asked == 0 { figures.mostDescriptors = Int(exactly: limit.rlim_cur) }
        return figures
    }

    /// Seconds since 1970.
    private static func bootTime() -> Double? {
        guard let text = SmallFile.text("/proc/stat") else { return nil }
        for line in text.split(separator: "\n") where line.hasPrefix("btime ") { return Double(line.dropFirst(6)) }
        return nil
    }
}
