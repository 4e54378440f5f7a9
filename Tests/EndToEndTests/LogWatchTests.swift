import Foundation
import Pipeline
import Testing

/// Logs of a gateway that are followed.
@Suite struct LogWatchTests {
    private static func append(_ text: String, to path: String) throws {
        if !FileManager.default.fileExists(atPath: path) {
            _ = FileManager.default.createFile(atPath: path, contents: nil)
        }
        let file = try #require(FileHandle(forWritingAtPath: path))
        try file.seekToEnd()
        try file.write(contentsOf: Data(text.utf8))
        try file.close()
    }

    private static let failure =
        "2026/11/27 19:00:00 [error] 7#7: *1 upstream timed out (110: Connection timed out) while reading response header from upstream"

    @Test("a log is followed from its end, over half lines, through rotation and cutting")
    func follows() throws {
        let scratch = try Scratch()
        let path = scratch.file("error.log")
        try Self.append(Self.failure + "\n", to: path)
        let watch = try LogWatch([path], pattern: nil)
        #expect(watch.matches().isEmpty, "what stood there before is over")
        try Self.append(String(Self.failure.prefix(60)), to: path)
        #expect(watch.matches().isEmpty, "half a line")
        try Self.append(String(Self.failure.dropFirst(60)) + "\nall is well\n", to: path)
        #expect(watch.matches().map(\.line) == [Self.failure])
        #expect(watch.matches().isEmpty)
        // logrotate: the last line goes to the file that was moved away, the next one to a new file.
        try Self.append("no live upstreams while connecting to upstream, last\n", to: path)
        try FileManager.default.moveItem(atPath: path, toPath: path + ".1")
        #expect(watch.matches().map(\.line) == ["no live upstreams while connecting to upstream, last"])
        try Self.append("no live upstreams while connecting to upstream, first\n", to: path)
        #expect(watch.matches().map(\.line) == ["no live upstreams while connecting to upstream, first"])
        // copytruncate: the same file, shorter.
        try FileHandle(forWritingAtPath: path)?.truncate(atOffset: 0)
        try Self.append("upstream prematurely closed connection\n", to: path)
        #expect(watch.matches().map(\.line) == ["upstream prematurely closed connection"])
        #expect(watch.takeWarnings().isEmpty)
    }

    @Test("a log that is not there yet is said once and followed from its beginning once it is")
    func later() throws {
        let scratch = try Scratch()
        let path = scratch.file("late.log")
        let watch = try LogWatch([path], pattern: "^oops")
        #expect(watch.matches().isEmpty)
        #expect(watch.takeWarnings().count == 1)
        try Self.append("not oops\noops 1\noops 2\n", to: path)
        #expect(watch.matches().map(\.line) == ["oops 1"])
        #expect(watch.takeWarnings().isEmpty)
    }

    @Test("a line without end takes no memory, and what is after it is read")
    func longLine() throws {
        let scratch = try Scratch()
        let path = scratch.file("long.log")
        try Self.append("", to: path)
        let watch = try LogWatch([path], pattern: "tail$|^next")
        try Self.append(String(repeating: "x", count: 200_000) + "tail\nnext\n", to: path)
        #expect(watch.matches().map(\.line) == ["next"])
    }

    @Test(
        "the usual lines are those of failures",
        arguments: [
            ("10.0.0.1 - - [27/Nov/2026:19:00:00 +0000] \"GET / HTTP/1.1\" 502 157 \"-\" \"curl\"", true),
            ("10.0.0.1 - - [27/Nov/2026:19:00:00 +0000] \"GET / HTTP/1.1\" 200 502 \"-\" \"curl\"", false),
            ("10.0.0.1 - - [27/Nov/2026:19:00:00 +0000] \"GET /502 HTTP/1.1\" 200 15 \"-\" \"curl\"", false),
            (
                "haproxy[1]: 10.0.0.1:5 [27/Nov/2026:19:00:00.000] web app/a 0/0/-1/-1/1 503 217 - - SC-- 1/1/0/0/3 0/0",
                true
            ),
            ("[proxy:error] [pid 1] (111)Connection refused: AH00957: HTTP: attempt to connect to 10.0.0.7:80", true),
            ("2026/11/27 19:00:00 [notice] 7#7: signal process started", false),
            ("2026/11/27 19:00:00 [error] 7#7: *1 open() \"/x\" failed (2: No such file or directory)", false),
            (
                "2026/11/27 19:00:00 [error] 7#7: *1 connect() failed (111: Connection refused) while connecting to upstream",
                true
            ),
            ("{\"request\": \"GET /\", \"status\": 504}", true),
        ] as [(String, Bool)]
    )
    func usual(line: String, isFailure: Bool) throws {
        #expect(try #require(LogPattern(LogPattern.usual)).matches(line) == isFailure)
    }

    @Test("what is no regular expression is refused")
    func refused() {
        #expect(LogPattern("(") == nil)
        #expect(LogPattern("") == nil)
    }
}
