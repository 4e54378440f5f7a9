package import Pipeline

extension RunStatistics {
    /// Packets that were lost, by who lost them; empty where nobody says.
    package var drops: [(by: String, count: Int)] {
        guard let live else { return [] }
        var drops: [(by: String, count: Int)] = []
        if let count = live.droppedByKernel { drops.append(("kernel", count)) }
        if let count = live.droppedByInterface { drops.append(("interface", count)) }
        return drops + [("gwsniff", live.droppedByUs)]
    }
}
