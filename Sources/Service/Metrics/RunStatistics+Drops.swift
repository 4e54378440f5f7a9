package import Pipeline

extension RunStatistics {
    /// Packets that were lost, by who lost them; empty where nobody says.
    package var drops: [(by: String, count: Int)] {
        dropped.map { [("kernel", $0)] } ?? []
    }
}
