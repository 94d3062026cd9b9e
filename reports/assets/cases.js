// The page of one case.

function casePage({ parts, query }) {
  const one = caseById.get(parts[1]);
  if (!one) return missingPage(`the case ${parts[1]}`);
  const results = resultsByCase.get(one.id) || [];
  const bySubject = subjects.filter((name) => results.some((result) => result.subject === name));
  const fits = (result) =>
    (!query.has("variant") || (result.variant || "") === query.get("variant")) &&
    (!query.has("subject") || result.subject === query.get("subject"));
  const matching = results.filter(fits);
  const chosen =
    matching.length > 0 ? worst(matching) : results.length > 0 ? worst(results) : undefined;
  const page = [
    crumbs(["Overview", "#/"], ["Cases", to(["find"], { in: "cases" })], [one.id]),
    head(
      one.title,
      h(
        "p",
        { class: "lead" },
        h("span", { class: "id" }, one.id),
        ` Layer ${one.layer}, tier ${one.tier}.`,
      ),
      one.no_reference &&
        h("p", { class: "why" }, h("b", {}, "No independent reference"), `: ${one.no_reference}`),
    ),
    claims(one),
    h(
      "section",
      {},
      h("h2", {}, "Results"),
      results.length > 0
        ? variantTable(one, results, bySubject, chosen)
        : h("p", {}, "It has no result in this run."),
    ),
    chosen && detail(chosen),
  ];
  return { page, title: one.id, goal: query.has("subject") ? "detail" : undefined };
}

function claims(one) {
  if (one.requirements.length === 0) return undefined;
  const row = (id) => {
    const req = reqById.get(id);
    return h(
      "li",
      {},
      level(req.level),
      h("span", {}, h("a", { href: reqLink(req) }, place(req)), " ", req.says),
    );
  };
  const list = h("ul", { class: "claims" }, one.requirements.map(row));
  return h("section", {}, h("h2", {}, "What it asserts"), list);
}

function variantTable(one, results, names, chosen) {
  const byVariant = group(results, (result) => result.variant || "");
  const trouble = (list) => Math.max(SEVERITY.missing, SEVERITY[worst(list).verdict]);
  const rows = [...byVariant].sort(
    ([a, left], [b, right]) =>
      trouble(right) - trouble(left) || a.localeCompare(b, "en", { numeric: true }),
  );
  const cell = (result) =>
    result &&
    h(
      "a",
      {
        class: "verdict-link",
        href: caseLink(one.id, result.variant || "", result.subject),
        "aria-current": result === chosen ? "true" : undefined,
      },
      pill(result.verdict),
      isKnown(result) && h("span", { class: "known" }, "known"),
    );
  return h(
    "div",
    {
      class: "scroll variants-box",
      tabindex: rows.length > 8 ? "0" : undefined,
      role: "region",
      "aria-label": "Results by variant",
    },
    h(
      "table",
      { class: "variants" },
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          h("th", { scope: "col" }, "Variant"),
          names.map((name) => h("th", { scope: "col" }, name)),
        ),
      ),
      h(
        "tbody",
        {},
        rows.map(([variant, list]) =>
          h(
            "tr",
            {},
            h("th", { scope: "row" }, h("code", {}, variant || "the only one")),
            names.map((name) => h("td", {}, cell(list.find((result) => result.subject === name)))),
          ),
        ),
      ),
    ),
  );
}

function detail(result) {
  const duration = durations.get(`${result.subject}/${nameOf(result)}`);
  const facts = [
    ["Simulated time", seconds(result.virtual_ns)],
    duration !== undefined && ["Real time", micros(duration)],
    ["Seed", h("code", {}, result.seed)],
    result.trace && ["Trace", h("code", {}, result.trace)],
  ].filter(Boolean);
  return h(
    "section",
    {
      class: `detail edge-${result.verdict}`,
      id: "detail",
      tabindex: "-1",
      "aria-labelledby": "detail-head",
    },
    h(
      "header",
      {},
      pill(result.verdict),
      h(
        "h2",
        { id: "detail-head" },
        result.subject,
        result.variant && h("code", {}, result.variant),
      ),
    ),
    result.reason && h("p", { class: "reason" }, result.reason),
    result.known &&
      h(
        "p",
        { class: "why" },
        h(
          "b",
          {},
          isKnown(result)
            ? "Known to the baseline"
            : `The baseline expects ${result.known.verdict}`,
        ),
        `: ${result.known.reason}`,
        result.known.issue && ` (${result.known.issue})`,
      ),
    h("h3", {}, "Play it again"),
    copyable(result.replay),
    h("h3", {}, "Assertions"),
    assertions(result),
    sometimes(result),
    ladderPart(result),
    capturePart(result),
    h(
      "dl",
      { class: "facts-row" },
      facts.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
    ),
  );
}

