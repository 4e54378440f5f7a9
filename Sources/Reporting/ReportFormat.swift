package import Model

/// How a report is written.
package enum ReportFormat: String, CaseIterable, Sendable {
    case text, json, ndjson, markdown, jira, adf, html, sarif

    /// Made to be sent to others: secrets are overwritten if nothing else is said.
    package var leaves: Bool {
        switch self {
        case .text, .json, .ndjson: false
        case .markdown, .jira, .adf, .html, .sarif: true
        }
    }

    /// - Parameter options: of the text.
    package func render(_ report: Report, text options: TextOptions) -> String {
        switch self {
        case .text: TextReport.render(report, options: options)
        case .json: JSONReport.render(report)
        case .ndjson: NDJSONReport.render(report)
        case .markdown: MarkdownReport.render(report)
        case .jira: JiraReport.render(report)
        case .adf: ADFReport.render(report)
        case .html: HTMLReport.render(report)
        case .sarif: SARIFReport.render(report)
        }
    }
}
