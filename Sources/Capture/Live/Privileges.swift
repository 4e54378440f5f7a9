internal import CLibpcap

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// What a capture needs no more once its interfaces are open.
package enum Privileges {
    /// Whether this system has the user.
    package static func isKnown(user: String) -> Bool { identifiers(of: user) != nil }

    private static func identifiers(of user: String) -> (uid: uid_t, gid: gid_t)? {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: 16_384)
        guard getpwnam_r(user, &entry, &buffer, buffer.count, &found) == 0, found != nil else { return nil }
        return (entry.pw_uid, entry.pw_gid)
    }

    /// Becomes another user for good: its groups and no others, no capability, and none to be had by running anything.
    ///
    /// To be called while the process has one thread: capabilities are a thread's own.
    package static func relinquish(to user: String) throws(CaptureError) {
        guard let (uid, gid) = identifiers(of: user) else {
            throw CaptureError(
                .permission,
                "there is no user \(user)",
                hint: "the user to become (-Z, capture.user) is one of this system"
            )
        }
        if geteuid() == 0 || getuid() == 0 {
            #if canImport(Darwin)
                let group = Int32(bitPattern: gid)
            #else
                let group = gid
            #endif
            // The groups first: afterwards it is too late.
            guard initgroups(user, group) == 0, setgid(gid) == 0, setuid(uid) == 0 else {
                throw CaptureError(.permission, "cannot become \(user): \(String(cString: strerror(errno)))")
            }
        } else if geteuid() != uid {
            throw CaptureError(.permission, "only root can become \(user)", hint: "leave -Z out")
        }
        let failure = gwsniff_give_up_capabilities()
        guard failure == 0 else {
            throw CaptureError(.permission, "cannot give up privileges: \(String(cString: strerror(failure)))")
        }
        // Trust nothing: a way back would be a hole.
        guard uid == 0 || setuid(0) != 0 && geteuid() == uid && getuid() == uid && getegid() == gid else {
            throw CaptureError(.permission, "privileges did not go: they could be had back")
        }
    }
}
