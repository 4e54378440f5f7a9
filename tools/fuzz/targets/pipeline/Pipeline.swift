import Capture
import Model
import Pipeline
import Reporting

/// A savefile's bytes to a report in every format: the path of `gwsniff FILE`.
///
/// Half of the inputs are treated like large ones: a sieve chooses what is dissected. Of these a third is read by three threads
/// too, and the report must be the same.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    let input = Input(data, size)
    let path = MemoryFile.path(input.all)
    var packets = 0
    var control = RunControl()
    control.progress = { packets = $0.packets }
    do {
        var request = AnalysisRequest()
        if size & 1 != 0 {
            request.largestWhole = 0
            request.sampleCount = size & 2
        }
        let report = try OfflineRun.report(on: [path], request, control: control)
        if size & 1 != 0, size % 3 == 0 {
            request.threads = 3
            let other = try OfflineRun.report(on: [path], request)
            if JSONReport.render(other) != JSONReport.render(report) { fail("three threads see something else") }
        }
        checkText(TextReport.render(report), "text")
        checkJSON(JSONReport.render(report))
        // The others say the same in other words, and cost as much again.
        guard size & 3 == 0 else { return past(packets) }
        checkText(TextReport.render(report, options: TextOptions(width: 60, verbose: true, unicode: false)), "text")
        checkText(MarkdownReport.render(report), "markdown")
        checkText(JiraReport.render(report), "jira")
        checkText(HTMLReport.render(report), "html")
        checkJSON(ADFReport.render(report))
        checkJSON(SARIFReport.render(report))
        for line in NDJSONReport.render(report).split(separator: "\n") { checkJSON(String(line)) }
    } catch {
        // An error is an answer.
    }
    return past(packets)
}

private func past(_ packets: Int) -> CInt {
    Share.count(packets > 0, "got past the savefile header to a packet")
    return 0
}

/// What a terminal or a ticket would act on must not get through from a packet.
private func checkText(_ text: String, _ name: String) {
    for scalar in text.unicodeScalars where scalar != "\n" {
        let isControl = scalar.value < 0x20 || scalar.value >= 0x7f && scalar.value < 0xa0
        let isInvisible = !scalar.isASCII && scalar.properties.generalCategory == .format
        if isControl || isInvisible { fail("U+\(String(scalar.value, radix: 16)) in \(name)") }
    }
}

private func checkJSON(_ text: String) {
    var reader = JSONSyntax(text)
    if let problem = reader.problem() { fail("JSON: \(problem)") }
}
