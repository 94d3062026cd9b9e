// The first page, the matrix and the planted bugs.

function overviewPage({ query }) {
  const chosen = subjects.includes(query.get("subject")) ? query.get("subject") : subjects[0];
  return [
    head("Conformance", h("p", { class: "lead" }, `Suite ${run.run.suite}, tier ${run.run.tier}`, run.run.filter && `, filter ${run.run.filter}`,
      ", seed ", h("code", {}, run.run.seed), run.wall.started && [", ", h("time", { datetime: run.wall.started }, when(run.wall.started))])),
    h("section", { class: "cards", "aria-label": "Subjects" }, run.subjects.map(subjectCard), run.run.mutants && mutantCard()),
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
  const must = tally(subject.name, run.requirements.filter((req) => req.level === "MUST"));
  const counts = verdictCounts(subject.name);
  return h("article", { class: "card" },
    h("header", {}, h("h2", {}, subject.name), h("span", { class: "quiet" }, subject.version), h("span", { class: "tag" }, `${subject.clock} clock`)),
    h("div", { class: "figures" },
      figure(must.tested, `/ ${must.testable}`, "MUST tested"),
      figure(must.tested ? percent(must.pass, must.tested) : "–", must.tested ? "%" : "", "of them pass"),
      figure(must.fail, "", "MUST broken", must.fail > 0 ? "bad" : "")),
    bar(must),
    h("div", { class: "pills", role: "group", "aria-label": `Results of ${subject.name}` }, VERDICTS.filter((name) => counts.get(name))
      .map((name) => pill(name, { count: counts.get(name), href: to(["find"], { in: "cases", subject: subject.name, verdict: name }) }))),
    subject.about && h("p", { class: "quiet" }, subject.about));
}

function figure(big, small, words, kind = "") {
  return h("div", { class: `figure ${kind}` }, h("span", { class: "big" }, big, h("small", {}, small)), h("span", { class: "words" }, words));
}

function mutantCard() {
  const all = run.run.mutants.mutants;
  const killed = all.filter((mutant) => mutant.killer).length;
  return h("article", { class: "card" },
    h("header", {}, h("h2", {}, "Planted bugs")),
    h("div", { class: "figures" }, figure(percent(killed, all.length), "%", "noticed"), figure(killed, `/ ${all.length}`, "bugs")),
    h("div", { class: "dots", "aria-hidden": "true" }, all.map((mutant) => h("i", { class: mutant.killer ? "on" : "off", title: mutant.name }))),
    h("p", { class: "quiet" }, "The share of deliberately planted bugs that a case notices: it says whether green means anything. ", h("a", { href: to(["mutants"]) }, "See each")));
}

/** What someone should look at first: unexpected trouble, worst first. */
function attention() {
  const bad = run.results.filter((result) => SEVERITY[result.verdict] >= SEVERITY.flaky);
  const fresh = bad.filter((result) => !isKnown(result));
  fresh.sort((a, b) => SEVERITY[b.verdict] - SEVERITY[a.verdict]);
  const known = bad.length - fresh.length;
  if (bad.length === 0) {
    return h("section", {}, h("h2", {}, "Needs attention"), h("p", { class: "calm" }, h("span", { class: "glyph", "aria-hidden": "true" }, "✓"), "Nothing failed, and every case proved something."));
  }
  const all = to(["find"], { in: "cases", verdict: "fail,harness,inconclusive,flaky" });
  return h("section", {}, h("h2", {}, "Needs attention"),
    fresh.length > 0 ? h("ul", { class: "results" }, fresh.slice(0, 6).map(resultRow)) : h("p", { class: "calm" }, "Only deviations that the baseline knows."),
    h("p", { class: "quiet" }, known > 0 && `${known} more ${known === 1 ? "is" : "are"} known to the baseline. `, h("a", { href: all }, `All ${bad.length}`)));
}

function resultRow(result) {
  return h("li", {}, h("a", { class: "result", href: caseLink(result.case, result.variant, result.subject) },
    pill(result.verdict),
    h("span", { class: "result-name" }, h("span", { class: "id" }, result.case, result.variant && h("span", { class: "variant" }, `[${result.variant}]`)),
      result.reason && h("span", { class: "quiet" }, isKnown(result) ? `known: ${result.known.reason}` : result.reason)),
    h("span", { class: "who" }, result.subject)));
}

function progress(subject) {
  const layers = group(run.specs, (spec) => spec.layer);
  const levels = LEVELS.filter((name) => run.requirements.some((req) => req.level === name));
  const rows = [];
  for (const [layer, specs] of layers) {
    const docs = new Set(specs.map((spec) => spec.doc));
    rows.push(progressRow(h("span", { class: "layer" }, layer), subject, run.requirements.filter((req) => docs.has(req.spec)), levels, "layer-row"));
    for (const spec of specs) {
      const name = h("a", { href: to([spec.doc]) }, h("b", {}, label(spec.doc)), " ", h("span", { class: "quiet" }, spec.short));
      rows.push(progressRow(name, subject, reqsBySpec.get(spec.doc) || [], levels));
    }
  }
  return h("section", {},
    h("div", { class: "row" }, h("h2", {}, "Progress"), subjects.length > 1 && choices("Subject", subjects.map((name) => ({ text: name, href: to([], { subject: name }), on: name === subject })))),
    h("div", { class: "scroll" }, h("table", { class: "progress" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Layer and specification"), levels.map((name) => h("th", { scope: "col" }, level(name))))),
      h("tbody", {}, rows))),
    h("p", { class: "quiet" }, "Tested of testable. Only executed assertions count; requirements with a lasting reason for no test do not."));
}

function progressRow(name, subject, reqs, levels, kind) {
  return h("tr", { class: kind }, h("th", { scope: "row" }, name), levels.map((of) => {
    const count = tally(subject, reqs.filter((req) => req.level === of));
    if (count.testable === 0) return h("td", { class: "none" }, h("span", { class: "unseen" }, "none"));
    return h("td", { "data-level": of }, h("span", { class: "cell" }, h("span", { class: "nums" }, h("b", {}, count.tested), `/${count.testable}`),
      count.fail > 0 && pill("fail", { short: true, count: count.fail }), count.note > 0 && pill("note", { short: true, count: count.note })), bar(count));
  }));
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
  return h("section", {}, h("h2", {}, "Never reached"), h("p", { class: "quiet" }, "States that a case hopes to see at least once, and that no variant saw."),
    h("ul", { class: "plain-list" }, never.slice(0, 40).map(([id, state]) => h("li", {}, h("a", { class: "id", href: caseLink(id) }, id), " ", state)),
      never.length > 40 && h("li", { class: "quiet" }, `and ${never.length - 40} more`)));
}

function provenance() {
  const rows = [
    ["Again", copyable(run.run.command)],
    ["Host", run.wall.host],
    ["Real time", micros(run.wall.total_us)],
    ["Results", `${run.results.length} of ${run.cases.length} cases`],
    ["Registry", Object.entries(run.run.registry).map(([doc, version]) => h("span", { class: "version" }, label(doc), " ", h("code", {}, version)))],
    ...run.subjects.map((subject) => [subject.name, capabilities(subject)]),
  ];
  return h("section", {}, h("h2", {}, "This run"), h("dl", { class: "facts-list" }, rows.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)))));
}

