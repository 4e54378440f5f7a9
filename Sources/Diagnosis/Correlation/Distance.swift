import Model

/// The absolute value, saturated: time stamps come from the file, and the most negative difference has no positive twin.
func distance(_ difference: Nanoseconds) -> Nanoseconds {
    difference == .min ? .max : abs(difference)
}
