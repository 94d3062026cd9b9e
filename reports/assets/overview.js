// The first page.

function overviewPage({ query }) {
  const chosen = subjects.includes(query.get("subject")) ? query.get("subject") : subjects[0];
  return [
    head(
      "Conformance",
      h(
        "p",
        { class: "lead" },
        `Suite ${run.run.suite}, tier ${run.run.tier}`,
        run.run.filter && `, filter ${run.run.filter}`,
        ", seed ",
        h("code", {}, run.run.seed),
        run.wall.started && [
          ", ",
          h("time", { datetime: run.wall.started }, when(run.wall.started)),
        ],
      ),
    ),
    h(
      "section",
      { class: "cards", "aria-label": "Subjects" },
      run.subjects.map(subjectCard),
      run.run.mutants && mutantCard(),
    ),
    attention(),
    progress(chosen),
    neverReached(),
    provenance(),
  ];
}

function when(text) {
  return text.replace("T", " ").replace(/(:\d\d)(\.\d+)?Z$/, "$1 UTC");
}

function subjectCard(subject) {
  const must = tally(
    subject.name,
    run.requirements.filter((req) => req.level === "MUST"),
  );
  const counts = verdictCounts(subject.name);
  return h(
    "article",
    { class: "card" },
    h(
      "header",
      {},
      h("h2", {}, subject.name),
      h("span", { class: "quiet" }, subject.version),
      h("span", { class: "tag" }, `${subject.clock} clock`),
    ),
    h(
      "div",
      { class: "figures" },
      figure(must.tested, `/ ${must.testable}`, "MUST tested"),
      figure(
        must.tested ? percent(must.pass, must.tested) : "–",
        must.tested ? "%" : "",
        "of them pass",
      ),
      figure(must.fail, "", "MUST broken", must.fail > 0 ? "bad" : ""),
    ),
    bar(must),
    h(
      "div",
      { class: "pills", role: "group", "aria-label": `Results of ${subject.name}` },
      VERDICTS.filter((name) => counts.get(name)).map((name) =>
        pill(name, {
          count: counts.get(name),
          href: to(["find"], { in: "cases", subject: subject.name, verdict: name }),
        }),
      ),
    ),
    subject.about && h("p", { class: "quiet" }, subject.about),
  );
}

function figure(big, small, words, kind = "") {
  return h(
    "div",
    { class: `figure ${kind}` },
    h("span", { class: "big" }, big, h("small", {}, small)),
    h("span", { class: "words" }, words),
  );
}

function mutantCard() {
  const all = run.run.mutants.mutants;
  const killed = all.filter((mutant) => mutant.killer).length;
  return h(
    "article",
    { class: "card" },
    h("header", {}, h("h2", {}, "Planted bugs")),
    h(
      "div",
      { class: "figures" },
      figure(percent(killed, all.length), "%", "noticed"),
      figure(killed, `/ ${all.length}`, "bugs"),
    ),
    h(
      "div",
      { class: "dots", "aria-hidden": "true" },
      all.map((mutant) => h("i", { class: mutant.killer ? "on" : "off", title: mutant.name })),
    ),
    h(
      "p",
      { class: "quiet" },
      "The share of deliberately planted bugs that a case notices: it says whether green means anything. ",
      h("a", { href: to(["mutants"]) }, "See each"),
    ),
  );
}

/** What someone should look at first: unexpected trouble, worst first. */
function attention() {
  const bad = run.results.filter((result) => SEVERITY[result.verdict] >= SEVERITY.flaky);
  const fresh = bad.filter((result) => !isKnown(result));
  fresh.sort((a, b) => SEVERITY[b.verdict] - SEVERITY[a.verdict]);
  const known = bad.length - fresh.length;
  if (bad.length === 0) {
    return h(
      "section",
      {},
      h("h2", {}, "Needs attention"),
      h(
        "p",
        { class: "calm" },
        h("span", { class: "glyph", "aria-hidden": "true" }, "✓"),
        "Nothing failed, and every case proved something.",
      ),
    );
  }
  const all = to(["find"], { in: "cases", verdict: "fail,harness,inconclusive,flaky" });
  return h(
    "section",
    {},
    h("h2", {}, "Needs attention"),
    fresh.length > 0
      ? h("ul", { class: "results" }, fresh.slice(0, 6).map(resultRow))
      : h("p", { class: "calm" }, "Only deviations that the baseline knows."),
    h(
      "p",
      { class: "quiet" },
      known > 0 && `${known} more ${known === 1 ? "is" : "are"} known to the baseline. `,
      h("a", { href: all }, `All ${bad.length}`),
    ),
  );
}

