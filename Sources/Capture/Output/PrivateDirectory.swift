#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A directory for packets, which its owner alone may look into.
package enum PrivateDirectory {
    /// Makes the directory where it is not there: the first incident is too late to find out that nothing can be written.
    /// - Throws: where it cannot be made, or a file cannot be created in it; the modes of one that is there are left alone.
    package static func prepare(_ path: String) throws(CaptureError) {
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw CaptureError(unwritable: path) }
        // "/." asks for a directory, too: a file of that name is refused.
        guard access(path + "/.", W_OK | X_OK) == 0 else { throw CaptureError(unwritable: path) }
    }
}
