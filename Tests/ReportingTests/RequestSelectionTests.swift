import Model
import Testing

@Suite struct RequestSelectionTests {
    @Test(
        "Globs match whole paths",
        arguments: [
            ("*", "", true), ("", "", true), ("", "a", false), ("/api/*", "/api/v1/x", true),
            ("/api/*", "/apx/v1", false),
            ("/a?c", "/abc", true), ("/a?c", "/ac", false), ("*.php", "/x/y.php", true), ("*.php", "/x/y.php5", false),
            ("/*/items/*", "/shop/items/7", true), ("**", "x", true), ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "acb", false),
            ("/é?", "/é語", true),
        ]
    )
    func glob(pattern: String, path: String, matches: Bool) {
        #expect(Glob.matches(pattern, path[...]) == matches)
    }

    @Test("A pattern of many stars against a long path comes to an end")
    func hostileGlob() {
        let pattern = String(repeating: "*a", count: 200) + "b"
        #expect(!Glob.matches(pattern, String(repeating: "a", count: 2_000)[...]))
    }

    @Test("Each condition selects by itself, and all together")
    func conditions() {
        let time = Timestamp(seconds: 100)
        func selects(_ change: (inout RequestSelection) -> Void) -> Bool {
            var selection = RequestSelection()
            change(&selection)
            return selection.matches(time: time, status: 502, target: "http://h/cart?id=7", id: "abc")
        }
        #expect(selects { _ in })
        #expect(RequestSelection().selectsEverything)
        #expect(selects { $0.since = time } && !selects { $0.since = time + 1 })
        #expect(selects { $0.until = time } && !selects { $0.until = time - 1 })
        #expect(selects { $0.status = 502 } && !selects { $0.status = 504 })
        #expect(selects { $0.pathGlob = "/cart" } && !selects { $0.pathGlob = "/cart/*" })
        #expect(selects { $0.requestID = "abc" } && !selects { $0.requestID = "ab" })
        #expect(
            !selects {
                $0.status = 502
                $0.requestID = "x"
            }
        )
    }

    @Test("What was not seen is not selected by a condition on it")
    func unseen() {
        let time = Timestamp(seconds: 100)
        var selection = RequestSelection()
        selection.status = 502
        #expect(!selection.matches(time: time, status: nil, target: "/", id: nil))
        selection = RequestSelection()
        selection.pathGlob = "*"
        #expect(!selection.matches(time: time, status: 502, target: nil, id: nil))
        selection = RequestSelection()
        selection.requestID = "a"
        #expect(!selection.matches(time: time, status: 502, target: "/", id: nil))
    }

    @Test(
        "The path of a target has no query, scheme or authority",
        arguments: [
            ("/a/b?c=d", "/a/b"), ("http://h:80/a?b", "/a"), ("http://h", "/"), ("*", "*"), ("h:443", "h:443"),
            ("?x", ""),
            ("/a:b//c", "/a:b//c"),
        ]
    )
    func path(target: String, path: String) {
        #expect(TargetMask.path(of: target) == path)
    }
}
