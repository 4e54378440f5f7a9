/// The style sheet of the page and the policy that lets it, and nothing else, take effect.
///
/// Colours: every text has a contrast of 4.5 and more to its ground, every line that carries meaning 3 and more (WCAG 2.2,
/// 1.4.3 and 1.4.11), in both schemes; `tools/check-reports` computes it. Nothing is told by colour alone.
enum PageStyle {
    /// The SHA-256 of `sheet` in base 64; `tools/check-reports` computes it anew from a page and prints it.
    static let hash = "3ImKOdgzraKDD8aSixWTvwdCddQYrZZOEkBxJl2PqJU="

    static let policy =
        "default-src 'none'; style-src 'sha256-\(hash)'; base-uri 'none'; form-action 'none'"

    static let sheet: StaticString = """

        :root {
          color-scheme: light dark;
          --ground: #ffffff; --raised: #f5f6f8; --ink: #1b1f24; --soft: #565e68; --rule: #d5d9df; --line: #7b838d;
          --bad: #b3261e; --good: #1a6b35; --fair: #7a5300; --link: #0b57d0; --wait: #fdebc8; --waiting: #7a5300;
          --bar: #4a6fa5; --focus: #0b57d0;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --ground: #15181c; --raised: #1e2329; --ink: #e6e9ed; --soft: #a9b1bb; --rule: #353c45; --line: #7f8893;
            --bad: #ff8f85; --good: #7fd69a; --fair: #f0c060; --link: #8ab4f8; --wait: #43371b; --waiting: #f0c060;
            --bar: #86a8dc; --focus: #8ab4f8;
          }
        }
        * { box-sizing: border-box; }
        html { -webkit-text-size-adjust: 100%; }
        body {
          margin: 0 auto; max-width: 66rem; padding: 1.5rem 1.25rem 3rem; background: var(--ground); color: var(--ink);
          font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Helvetica Neue", Arial, sans-serif;
          overflow-wrap: break-word;
        }
        h1 { font-size: .95rem; margin: 0; color: var(--soft); font-weight: 600; letter-spacing: .02em; }
        h2 { font-size: 1.3rem; line-height: 1.3; margin: 2.5rem 0 .75rem; }
        h3.group { font-size: 1.05rem; margin: 2rem 0 .5rem; color: var(--soft); }
        h4 { font-size: 1.15rem; line-height: 1.35; margin: 0 0 .4rem; }
        h5 { font-size: .9rem; margin: 1.25rem 0 .35rem; }
        p { margin: .5rem 0; max-width: 46rem; }
        a { color: var(--link); }
        code { font: .875em/1.4 ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", Menlo, Consolas, monospace; overflow-wrap: anywhere; }
        ul { margin: 0; padding-left: 1.1rem; }
        :focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; border-radius: 2px; }
        .skip { position: absolute; left: -100vw; background: var(--ground); padding: .5rem; }
        .skip:focus { left: .5rem; top: .5rem; }
        .headline { font-size: 1.45rem; line-height: 1.35; font-weight: 600; margin: .35rem 0 0; text-wrap: pretty; max-width: none; }
        .headline.good { color: var(--good); }
        .headline.fair { color: var(--fair); }
        .small { color: var(--soft); font-size: .875rem; font-weight: 400; }
        .summary dl { display: grid; grid-template-columns: repeat(4, 1fr); gap: .75rem; margin: 0; }
        .card { background: var(--raised); border: 1px solid var(--rule); border-radius: 8px; padding: .8rem .95rem; min-width: 0; }
        .card:first-child, .card.action { grid-column: span 2; }
        .card:nth-child(2), .card:nth-child(3), .card:nth-child(4) { grid-column: span 2; }
        .card:first-child { border-left: 4px solid var(--bad); }
        .card.action { grid-column: 1 / -1; border-left: 4px solid var(--good); }
        .card dt { font-size: .8rem; font-weight: 600; color: var(--soft); }
        .card dd { margin: .15rem 0 0; font-weight: 500; }
        .card .small { display: block; margin-top: .15rem; }
        .finding { border: 1px solid var(--rule); border-left: 4px solid var(--soft); border-radius: 8px; padding: 1rem 1.2rem 1.2rem; margin: 0 0 1.25rem; }
        .finding.failure { border-left-color: var(--bad); }
        .finding.nearMiss { border-left-color: var(--fair); }
        .finding .id { color: var(--soft); font-weight: 600; margin-right: .25rem; }
        .badges { display: flex; flex-wrap: wrap; gap: .4rem; margin: 0; align-items: center; }
        .badge { border: 1px solid var(--line); border-radius: 99px; padding: 0 .6rem; font-size: .8rem; line-height: 1.6; }
        .failure .badge.severity { color: var(--bad); border-color: var(--bad); font-weight: 600; }
        .nearMiss .badge.severity { color: var(--fair); border-color: var(--fair); font-weight: 600; }
        .extent { color: var(--soft); font-size: .9rem; }
        .explanation { margin: .9rem 0 .35rem; }
        .pictures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 0 1.5rem; margin: 1rem 0; align-items: start; }
        .pictures > * { min-width: 0; }
        figure { margin: 0 0 1rem; }
        figcaption { font-size: .9rem; font-weight: 600; margin-bottom: .35rem; }
        figure svg { display: block; max-width: 100%; height: auto; }
        .gap { font-size: .9rem; border-left: 4px solid var(--waiting); padding-left: .7rem; }
        .facts { margin: .75rem 0 0; }
        .facts > div { display: grid; grid-template-columns: 6.5rem 1fr; gap: .75rem; padding: .3rem 0; border-top: 1px solid var(--rule); font-size: .93rem; }
        .facts dt { color: var(--soft); font-weight: 600; }
        .facts dd { margin: 0; min-width: 0; }
        .copy { display: inline-block; background: var(--raised); border: 1px solid var(--rule); border-radius: 4px; padding: .1rem .45rem; user-select: all; -webkit-user-select: all; }
        details { margin: 1rem 0 0; }
        summary { cursor: pointer; font-size: .9rem; color: var(--link); }
        .wide { overflow-x: auto; margin: .35rem 0; }
        table { border-collapse: collapse; width: 100%; font-size: .9rem; }
        caption { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
        th, td { text-align: left; vertical-align: top; padding: .35rem .75rem .35rem 0; border-top: 1px solid var(--rule); font-weight: 400; }
        thead th { border-top: 0; color: var(--soft); font-size: .8rem; font-weight: 600; white-space: nowrap; }
        tbody th { font-weight: 500; white-space: nowrap; }
        .index code { white-space: nowrap; }
        .pictures details { margin-top: 0; }
        .numbers td, .numbers thead th:not(:first-child) { font-variant-numeric: tabular-nums; }
        .packets td, .packets th { font-variant-numeric: tabular-nums; }
        .spread { display: flex; flex-direction: column; font-size: .8rem; line-height: 1.4; white-space: nowrap; }
        .spread svg { display: block; }
        .spread .ends { color: var(--soft); font-size: .72rem; margin-bottom: .15rem; }
        footer { margin-top: 2.5rem; border-top: 1px solid var(--rule); color: var(--soft); font-size: .85rem; }
        svg text { fill: var(--ink); font-size: 12px; font-family: inherit; }
        svg .head, svg .tick { fill: var(--soft); font-size: 11.5px; }
        svg .address { fill: var(--soft); font-size: 10.5px; }
        svg .frame, svg .offset { fill: var(--soft); font-size: 11.5px; font-variant-numeric: tabular-nums; }
        svg .role { font-size: 12.5px; paint-order: stroke; stroke: var(--ground); stroke-width: 4px; stroke-linejoin: round; }
        svg .role.reset { fill: var(--bad); font-weight: 600; }
        svg .waiting { fill: var(--waiting); font-weight: 600; }
        svg .rail { stroke: var(--line); stroke-width: 1; }
        svg .axis { stroke: var(--line); stroke-width: 1; }
        svg .arrow { stroke: var(--ink); stroke-width: 1.5; }
        svg .arrow.reset, svg .cross { stroke: var(--bad); stroke-width: 2; fill: none; }
        svg .tip, svg .mark { fill: var(--ink); }
        svg .mark { stroke: var(--ground); stroke-width: 1; }
        svg .beside { stroke: var(--line); stroke-width: 1.5; stroke-dasharray: 2 4; }
        svg .wait { fill: var(--wait); }
        svg .bar { fill: var(--bar); }
        @media (max-width: 40rem) {
          body { padding: 1rem .9rem 2rem; }
          .headline { font-size: 1.2rem; }
          .summary dl { grid-template-columns: 1fr; }
          .card, .card:nth-child(n) { grid-column: auto; }
          .finding { padding: .8rem .8rem 1rem; }
          .facts > div { grid-template-columns: 1fr; gap: 0; }
        }
        @media print {
          :root {
            --ground: #ffffff; --raised: #ffffff; --ink: #000000; --soft: #444444; --rule: #bbbbbb; --line: #777777;
            --bad: #9c1c15; --good: #14592b; --fair: #6b4900; --link: #000000; --wait: #eeeeee; --waiting: #444444; --bar: #555555;
          }
          body { max-width: none; padding: 0; font-size: 10pt; }
          .skip { display: none; }
          h2, h3, h4, h5, figcaption, thead { break-after: avoid; }
          figure, tr, .card, .facts > div { break-inside: avoid; }
          .wide { overflow: visible; }
          svg, .card, .finding { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
          details::details-content { content-visibility: visible; block-size: auto; }
          tbody th, thead th { white-space: normal; }
        }

        """
}
