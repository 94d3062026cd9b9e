// Pieces that several pages share.

/** A verdict or standing: a glyph, a colour and a word. */
function pill(name, options = {}) {
  const { glyph, word, says } = STATUS[name];
  const text = options.short ? h("span", { class: "unseen" }, word) : h("span", {}, word);
  return h(
    options.href ? "a" : "span",
    { class: `pill is-${name}${options.short ? " short" : ""}`, href: options.href, title: says },
    h("span", { class: "glyph", "aria-hidden": "true" }, glyph),
    text,
    options.count !== undefined && h("b", {}, options.count),
  );
}

/** The title of a section, or how much it states if the registry does not have the title. */
function sectionTitle(section) {
  if (section.title) return section.title;
  const count = section.reqs.length;
  return h("span", { class: "quiet" }, `${count} ${count === 1 ? "requirement" : "requirements"}`);
}

function level(name) {
  return h("span", { class: `level level-${name}` }, name);
}

/** Shares as a bar. Words carry the same: the bar is hidden from those who do not see it. */
function bar(count) {
  const shown = ["pass", "note", "fail", "missing", "unproven", "unsupported", "untested"];
  const parts = shown
    .filter((name) => count[name] > 0)
    .map((name) =>
      h("i", {
        class: `is-${name}`,
        style: { "flex-grow": count[name] },
        title: `${count[name]} ${STATUS[name].word}`,
      }),
    );
  return h("span", { class: "bar", "aria-hidden": "true" }, parts);
}

function reqLink(req) {
  return to([req.spec, req.section, req.id]);
}

function caseLink(id, variant, subject) {
  return to(["case", id], { variant, subject });
}

function head(title, ...below) {
  return h("div", { class: "head" }, h("h1", { tabindex: "-1" }, title), below);
}

function crumbs(...links) {
  const items = links.map(([text, href]) =>
    h("li", {}, href ? h("a", { href }, text) : h("span", { "aria-current": "page" }, text)),
  );
  return h("nav", { class: "crumbs", "aria-label": "Where this is" }, h("ol", {}, items));
}

/** One choice of several, as a row of links. */
function choices(name, items) {
  return h(
    "div",
    { class: "choices", role: "group", "aria-label": name },
    items.map(({ text, href, on }) =>
      h("a", { href, "aria-current": on ? "true" : undefined }, text),
    ),
  );
}

function legend(names) {
  return h(
    "ul",
    { class: "legend" },
    names.map((name) => h("li", {}, pill(name), h("span", {}, STATUS[name].says))),
  );
}

/** A requirement in full: level, words, state per subject, cases or the reason for none. */
function reqCard(req, options = {}) {
  const cases = [...(casesByReq.get(req.id) || [])].sort();
  const facts = [req.actor, req.side, req.test === "none" ? undefined : `test: ${req.test}`].filter(
    Boolean,
  );
  return h(
    "article",
    {
      class: "req",
      id: options.anchor ? `req-${req.id}` : undefined,
      tabindex: options.anchor ? "-1" : undefined,
    },
    h("div", { class: "req-level" }, level(req.level)),
    h(
      "div",
      { class: "req-body" },
      h("p", { class: "says" }, req.says),
      h(
        "p",
        { class: "facts" },
        h("a", { class: "id", href: reqLink(req) }, req.id),
        options.place && h("a", { href: to([req.spec, req.section]) }, place(req)),
        facts.map((fact) => h("span", {}, fact)),
      ),
      noTest(req),
      cases.length > 0 && caseList(cases),
      req.seen && h("p", { class: "seen" }, "Seen going wrong: ", req.seen.join(", ")),
    ),
    h(
      "div",
      { class: "req-states" },
      testable(req) || subjects.some((name) => status(name, req) !== "exempt")
        ? subjects.map((name) =>
            h("div", {}, h("span", { class: "who" }, name), pill(status(name, req))),
          )
        : h("div", {}, pill("exempt")),
    ),
  );
}

const CASES_SHOWN = 6;

function caseList(cases) {
  const link = (id) => h("a", { href: caseLink(id) }, id);
  const rest = cases.slice(CASES_SHOWN);
  return h(
    "p",
    { class: "cases" },
    h("span", { class: "unseen" }, "Cases: "),
    cases.slice(0, CASES_SHOWN).map(link),
    rest.length > 0 && h("details", {}, h("summary", {}, `${rest.length} more`), rest.map(link)),
  );
}

const WHY = {
  document: "it binds the authors of documents",
  iana: "it binds IANA",
  operator: "it binds whoever operates the software",
  human: "it takes a person to judge",
  unobservable: "nothing outside the implementation shows it",
  "out-of-scope": "Peerlab does not do this",
  overridden: "a later document or practice overrides it",
  later: "it will be tested later",
};

function noTest(req) {
  if (!req.why) return undefined;
  const by = req.by ? ` (${req.by})` : "";
  return h(
    "p",
    { class: `why${req.why === "later" ? " later" : ""}` },
    h("b", {}, req.why === "later" ? "Not tested yet" : "No test"),
    `: ${WHY[req.why]}${by}. `,
    req.reason,
  );
}
