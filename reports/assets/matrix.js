// Sections and subjects as a matrix.

/** With more specifications than this the matrix opens with their sections folded. */
const MATRIX_OPEN = 8;
const opened = new Set();

function toggle(spec, body) {
  const button = h("button", {
    type: "button",
    class: "toggle",
    "aria-expanded": body.hidden ? "false" : "true",
    "aria-label": `Sections of ${label(spec.doc)}`,
  });
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
    const rows = sections(spec.doc)
      .map((section) => ({ ...section, reqs: section.reqs.filter(keep) }))
      .filter((section) => section.reqs.length > 0);
    const all = rows.flatMap((section) => section.reqs);
    if (all.length === 0) return undefined;
    const body = h(
      "tbody",
      { hidden: run.specs.length > MATRIX_OPEN && !opened.has(spec.doc) },
      rows.map((section) =>
        h(
          "tr",
          {},
          h(
            "th",
            { scope: "row" },
            h(
              "a",
              { href: to([spec.doc, section.number]) },
              h("span", { class: "number" }, section.number),
              " ",
              sectionTitle(section),
            ),
          ),
          subjects.map((name) => matrixCell(name, section.reqs, to([spec.doc, section.number]))),
        ),
      ),
    );
    return [
      h(
        "tbody",
        {},
        h(
          "tr",
          { class: "layer-row" },
          h(
            "th",
            { scope: "rowgroup" },
            h(
              "div",
              {},
              toggle(spec, body),
              h(
                "a",
                { href: to([spec.doc]) },
                h("b", {}, label(spec.doc)),
                " ",
                h("span", { class: "quiet" }, spec.title),
              ),
            ),
          ),
          subjects.map((name) => matrixCell(name, all, to([spec.doc]))),
        ),
      ),
      body,
    ];
  });
  return [
    head(
      "Matrix",
      h(
        "p",
        { class: "lead" },
        "Requirements that hold, of those that are testable, per section and subject.",
      ),
    ),
    choices(
      "Level",
      ["", ...LEVELS].map((name) => ({
        text: name || "All levels",
        href: to(["matrix"], { level: name }),
        on: name === of,
      })),
    ),
    h(
      "div",
      { class: "matrix-box" },
      h(
        "table",
        { class: "matrix" },
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            h("th", { scope: "col" }, "Section"),
            run.subjects.map((subject) =>
              h("th", { scope: "col" }, subject.name, h("small", {}, subject.version)),
            ),
          ),
        ),
        bodies,
      ),
    ),
  ];
}

function matrixCell(subject, reqs, href) {
  const count = tally(subject, reqs);
  if (count.testable === 0)
    return h(
      "td",
      {},
      h(
        "a",
        { class: "cell-link is-exempt", href, title: "no test, with a reason" },
        h("span", { "aria-hidden": "true" }, "·"),
        h("span", { class: "unseen" }, "no test, with reasons"),
      ),
    );
  const kind =
    ["fail", "unproven", "missing", "note"].find((name) => count[name] > 0) ||
    (count.tested === 0
      ? count.unsupported > 0
        ? "unsupported"
        : "untested"
      : count.tested < count.testable
        ? "part"
        : "pass");
  const { glyph } = STATUS[kind === "part" ? "pass" : kind];
  const words = STANDINGS.filter((name) => count[name] > 0)
    .map((name) => `${count[name]} ${STATUS[name].word}`)
    .join(", ");
  return h(
    "td",
    {},
    h(
      "a",
      { class: `cell-link is-${kind}`, href, title: words },
      h("span", { class: "glyph", "aria-hidden": "true" }, glyph),
      h("b", {}, count.pass + count.note),
      h("span", { class: "of" }, `/${count.testable}`),
      h("span", { class: "unseen" }, ` hold: ${words}`),
    ),
  );
}