function capabilities(subject) {
  const entries = Object.entries(subject.capabilities);
  if (entries.length === 0) return "declares no capabilities";
  const glyph = { yes: "✓", no: "–", unknown: "?" };
  return h("ul", { class: "caps" }, entries.map(([name, has]) => h("li", { class: `cap-${has}`, title: `${name}: ${has}` }, h("span", { "aria-hidden": "true" }, glyph[has]), ` ${name}`, h("span", { class: "unseen" }, `: ${has}`))));
}

function mutantsPage() {
  const all = run.run.mutants ? run.run.mutants.mutants : [];
  const killed = all.filter((mutant) => mutant.killer).length;
  const sorted = [...all].sort((a, b) => Boolean(a.killer) - Boolean(b.killer));
  const row = (mutant) => {
    const req = reqById.get(mutant.breaks);
    return h("article", { class: "req" },
      h("div", { class: "req-level" }, pill(mutant.killer ? "pass" : "fail", { short: true })),
      h("div", { class: "req-body" }, h("p", { class: "says" }, mutant.says),
        h("p", { class: "facts" }, h("span", { class: "id" }, mutant.name), "breaks", req ? h("a", { class: "id", href: reqLink(req) }, mutant.breaks) : h("span", { class: "id" }, mutant.breaks), req && h("span", {}, place(req))),
        mutant.killer && h("p", { class: "cases" }, "Noticed by ", h("a", { href: caseLink(mutant.killer.case, mutant.killer.variant) }, mutant.killer.variant ? `${mutant.killer.case}[${mutant.killer.variant}]` : mutant.killer.case))),
      h("div", { class: "req-states" }, h("div", {}, h("span", { class: mutant.killer ? "ok" : "bad" }, mutant.killer ? "noticed" : "survives"))));
  };
  return [head("Planted bugs", h("p", { class: "lead" }, all.length ? `The suite notices ${killed} of ${all.length} (${percent(killed, all.length)} %).` : "This run planted none.")),
    h("div", { class: "reqs" }, sorted.map(row))];
}

