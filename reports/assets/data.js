// The run, and indexes over it.

const run = JSON.parse(document.getElementById("run").textContent);

const STATUS = {
  pass: { glyph: "✓", word: "pass", says: "asserted, and held every time" },
  note: { glyph: "≈", word: "note", says: "a SHOULD or MAY from which the subject deviates" },
  fail: { glyph: "✗", word: "fail", says: "a binding requirement was broken" },
  missing: { glyph: "∅", word: "missing", says: "a mandatory capability is declared absent" },
  unsupported: {
    glyph: "–",
    word: "unsupported",
    says: "an optional capability is declared absent",
  },
  unproven: { glyph: "?", word: "unproven", says: "cases proved nothing either way" },
  untested: {
    glyph: "○",
    word: "not tested",
    says: "testable, but no assertion has been executed",
  },
  exempt: { glyph: "·", word: "no test", says: "there is a lasting reason for no test" },
  skipped: { glyph: "↷", word: "skipped", says: "the environment lacks something" },
  inconclusive: { glyph: "?", word: "inconclusive", says: "a precondition was not reached" },
  flaky: { glyph: "~", word: "flaky", says: "repetitions on a real clock disagreed" },
  harness: { glyph: "‼", word: "harness", says: "the suite itself went wrong" },
};
const STANDINGS = [
  "fail",
  "note",
  "pass",
  "missing",
  "unsupported",
  "unproven",
  "untested",
  "exempt",
];
const VERDICTS = [
  "fail",
  "harness",
  "inconclusive",
  "flaky",
  "missing",
  "note",
  "skipped",
  "unsupported",
  "pass",
];
const LEVELS = ["MUST", "SHOULD", "MAY", "IMPLICIT"];
const SEVERITY = {
  pass: 0,
  unsupported: 1,
  skipped: 2,
  note: 3,
  missing: 4,
  flaky: 5,
  inconclusive: 6,
  fail: 7,
  harness: 8,
};

const subjects = run.subjects.map((subject) => subject.name);
const reqById = new Map(run.requirements.map((req) => [req.id, req]));
const caseById = new Map(run.cases.map((one) => [one.id, one]));
const specByDoc = new Map(run.specs.map((spec) => [spec.doc, spec]));
const reqsBySpec = group(run.requirements, (req) => req.spec);
const resultsByCase = group(run.results, (result) => result.case);
const casesByReq = new Map();
const rollup = new Map(
  Object.entries(run.rollup).map(([name, reqs]) => [name, new Map(Object.entries(reqs))]),
);
const durations = new Map(Object.entries(run.wall.durations_us));

for (const one of run.cases) for (const id of one.requirements) claim(id, one.id);
for (const result of run.results)
  for (const assertion of result.assertions) claim(assertion.requirement, result.case);

function claim(id, of) {
  if (!casesByReq.has(id)) casesByReq.set(id, new Set());
  casesByReq.get(id).add(of);
}

function group(items, key) {
  const groups = new Map();
  for (const item of items) {
    const name = key(item);
    if (!groups.has(name)) groups.set(name, []);
    groups.get(name).push(item);
  }
  return groups;
}

function label(doc) {
  return /^rfc\d+$/.test(doc) ? `RFC ${doc.slice(3)}` : doc;
}

function place(req) {
  return `${label(req.spec)} §${req.section}`;
}

function testable(req) {
  return req.test !== "none" || req.why === "later";
}

/** What a subject's results say about a requirement, or why there are none. */
function status(subject, req) {
  const entry = rollup.get(subject)?.get(req.id);
  if (entry) return entry.standing;
  return testable(req) ? "untested" : "exempt";
}

/** How many requirements have each status, and the sums that the report speaks of. */
function tally(subject, reqs) {
  const count = Object.fromEntries(STANDINGS.map((name) => [name, 0]));
  for (const req of reqs) count[status(subject, req)] += 1;
  const tested = count.pass + count.note + count.fail;
  return { ...count, all: reqs.length, tested, testable: reqs.length - count.exempt };
}

function percent(part, whole) {
  return whole === 0 ? 100 : Math.floor((part * 100) / whole);
}

/** The sections of a specification that state something, in document order. */
function sections(doc) {
  const bySection = group(reqsBySpec.get(doc) || [], (req) => req.section);
  const listed = specByDoc.get(doc).sections.filter((section) => bySection.has(section.number));
  const known = new Set(listed.map((section) => section.number));
  const rest = [...bySection.keys()].filter((number) => !known.has(number));
  rest.sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  return [...listed, ...rest.map((number) => ({ number, title: "" }))].map((section) => ({
    number: section.number,
    title: section.title || "",
    reqs: bySection.get(section.number),
  }));
}

function nameOf(result) {
  return result.variant ? `${result.case}[${result.variant}]` : result.case;
}

function isKnown(result) {
  return Boolean(result.known && result.known.verdict === result.verdict);
}

function verdictCounts(subject) {
  const counts = new Map();
  for (const result of run.results) {
    if (result.subject === subject)
      counts.set(result.verdict, (counts.get(result.verdict) || 0) + 1);
  }
  return counts;
}

function worst(results) {
  return results.reduce((bad, result) =>
    SEVERITY[result.verdict] > SEVERITY[bad.verdict] ? result : bad,
  );
}

/** Nanoseconds as seconds with as many digits as they need. */
function seconds(nanos) {
  return `${(nanos / 1e9).toFixed(nanos % 1000 ? 9 : nanos % 1e6 ? 6 : 3)} s`;
}

function micros(value) {
  if (value < 1e3) return `${value} µs`;
  if (value < 1e6) return `${(value / 1e3).toFixed(1)} ms`;
  return `${(value / 1e6).toFixed(1)} s`;
}
