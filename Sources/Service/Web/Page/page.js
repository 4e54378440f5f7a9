"use strict";
// Everything that comes from packets reaches the document as text, never as markup.
(() => {
  const $ = (id) => document.getElementById(id);
  const SVG = "http://www.w3.org/2000/svg";
  const COLOURS = 11;
  const state = { minutes: 60, chosen: null, opener: null, place: 0, colours: new Map(), failures: 0, showsAll: false, showsAllUpstreams: false, detail: "" };

  // ---- small helpers

  function element(name, attributes, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) {
      if (value === null || value === undefined) continue;
      if (key === "text") made.textContent = value;
      else if (key === "on") for (const [event, run] of Object.entries(value)) made.addEventListener(event, run);
      else made.setAttribute(key, value);
    }
    made.append(...children.filter((child) => child !== null && child !== undefined));
    return made;
  }

  function shape(name, attributes, text) {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    return made;
  }

  /// Our own guides put what is to be typed between backticks.
  function typed(text) {
    const parts = text.split("`");
    if (parts.length % 2 === 0) return [text];
    return parts.map((part, index) => (index % 2 ? element("code", { text: part }) : part));
  }

  /// Words in at most two lines of about `room` characters.
  function folded(text, room) {
    if (text.length <= room) return [text];
    const space = text.lastIndexOf(" ", room);
    const end = space > room / 2 ? space : room;
    const rest = text.slice(end).trim();
    return [text.slice(0, end), rest.length > room ? `${rest.slice(0, room - 1)}…` : rest];
  }

  const grouped = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, ",");
  const counted = (number, noun) => `${grouped(number)} ${noun}${number === 1 ? "" : "s"}`;
  const clock = (time) => time.slice(11, 19);

  function duration(ns) {
    if (ns === null || ns === undefined) return "–";
    if (ns < 1e7) return `${(ns / 1e6).toFixed(2)} ms`;
    if (ns < 1e9) return `${(ns / 1e6).toFixed(1)} ms`;
    return `${(ns / 1e9).toFixed(2)} s`;
  }

  function size(bytes) {
    if (bytes < 1e4) return `${grouped(bytes)} B`;
    if (bytes < 1e6) return `${(bytes / 1e3).toFixed(1)} kB`;
    if (bytes < 1e9) return `${(bytes / 1e6).toFixed(1)} MB`;
    return `${(bytes / 1e9).toFixed(1)} GB`;
  }

  /// "12:03:44", with the date where it is not today's.
  function when(time, now) {
    return time.slice(0, 10) === now.slice(0, 10) ? clock(time) : `${time.slice(0, 10)} ${clock(time)}`;
  }

  function ago(from, to) {
    const seconds = Math.max(0, Math.round((Date.parse(to) - Date.parse(from)) / 1000));
    if (seconds < 90) return `${seconds} s`;
    if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
    if (seconds < 172800) return `${Math.round(seconds / 3600)} h`;
    return `${Math.round(seconds / 86400)} days`;
  }

  /// A cause keeps its colour while the page is open.
  function colour(cause) {
    if (!state.colours.has(cause)) state.colours.set(cause, Math.min(state.colours.size, COLOURS - 1));
    return state.colours.get(cause);
  }

  function set(id, text) {
    const node = $(id);
    if (node.textContent !== text) node.textContent = text;
  }

  /// Makes the rows of `parent` those of `items`. A row stays the same node while its key does, so that the focus stays where it is.
  function list(parent, items, key, build, none) {
    const focused = document.activeElement;
    const old = new Map([...parent.children].map((node) => [node.dataset.key, node]));
    let place = parent.firstElementChild;
    for (const item of items) {
      const name = key(item);
      const made = build(item);
      const print = made.outerHTML;
      let node = old.get(name);
      old.delete(name);
      if (!node) {
        node = made;
        node.dataset.key = name;
        node.print = print;
      } else if (node.print !== print) {
        const hadFocus = node.contains(focused);
        if (place === node) place = made;
        node.replaceWith(made);
        made.dataset.key = name;
        made.print = print;
        node = made;
        if (hadFocus) (made.querySelector("button, a") || made).focus();
      }
      if (place === node) place = place.nextElementSibling;
      else parent.insertBefore(node, place);
    }
    for (const node of old.values()) node.remove();
    if (!items.length) parent.append(...[none()].filter(Boolean));
    if (focused && focused.isConnected && document.activeElement !== focused) focused.focus({ preventScroll: true });
  }

  const noRow = (columns, text) => () =>
    element("tr", { "data-key": "none" }, element("td", { class: "none", colspan: columns, text }));
  const noItem = (text) => () => element("li", { "data-key": "none", class: "none", text });

  // ---- parts of the page

  function showState(live) {
    const checks = Object.entries(live.health.checks);
    const isGood = live.health.status === "ok";
    const dot = $("state").querySelector(".dot");
    dot.className = `dot ${isGood ? "good" : live.capture.state === "ended" ? "warn" : "bad"}`;
    const text = live.capture.state === "capturing" ? (isGood ? "capturing" : "failing") : live.capture.state;
    const node = $("state").querySelector(".text");
    if (node.textContent !== text) node.textContent = text;
    const gateways = live.roles.gateways.slice(0, 4).map((address) => {
      const known = live.roles.software.find((entry) => entry.gateway === address);
      return known ? `${known.name} ${address}` : address;
    });
    const sources = live.capture.interfaces;
    const named = sources.slice(0, 3).join(", ") + (sources.length > 3 ? ` and ${sources.length - 3} more` : "");
    set("where", [named, gateways.length ? `gateway ${gateways.join(", ")}` : ""].filter(Boolean).join(" · "));
    const banners = checks.filter(([, check]) => check.status !== "ok" && live.capture.state !== "ended")
      .map(([name, check]) => ({ key: name, kind: "bad", text: `${name}: ${check.detail}` }));
    for (const warning of live.warnings.slice(0, 2)) {
      banners.push({ key: warning.time, kind: "warn", text: `${when(warning.time, live.now)} ${warning.text}` });
    }
    list($("banners"), banners, (entry) => entry.key, (entry) => element("p", { class: `banner ${entry.kind}`, text: entry.text }), () => "");
  }

  function showTiles(live) {
    const failed = live.minutes.reduce((sum, minute) => sum + minute.failed, 0);
    const hidden = live.minutes.reduce((sum, minute) => sum + minute.hidden, 0);
    const node = $("failed");
    const text = grouped(failed);
    if (node.dataset.value !== text) {
      node.dataset.value = text;
      node.replaceChildren(text, element("span", { class: "of", text: ` in the last ${stretch()}` }));
    }
    const all = live.requests.total ? `${grouped(live.requests.failed)} of ${counted(live.requests.total, "request")} since ${when(live.startedAt, live.now)}` : "no requests seen yet";
    set("failed-sub", hidden ? `${all}; retries hid ${grouped(hidden)}` : all);
    set("statuses", live.statuses.length
      ? live.statuses.map((entry) => `${entry.status === null ? "no answer" : entry.status} × ${grouped(entry.requests)}`).join(" · ")
      : "none");
    set("rate", live.capture.state === "capturing" ? `${grouped(live.capture.packetsPerSecond)}/s` : grouped(live.capture.packets));
    set("packets", live.capture.lastPacket
      ? `${grouped(live.capture.packets)} packets, ${size(live.capture.bytes)}; the last ${ago(live.capture.lastPacket, live.now)} ago`
      : "none so far");
    const drops = live.capture.dropped;
    const dropped = drops.reduce((sum, entry) => sum + entry.packets, 0);
    set("dropped", drops.length ? grouped(dropped) : "–");
    set("dropped-sub", dropped ? drops.filter((entry) => entry.packets).map((entry) => `${grouped(entry.packets)} by ${entry.by}`).join(", ") : drops.length ? "nothing was lost" : "nobody says");
  }

  const stretch = () => (state.minutes === 60 ? "hour" : `${state.minutes / 60} hours`);

  function showChart(live) {
    const minutes = live.minutes;
    const width = Math.max(300, $("chart").clientWidth), height = 190, left = 44, bottom = 22, top = 8;
    const step = state.minutes <= 60 ? 1 : state.minutes <= 360 ? 5 : 15;
    const bars = [];
    for (let start = 0; start < minutes.length; start += step) {
      const part = minutes.slice(start, start + step);
      const causes = new Map();
      for (const minute of part) for (const entry of minute.causes) causes.set(entry.cause, (causes.get(entry.cause) || 0) + entry.requests);
      bars.push({ time: part[0].time, causes, total: [...causes.values()].reduce((sum, count) => sum + count, 0) });
    }
    const totals = new Map();
    for (const bar of bars) for (const [cause, count] of bar.causes) totals.set(cause, (totals.get(cause) || 0) + count);
    const order = [...totals.entries()].sort((a, b) => b[1] - a[1]).map(([cause]) => cause);
    order.forEach(colour);
    const most = Math.max(1, ...bars.map((bar) => bar.total));
    const ceiling = niceCeiling(most);
    const svg = shape("svg", { viewBox: `0 0 ${width} ${height}`, role: "img" });
    const sum = bars.reduce((all, bar) => all + bar.total, 0);
    svg.append(shape("title", {}, sum ? `${counted(sum, "failed request")} in the last ${stretch()}, at most ${grouped(most)} in ${step} min` : `no failed request in the last ${stretch()}`));
    const y = (count) => top + (height - top - bottom) * (1 - count / ceiling);
    for (const mark of [0, ceiling / 2, ceiling]) {
      if (mark !== Math.round(mark)) continue;
      svg.append(shape("line", { class: "grid", x1: left, x2: width, y1: y(mark), y2: y(mark) }));
      svg.append(shape("text", { class: "axis", x: left - 8, y: y(mark) + 4, "text-anchor": "end" }, grouped(mark)));
    }
    const room = (width - left) / bars.length;
    bars.forEach((bar, index) => {
      let base = 0;
      for (const cause of order) {
        const count = bar.causes.get(cause);
        if (!count) continue;
        const high = Math.max(1.5, y(base) - y(base + count));
        const rect = shape("rect", { class: `f${colour(cause)}`, x: left + index * room + room * 0.1, width: room * 0.8, y: y(base) - high, height: high, rx: 1.5 });
        rect.append(shape("title", {}, `${clock(bar.time).slice(0, 5)} UTC: ${cause} × ${grouped(count)}`));
        svg.append(rect);
        base += count;
      }
      const every = Math.ceil(bars.length / Math.max(2, Math.floor(width / 90)));
      if (index % every === 0 && index > 0) {
        svg.append(shape("text", { class: "axis", x: left + (index + 0.5) * room, y: height - 5, "text-anchor": "middle" }, clock(bar.time).slice(0, 5)));
      }
    });
    if (!sum) svg.append(shape("text", { class: "empty", x: left + (width - left) / 2, y: height / 2 - 10, "text-anchor": "middle" }, `No failed request in the last ${stretch()}.`));
    if ($("chart").print !== svg.outerHTML) {
      $("chart").print = svg.outerHTML;
      $("chart").replaceChildren(svg);
    }
    list($("legend"), order.slice(0, 12), (cause) => cause, (cause) => element("li", {}, element("span", { class: `swatch f${colour(cause)}` }), `${cause} `, element("span", { class: "sub", text: grouped(totals.get(cause)) })), () => "");
    const rows = minutes.filter((minute) => minute.failed || minute.requests).reverse().slice(0, 200);
    list($("chart-table").tBodies[0], rows, (minute) => minute.time, (minute) => element("tr", {},
      element("td", { class: "t", text: clock(minute.time).slice(0, 5) }), element("td", { class: "n", text: grouped(minute.requests) }),
      element("td", { class: "n", text: grouped(minute.failed) }),
      element("td", { text: minute.causes.map((entry) => `${entry.cause} × ${grouped(entry.requests)}`).join(", ") })), noRow(4, "Nothing in this time."));
  }

  function niceCeiling(most) {
    const power = Math.pow(10, Math.floor(Math.log10(most)));
    for (const factor of [1, 2, 4, 6, 10]) if (factor * power >= most) return Math.max(2, factor * power);
    return most;
  }

  function showFindings(live) {
    const shown = live.findings.filter((finding) => finding.severity !== "note");
    const failures = shown.filter((finding) => finding.severity === "failure").length;
    set("findings-sub", shown.length ? `${counted(failures, "failure")}, ${counted(shown.length - failures, "near miss").replace("misss", "misses")}; choose one for its packets` : "");
    const few = state.showsAll ? shown : shown.filter((finding, index) => index < 15 || finding.key === state.chosen);
    $("findings-all").hidden = few.length === shown.length && !state.showsAll || shown.length <= 15;
    set("findings-all", state.showsAll ? "Show fewer" : `Show all ${grouped(shown.length)}`);
    list($("findings-table").tBodies[0], few, (finding) => finding.key, (finding) => {
      const isChosen = state.chosen === finding.key;
      return element("tr", { class: isChosen ? "chosen" : null },
        element("td", { class: "wrap" },
          element("button", { type: "button", class: "cause", "aria-expanded": String(isChosen), "aria-controls": "detail", text: finding.cause, on: { click: () => choose(finding.key) } }),
          " ", finding.severity === "nearMiss" ? element("span", { class: "pill nearMiss", text: "a retry hid it" }) : null,
          element("div", { class: "title", text: finding.title })),
        element("td", { class: "wrap mono", text: finding.upstream || finding.upstreamName || "none dialled" }, finding.group ? element("div", { class: "title", text: finding.group }) : null),
        element("td", { class: "n", text: grouped(finding.count) }),
        element("td", { text: finding.confidence }),
        element("td", { text: finding.blame }),
        element("td", { class: "t", text: when(finding.last, live.now) }));
    }, noRow(6, "Nothing failed so far."));
  }

  function showUpstreams(live) {
    // Those that do worst come first.
    const few = state.showsAllUpstreams ? live.upstreams : live.upstreams.slice(0, 20);
    $("upstreams-all").hidden = live.upstreams.length <= 20;
    set("upstreams-all", state.showsAllUpstreams ? "Show fewer" : `Show all ${grouped(live.upstreams.length)}`);
    list($("upstreams-table").tBodies[0], few, (upstream) => upstream.endpoint, (upstream) => element("tr", {},
      element("td", { class: "wrap mono", text: upstream.endpoint }, upstream.group ? element("div", { class: "title", text: upstream.group }) : null),
      element("td", {}, element("span", { class: `pill ${upstream.health}`, text: upstream.health }),
        upstream.recent.failures ? element("div", { class: "title", text: `${grouped(upstream.recent.failures)} of ${grouped(Math.max(upstream.recent.exchanges, upstream.recent.failures))} failed` }) : null),
      element("td", { class: "n", text: grouped(upstream.connections) }),
      element("td", { class: "n", text: grouped(upstream.exchanges) }),
      element("td", { class: "n", text: grouped(upstream.failures) }),
      element("td", { class: "n", text: pair(upstream.connectMedianNs, upstream.connectP99Ns) }),
      element("td", { class: "n", text: pair(upstream.firstByteMedianNs, upstream.firstByteP99Ns) }),
      element("td", { class: "n", text: grouped(upstream.resets) })), noRow(8, "No upstream seen so far."));
  }

  const pair = (median, high) => (median === null ? "–" : `${duration(median)} / ${duration(high)}`);

  function showRecent(live) {
    const shown = live.recent.filter((entry) => entry.severity !== "note").slice(0, 12);
    list($("recent"), shown, (entry) => `${entry.time} ${entry.key} ${entry.request}`, (entry) => element("li", {},
      element("time", { datetime: entry.time, text: when(entry.time, live.now) }),
      element("span", { class: "wrap" },
        element("button", { type: "button", class: "cause", text: entry.cause, on: { click: () => choose(entry.key, true) } }),
        element("div", { class: "title", text: [entry.request, entry.upstream].filter(Boolean).join(" → ") })),
      element("span", { class: `pill ${entry.severity}`, text: entry.severity === "nearMiss" ? "hidden" : entry.status === null ? "no answer" : entry.status })), noItem("Nothing yet."));
  }

  function showEvidence(live) {
    const evidence = live.evidence;
    $("record").hidden = !evidence || !evidence.canRecord || live.capture.state !== "capturing";
    set("evidence-sub", evidence ? (evidence.files.length ? `${size(evidence.bytes)} in ${evidence.directory}` : `No file yet in ${evidence.directory}.`) : "The flight recorder is off.");
    list($("evidence"), evidence ? evidence.files.slice(0, 10) : [], (file) => file.name, (file) => evidenceItem(file, live.now), () => "");
  }

  function evidenceItem(file, now) {
    return element("li", {}, element("a", { href: `/evidence/${encodeURIComponent(file.name)}`, download: "", class: "mono", text: file.name }),
      element("div", { class: "sub", text: `${size(file.bytes)}, ${when(file.changed, now)}` }));
  }

  // ---- one finding

  async function choose(key, goes) {
    if (state.chosen === key && !goes) return closeFinding();
    state.opener = document.activeElement;
    state.chosen = key;
    state.place = 0;
    state.detail = "";
    await showDetail();
    if (!$("detail").hidden) {
      $("detail").focus({ preventScroll: true });
      $("detail").scrollIntoView({ block: "start" });
    }
    refresh();
  }

  /// The focus goes back to where it came from, or to the cause in the list.
  async function closeFinding() {
    const [key, opener] = [state.chosen, state.opener];
    state.chosen = null;
    $("detail").hidden = true;
    await refresh();
    const row = [...$("findings-table").tBodies[0].children].find((node) => node.dataset.key === key);
    const target = opener && opener.isConnected && opener !== document.body ? opener : row?.querySelector("button") || $("findings");
    target.focus();
  }

  async function showDetail() {
    const key = state.chosen;
    const answer = await fetch(`/api/v1/finding?key=${encodeURIComponent(key)}`).catch(() => null);
    if (!answer || !answer.ok || state.chosen !== key) return;
    const text = await answer.text();
    // Redrawn only where it changed: the choice of an occurrence must not close under the reader's hand.
    if (text === state.detail) return;
    state.detail = text;
    drawDetail(JSON.parse(text));
  }

  function drawDetail(data) {
    const finding = data.finding;
    const stood = standing();
    state.place = Math.min(state.place, Math.max(0, data.ladders.length - 1));
    const close = element("button", { type: "button", id: "detail-close", text: "Close", on: { click: closeFinding } });
    const head = element("div", { class: "head" }, element("h2", { id: "h-detail", text: finding.title }), close);
    const left = element("div", {}), right = element("div", {});
    const ladderBox = element("div", { class: "block" });
    const frames = element("div", { class: "block" });
    const drawPlace = () => drawOccurrence(data, ladderBox, frames);
    if (data.ladders.length > 1) {
      const select = element("select", { id: "detail-occurrence", on: { change: () => { state.place = select.selectedIndex; drawPlace(); } } },
        ...finding.occurrences.map((occurrence, index) => element("option", { text: `${clock(occurrence.time)} ${data.ladders[index].request || data.ladders[index].connection || "occurrence"}`.slice(0, 90) })));
      select.selectedIndex = state.place;
      left.append(element("p", { class: "block" }, element("label", { for: "detail-occurrence", class: "sub", text: "Occurrence " }), select));
    }
    left.append(ladderBox, frames);
    drawPlace();

    const facts = element("dl", {});
    const fact = (name, value) => { if (value) facts.append(element("dt", { text: name }), element("dd", { text: value })); };
    fact("Cause", finding.cause);
    fact("Proxy-Status", finding.proxyStatus);
    fact("Upstream", finding.upstream || finding.upstreamName);
    fact("Gateway", finding.gateway);
    fact("Pattern", finding.pattern);
    fact("Status", finding.statusMismatch);
    fact("In general", data.general);
    right.append(element("div", { class: "block" }, facts));
    const block = (title, entries) => {
      if (entries.length) right.append(element("div", { class: "block" }, element("h3", { text: title }), element("ul", {}, ...entries)));
    };
    const remedies = finding.remedies.map((remedy) => element("li", {}, element("strong", { text: `${remedy.gateway}: ` }), ...typed(remedy.text)));
    const more = remedies.splice(2);
    block("What to change", remedies);
    if (more.length) right.lastElementChild.append(element("details", {}, element("summary", { text: "on other gateways" }), element("ul", {}, ...more)));
    block("Ruled out", finding.ruledOut.map((item) => element("li", {}, element("strong", { text: `${item.cause}: ` }), item.why)));
    block("Missing", finding.missing.map((text) => element("li", { text })));
    right.append(element("div", { class: "block" }, element("h3", { text: "Evidence" }),
      data.evidence.length ? element("ul", {}, ...data.evidence.map((file) => evidenceItem(file, file.changed)))
        : element("p", { class: "sub", text: "No evidence file of it in the recorder's directory." })));
    if (data.evidence.length) {
      right.append(element("div", { class: "block" }, element("h3", { text: "In the evidence file" }), element("code", { text: `frame.comment contains "${finding.cause}"` }),
        element("p", { class: "sub", text: "is Wireshark's filter for the packets that decide. Frames here are counted as they came." })));
    } else if (finding.displayFilter) {
      right.append(element("div", { class: "block" }, element("h3", { text: "Wireshark" }), element("code", { text: finding.displayFilter.slice(0, 300) })));
    }

    $("detail").replaceChildren(head,
      element("p", { class: "standing", text: `${data.standing}. ${data.extent}.` }),
      data.whatHappened ? element("p", { class: "what" }, ...typed(data.whatHappened)) : "",
      element("div", { class: "grid2" }, left, right));
    $("detail").hidden = false;
    stood();
    reach();
  }

  /// Remembers what of the finding has the focus and what is unfolded, for when it is drawn anew.
  function standing() {
    const name = (node) => node.id || node.getAttribute("href") || node.getAttribute("aria-label") || node.textContent;
    const places = () => [...$("detail").querySelectorAll("a, button, select, summary, [tabindex]")];
    const focused = places().find((node) => node === document.activeElement);
    const open = new Set([...$("detail").querySelectorAll("details[open] > summary")].map(name));
    return () => {
      for (const node of $("detail").querySelectorAll("summary")) if (open.has(name(node))) node.parentElement.open = true;
      if (focused) places().find((node) => name(node) === name(focused))?.focus({ preventScroll: true });
    };
  }

  /// What has to be scrolled sideways can be reached, and so scrolled, by keyboard.
  function reach() {
    for (const node of document.querySelectorAll(".scroll")) {
      const isWide = node.scrollWidth > node.clientWidth + 1;
      if (isWide) node.setAttribute("tabindex", "0");
      else if (node !== document.activeElement) node.removeAttribute("tabindex");
    }
  }

  function drawOccurrence(data, ladderBox, framesBox) {
    const occurrence = data.finding.occurrences[state.place];
    const ladder = data.ladders[state.place];
    if (!occurrence || !ladder) {
      ladderBox.replaceChildren(element("p", { class: "sub", text: "No occurrence is kept." }));
      return;
    }
    const lead = [ladder.request, ladder.outcome, ladder.connection].filter(Boolean).join(", ");
    ladderBox.replaceChildren(element("h3", { text: "What the packets show" }), element("p", { class: "sub", text: lead }),
      element("p", { class: "block", text: occurrence.explanation }), element("div", { class: "scroll", role: "group", "aria-label": "Ladder" }, drawLadder(ladder)));
    framesBox.replaceChildren(element("h3", { text: "Packets" }), element("div", { class: "scroll", role: "group", "aria-label": "Packets" }, element("table", {},
      element("thead", {}, element("tr", {}, element("th", { scope: "col", class: "n", text: "Frame" }), element("th", { scope: "col", class: "t", text: "Time (UTC)" }), element("th", { scope: "col", text: "What it shows" }))),
      element("tbody", {}, ...occurrence.frames.map((frame) => element("tr", {}, element("td", { class: "n", text: frame.number }), element("td", { class: "t", text: frame.time.slice(11, 26) }), element("td", { class: "wrap", text: frame.role })))))));
  }

  function drawLadder(ladder) {
    const names = ladder.hasClient ? ["client", "gateway", "upstream"] : ["gateway", "upstream"];
    const first = 100, gap = 126, row = 34, head = 26;
    const rails = names.map((_, index) => first + index * gap);
    const text = rails[rails.length - 1] + 16;
    const width = text + 330, height = head + ladder.rows.length * row + 12;
    const svg = shape("svg", { class: "ladder", viewBox: `0 0 ${width} ${height}`, role: "img" });
    svg.append(shape("title", {}, `Packets between ${names.join(", ")}: ` + ladder.rows.map((entry) => entry.role).join("; ")));
    names.forEach((name, index) => {
      svg.append(shape("text", { class: "name", x: rails[index], y: 14, "text-anchor": "middle" }, name));
      svg.append(shape("line", { class: "rail", x1: rails[index], x2: rails[index], y1: head - 4, y2: height - 4 }));
    });
    const gateway = ladder.hasClient ? 1 : 0;
    const spans = { toUpstream: [gateway, gateway + 1], fromUpstream: [gateway + 1, gateway], toClient: [gateway, 0], fromClient: [0, gateway] };
    ladder.rows.forEach((entry, index) => {
      const y = head + index * row + row / 2;
      svg.append(shape("text", { class: "when", x: first - 24, y: y + 4, "text-anchor": "end" }, entry.offsetMs ? `${entry.offsetMs} ms` : ""));
      const span = spans[entry.span];
      if (span && span[0] !== span[1]) {
        const from = rails[span[0]], to = rails[span[1]], way = to > from ? 1 : -1;
        svg.append(shape("line", { class: entry.isReset ? "reset" : "arrow", x1: from + way * 3, x2: to - way * 9, y1: y, y2: y }));
        const x = to - way * 3;
        if (entry.isReset) svg.append(shape("path", { class: "reset", d: `M${x - 9 * way - 4} ${y - 5}l8 10m0 -10l-8 10` }));
        else svg.append(shape("path", { class: "tip", d: `M${x} ${y}l${-9 * way} -4.5v9z` }));
      } else {
        svg.append(shape("circle", { class: "beside", cx: (rails[gateway] + rails[gateway + 1]) / 2, cy: y, r: 3 }));
      }
      const whole = entry.frame ? `${entry.frame}  ${entry.role}` : entry.role;
      const lines = folded(whole, 50);
      const label = shape("text", { y: y + (lines.length > 1 ? -3 : 4) });
      lines.forEach((line, number) => label.append(shape("tspan", number ? { x: text + 8, dy: 14 } : { x: text }, line)));
      label.append(shape("title", {}, whole));
      svg.append(label);
    });
    return svg;
  }

  // ---- the loop

  async function refresh() {
    const minutes = state.minutes;
    try {
      const answer = await fetch(`/api/v1/live?minutes=${minutes}`);
      if (!answer.ok) throw new Error(`the service answers ${answer.status}`);
      const live = await answer.json();
      if (minutes !== state.minutes) return;
      state.failures = 0;
      showState(live);
      showTiles(live);
      showChart(live);
      showFindings(live);
      showUpstreams(live);
      showRecent(live);
      showEvidence(live);
      reach();
      set("foot", `gwsniffd ${live.tool.version}, since ${when(live.startedAt, live.now)}; times are UTC; ${when(live.now, live.now)} now`);
      document.title = live.findings.some((finding) => finding.severity === "failure") ? `(${grouped(live.minutes.reduce((sum, minute) => sum + minute.failed, 0))}) gwsniff` : "gwsniff";
      if (state.chosen !== null) await showDetail();
    } catch (error) {
      state.failures += 1;
      $("state").querySelector(".dot").className = "dot bad";
      $("state").querySelector(".text").textContent = "no connection to the service";
    }
  }

  for (const button of document.querySelectorAll(".choice button")) {
    button.addEventListener("click", () => {
      state.minutes = Number(button.dataset.minutes);
      for (const other of document.querySelectorAll(".choice button")) other.setAttribute("aria-pressed", String(other === button));
      delete $("failed").dataset.value;
      refresh();
    });
  }

  $("findings-all").addEventListener("click", () => {
    state.showsAll = !state.showsAll;
    refresh();
  });

  $("upstreams-all").addEventListener("click", () => {
    state.showsAllUpstreams = !state.showsAllUpstreams;
    refresh();
  });

  $("record").addEventListener("click", async () => {
    const token = await (await fetch("/api/v1/token")).text();
    const answer = await fetch("/api/v1/recordings?reason=asked+for+on+the+page", { method: "POST", headers: { "X-Gwsniff-Token": token.trim() } });
    $("record").textContent = answer.ok ? "Recording …" : "Not now";
    setTimeout(() => { $("record").textContent = "Record now"; }, 4000);
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && state.chosen !== null) closeFinding();
  });

  const wanted = decodeURIComponent(location.hash.replace(/^#finding=/, ""));
  (async () => {
    await refresh();
    if (location.hash.startsWith("#finding=")) await choose(wanted, true);
    setInterval(() => { if (!document.hidden) refresh(); }, 2000);
  })();
})();