function resultRow(result) {
  return h(
    "li",
    {},
    h(
      "a",
      { class: "result", href: caseLink(result.case, result.variant, result.subject) },
      pill(result.verdict),
      h(
        "span",
        { class: "result-name" },
        h(
          "span",
          { class: "id" },
          result.case,
          result.variant && h("span", { class: "variant" }, `[${result.variant}]`),
        ),
        result.reason &&
          h(
            "span",
            { class: "quiet" },
            isKnown(result) ? `known: ${result.known.reason}` : result.reason,
          ),
      ),
      h("span", { class: "who" }, result.subject),
    ),
  );
}

function progress(subject) {
  const layers = group(run.specs, (spec) => spec.layer);
  const levels = LEVELS.filter((name) => run.requirements.some((req) => req.level === name));
  const rows = [];
  for (const [layer, specs] of layers) {
    const docs = new Set(specs.map((spec) => spec.doc));
    rows.push(
      progressRow(
        h("span", { class: "layer" }, layer),
        subject,
        run.requirements.filter((req) => docs.has(req.spec)),
        levels,
        "layer-row",
      ),
    );
    for (const spec of specs) {
      const name = h(
        "a",
        { href: to([spec.doc]) },
        h("b", {}, label(spec.doc)),
        " ",
        h("span", { class: "quiet" }, spec.short),
      );
      rows.push(progressRow(name, subject, reqsBySpec.get(spec.doc) || [], levels));
    }
  }
  return h(
    "section",
    {},
    h(
      "div",
      { class: "row" },
      h("h2", {}, "Progress"),
      subjects.length > 1 &&
        choices(
          "Subject",
          subjects.map((name) => ({
            text: name,
            href: to([], { subject: name }),
            on: name === subject,
          })),
        ),
    ),
    h(
      "div",
      { class: "scroll" },
      h(
        "table",
        { class: "progress" },
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            h("th", { scope: "col" }, "Layer and specification"),
            levels.map((name) => h("th", { scope: "col" }, level(name))),
          ),
        ),
        h("tbody", {}, rows),
      ),
    ),
    h(
      "p",
      { class: "quiet" },
      "Tested of testable. Only executed assertions count; requirements with a lasting reason for no test do not.",
    ),
  );
}

function progressRow(name, subject, reqs, levels, kind) {
  return h(
    "tr",
    { class: kind },
    h("th", { scope: "row" }, name),
    levels.map((of) => {
      const count = tally(
        subject,
        reqs.filter((req) => req.level === of),
      );
      if (count.testable === 0)
        return h("td", { class: "none" }, h("span", { class: "unseen" }, "none"));
      return h(
        "td",
        { "data-level": of },
        h(
          "span",
          { class: "cell" },
          h("span", { class: "nums" }, h("b", {}, count.tested), `/${count.testable}`),
          count.fail > 0 && pill("fail", { short: true, count: count.fail }),
          count.note > 0 && pill("note", { short: true, count: count.note }),
        ),
        bar(count),
      );
    }),
  );
}

function neverReached() {
  const seen = new Map();
  for (const result of run.results) {
    for (const [state, reached] of Object.entries(result.sometimes || {})) {
      const key = JSON.stringify([result.case, state]);
      seen.set(key, seen.get(key) || reached);
    }
  }
  const never = [...seen].filter(([, reached]) => !reached).map(([key]) => JSON.parse(key));
  if (never.length === 0) return undefined;
  return h(
    "section",
    {},
    h("h2", {}, "Never reached"),
    h(
      "p",
      { class: "quiet" },
      "States that a case hopes to see at least once, and that no variant saw.",
    ),
    h(
      "ul",
      { class: "plain-list" },
      never
        .slice(0, 40)
        .map(([id, state]) =>
          h("li", {}, h("a", { class: "id", href: caseLink(id) }, id), " ", state),
        ),
      never.length > 40 && h("li", { class: "quiet" }, `and ${never.length - 40} more`),
    ),
  );
}

function provenance() {
  const rows = [
    ["Again", copyable(run.run.command)],
    ["Host", run.wall.host],
    ["Real time", micros(run.wall.total_us)],
    ["Results", `${run.results.length} of ${run.cases.length} cases`],
    [
      "Registry",
      Object.entries(run.run.registry).map(([doc, version]) =>
        h("span", { class: "version" }, label(doc), " ", h("code", {}, version)),
      ),
    ],
    ...run.subjects.map((subject) => [subject.name, capabilities(subject)]),
  ];
  return h(
    "section",
    {},
    h("h2", {}, "This run"),
    h(
      "dl",
      { class: "facts-list" },
      rows.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
    ),
  );
}

function capabilities(subject) {
  const entries = Object.entries(subject.capabilities);
  if (entries.length === 0) return "declares no capabilities";
  const glyph = { yes: "✓", no: "–", unknown: "?" };
  return h(
    "ul",
    { class: "caps" },
    entries.map(([name, has]) =>
      h(
        "li",
        { class: `cap-${has}`, title: `${name}: ${has}` },
        h("span", { "aria-hidden": "true" }, glyph[has]),
        ` ${name}`,
        h("span", { class: "unseen" }, `: ${has}`),
      ),
    ),
  );
}