function assertions(result) {
  if (result.assertions.length === 0) return h("p", { class: "quiet" }, "None was executed.");
  const sorted = [...result.assertions].sort((a, b) => a.held - b.held);
  return h(
    "ol",
    { class: "assertions" },
    sorted.map((assertion) => {
      const req = reqById.get(assertion.requirement);
      const binding = assertion.level === "MUST" || assertion.level === "IMPLICIT";
      const state = assertion.held ? "pass" : binding ? "fail" : "note";
      return h(
        "li",
        { class: `edge-${state}` },
        h(
          "div",
          { class: "assertion-head" },
          pill(state, { short: true }),
          level(assertion.level),
          h("a", { class: "id", href: reqLink(req) }, assertion.requirement),
          h("span", { class: "quiet" }, place(req)),
          h("span", { class: "quiet at" }, seconds(assertion.at_ns)),
        ),
        h(
          "dl",
          { class: "wanted" },
          h("dt", {}, "wanted"),
          h("dd", {}, assertion.wanted),
          h("dt", {}, "got"),
          h("dd", { class: assertion.held ? "" : "broken" }, assertion.got),
        ),
      );
    }),
  );
}

function sometimes(result) {
  const states = Object.entries(result.sometimes || {});
  if (states.length === 0) return undefined;
  return [
    h("h3", {}, "Hoped to see"),
    h(
      "ul",
      { class: "plain-list" },
      states.map(([state, reached]) =>
        h(
          "li",
          {},
          reached ? "✓ " : "○ ",
          state,
          h("span", { class: "quiet" }, reached ? " (seen)" : " (not in this variant)"),
        ),
      ),
    ),
  ];
}

function ladderPart(result) {
  if (!result.ladder) return undefined;
  const drawing = drawLadder(result.ladder);
  const text = h(
    "pre",
    { class: "ladder-text", tabindex: "0" },
    result.ladder
      .trimEnd()
      .split("\n")
      .map((line) => [h("span", { class: /^\s*!/.test(line) ? "marked" : "" }, line), "\n"]),
  );
  return [
    h("h3", {}, "Ladder"),
    drawing,
    h("details", { open: !drawing, class: "as-text" }, h("summary", {}, "As text"), text),
  ];
}

/** A path is a link only if it leads to a file below the report. */
function capturePart(result) {
  const capture = result.capture;
  if (!capture) return undefined;
  if (capture.embedded && /^[A-Za-z0-9+/]*={0,2}$/.test(capture.embedded.base64)) {
    const size = Math.floor((capture.embedded.base64.length * 3) / 4);
    const href = `data:application/octet-stream;base64,${capture.embedded.base64}`;
    return [
      h("h3", {}, "Capture"),
      h(
        "p",
        {},
        h(
          "a",
          { class: "button", href, download: capture.embedded.name },
          `Download ${capture.embedded.name}`,
        ),
        " ",
        h("span", { class: "quiet" }, `${size} bytes, for Wireshark`),
      ),
    ];
  }
  const path = capture.path || "";
  const safe =
    /^[\w\-.[\]=,+@ ()/]+$/.test(path) && !path.startsWith("/") && !path.split("/").includes("..");
  const link = safe
    ? h(
        "a",
        {
          class: "button",
          href: path.split("/").map(encodeURIComponent).join("/"),
          download: true,
        },
        path,
      )
    : h("code", {}, path);
  return [
    h("h3", {}, "Capture"),
    h("p", {}, link, " ", h("span", { class: "quiet" }, "beside run.json")),
  ];
}