/** With more specifications than this the matrix opens with their sections folded. */
const MATRIX_OPEN = 8;
const opened = new Set();

function toggle(spec, body) {
  const button = h("button", { type: "button", class: "toggle", "aria-expanded": body.hidden ? "false" : "true", "aria-label": `Sections of ${label(spec.doc)}` });
  button.addEventListener("click", () => {
    body.hidden = !body.hidden;
    button.setAttribute("aria-expanded", body.hidden ? "false" : "true");
    if (body.hidden) opened.delete(spec.doc);
    else opened.add(spec.doc);
  });
  return button;
}

function matrixPage({ query }) {
  const of = LEVELS.includes(query.get("level")) ? query.get("level") : "";
  const keep = (req) => !of || req.level === of;
  const bodies = run.specs.map((spec) => {
    const rows = sections(spec.doc).map((section) => ({ ...section, reqs: section.reqs.filter(keep) })).filter((section) => section.reqs.length > 0);
    const all = rows.flatMap((section) => section.reqs);
    if (all.length === 0) return undefined;
    const body = h("tbody", { hidden: run.specs.length > MATRIX_OPEN && !opened.has(spec.doc) }, rows.map((section) => h("tr", {}, h("th", { scope: "row" }, h("a", { href: to([spec.doc, section.number]) }, h("span", { class: "number" }, section.number), " ", section.title)),
      subjects.map((name) => matrixCell(name, section.reqs, to([spec.doc, section.number]))))));
    return [h("tbody", {}, h("tr", { class: "layer-row" },
      h("th", { scope: "rowgroup" }, h("div", {}, toggle(spec, body), h("a", { href: to([spec.doc]) }, h("b", {}, label(spec.doc)), " ", h("span", { class: "quiet" }, spec.title)))),
      subjects.map((name) => matrixCell(name, all, to([spec.doc]))))), body];
  });
  return [head("Matrix", h("p", { class: "lead" }, "Requirements that hold, of those that are testable, per section and subject.")),
    choices("Level", ["", ...LEVELS].map((name) => ({ text: name || "All levels", href: to(["matrix"], { level: name }), on: name === of }))),
    h("div", { class: "matrix-box" }, h("table", { class: "matrix" }, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Section"), run.subjects.map((subject) => h("th", { scope: "col" }, subject.name, h("small", {}, subject.version))))), bodies))];
}

function matrixCell(subject, reqs, href) {
  const count = tally(subject, reqs);
  if (count.testable === 0) return h("td", {}, h("a", { class: "cell-link is-exempt", href, title: "no test, with a reason" }, h("span", { "aria-hidden": "true" }, "·"), h("span", { class: "unseen" }, "no test, with reasons")));
  const kind = ["fail", "unproven", "missing", "note"].find((name) => count[name] > 0) || (count.tested === 0 ? (count.unsupported > 0 ? "unsupported" : "untested") : count.tested < count.testable ? "part" : "pass");
  const { glyph } = STATUS[kind === "part" ? "pass" : kind];
  const words = STANDINGS.filter((name) => count[name] > 0).map((name) => `${count[name]} ${STATUS[name].word}`).join(", ");
  return h("td", {}, h("a", { class: `cell-link is-${kind}`, href, title: words }, h("span", { class: "glyph", "aria-hidden": "true" }, glyph), h("b", {}, count.pass + count.note), h("span", { class: "of" }, `/${count.testable}`), h("span", { class: "unseen" }, ` hold: ${words}`)));
}
