// The page of one specification.

function specPage({ parts }) {
  const [doc, section, id] = parts;
  const spec = specByDoc.get(doc);
  if (!spec) return missingPage(`the specification ${doc}`);
  const all = reqsBySpec.get(doc) || [];
  const rows = sections(doc);
  const meta = [
    `Layer ${spec.layer}`,
    spec.obsoletes?.length && `replaces ${spec.obsoletes.map(label).join(", ")}`,
    spec.updated_by?.length && `updated by ${spec.updated_by.map(label).join(", ")}`,
  ].filter(Boolean);
  const page = [
    crumbs(["Overview", "#/"], [label(doc)]),
    head(
      [h("span", { class: "kicker" }, label(doc)), " ", spec.title],
      h("p", { class: "lead" }, `${meta.join("; ")}.`),
    ),
    specTotals(all),
    h(
      "div",
      { class: "with-side" },
      h(
        "nav",
        { class: "side", "aria-label": "Sections" },
        h(
          "details",
          { open: matchMedia("(min-width: 900px)").matches },
          h("summary", {}, "Sections"),
          h(
            "ol",
            {},
            rows.map((row) => sideItem(doc, row, section)),
          ),
        ),
      ),
      h(
        "div",
        { class: "spec" },
        rows.map((row) => sectionPart(doc, row)),
      ),
    ),
  ];
  const goal = specGoal(section, id);
  return { page, title: specTitle(doc, section), goal };
}

function specTitle(doc, section) {
  return `${label(doc)}${section ? ` §${section}` : ""}`;
}

/** Moves within the page of a specification that is shown already, so that nothing jumps. */
function specMove({ parts: [doc, section, id] }) {
  for (const link of document.querySelectorAll(".side a")) {
    if (link.getAttribute("href") === to([doc, section])) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  return { title: specTitle(doc, section), goal: specGoal(section, id) };
}

function specGoal(section, id) {
  return id ? `req-${id}` : section ? `sec-${section}` : undefined;
}

function specTotals(all) {
  return h(
    "div",
    { class: "cards" },
    run.subjects.map((subject) => {
      const count = tally(subject.name, all);
      const must = tally(
        subject.name,
        all.filter((req) => req.level === "MUST"),
      );
      return h(
        "article",
        { class: "card" },
        h("header", {}, h("h2", {}, subject.name), h("span", { class: "quiet" }, subject.version)),
        h(
          "div",
          { class: "figures" },
          figure(must.tested, `/ ${must.testable}`, "MUST tested"),
          figure(must.fail, "", "MUST broken", must.fail > 0 ? "bad" : ""),
          figure(count.tested, `/ ${count.testable}`, "all tested"),
        ),
        bar(count),
        h(
          "div",
          { class: "pills" },
          STANDINGS.filter((name) => count[name] > 0).map((name) =>
            pill(name, {
              count: count[name],
              href: to(["find"], {
                in: "requirements",
                spec: all[0].spec,
                verdict: name,
                subject: subject.name,
              }),
            }),
          ),
        ),
      );
    }),
  );
}

function sideItem(doc, row, current) {
  const marks = subjects.map((name) => {
    const count = tally(name, row.reqs);
    const kind =
      ["fail", "unproven", "missing", "note"].find((kind) => count[kind] > 0) ||
      (count.tested > 0 ? "pass" : count.testable === 0 ? "exempt" : "untested");
    return pill(kind, { short: true });
  });
  return h(
    "li",
    {},
    h(
      "a",
      { href: to([doc, row.number]), "aria-current": row.number === current ? "true" : undefined },
      h("span", { class: "number" }, row.number),
      h("span", { class: "side-title" }, sectionTitle(row)),
      h("span", { class: "marks" }, marks),
    ),
  );
}

function sectionPart(doc, row) {
  return h(
    "section",
    {
      class: "spec-section",
      id: `sec-${row.number}`,
      tabindex: "-1",
      "aria-labelledby": `head-${row.number}`,
    },
    h(
      "h2",
      { id: `head-${row.number}` },
      h(
        "a",
        { href: to([doc, row.number]) },
        h("span", { class: "number" }, `§${row.number}`),
        " ",
        sectionTitle(row),
      ),
    ),
    h(
      "div",
      { class: "reqs" },
      row.reqs.map((req) => reqCard(req, { anchor: true })),
    ),
  );
}

function missingPage(what) {
  return {
    page: [
      head("Not in this run"),
      h("p", {}, `This run does not have ${what}. `, h("a", { href: "#/" }, "Go to the overview")),
    ],
    title: "Not in this run",
  };
}
