// Search and filters, over requirements and over results.

function findPage({ query }) {
  const what = query.get("in") === "cases" ? "cases" : "requirements";
  const filter = {
    in: what,
    q: query.get("q") || "",
    verdict: query.get("verdict") || "",
    level: query.get("level") || "",
    subject: query.get("subject") || "",
    spec: query.get("spec") || "",
  };
  const items = what === "cases" ? findResults(filter) : findRequirements(filter);
  const other = { ...filter, in: what === "cases" ? "requirements" : "cases", verdict: "" };
  const count = other.in === "cases" ? findResults(other).length : findRequirements(other).length;
  const list = what === "cases" ? h("ul", { class: "results" }) : h("div", { class: "reqs" });
  const foot = lazily(
    list,
    items,
    what === "cases" ? resultRow : (req) => reqCard(req, { place: true }),
  );
  const title = filter.q ? `Search: ${filter.q}` : what === "cases" ? "Cases" : "Requirements";
  say(`${items.length} found`);
  return {
    title,
    page: [
      head(title),
      h(
        "div",
        { class: "tabs", role: "group", "aria-label": "What to list" },
        tab("Requirements", "requirements", filter, what === "requirements" ? items.length : count),
        tab("Results", "cases", filter, what === "cases" ? items.length : count),
      ),
      filters(filter),
      items.length === 0
        ? h(
            "p",
            { class: "calm" },
            "Nothing matches. ",
            h("a", { href: to(["find"], { in: what }) }, "Clear the filters"),
          )
        : list,
      foot,
    ],
  };
}

function tab(text, what, filter, count) {
  const next = { ...filter, in: what, verdict: filter.in === what ? filter.verdict : "" };
  return h(
    "a",
    { href: to(["find"], next), "aria-current": filter.in === what ? "true" : undefined },
    text,
    " ",
    h("b", {}, count),
  );
}

function filters(filter) {
  const verdicts = filter.in === "cases" ? VERDICTS : STANDINGS;
  const chosen = new Set(filter.verdict.split(",").filter(Boolean));
  const flip = (name) => {
    const next = new Set(chosen);
    if (!next.delete(name)) next.add(name);
    return to(["find"], { ...filter, verdict: [...next].join(",") });
  };
  return h(
    "div",
    { class: "filters", role: "group", "aria-label": "Filters" },
    h(
      "div",
      { class: "chips", role: "group", "aria-label": "Verdict" },
      verdicts.map((name) =>
        h(
          "a",
          {
            class: `chip is-${name}`,
            href: flip(name),
            role: "checkbox",
            "aria-checked": chosen.has(name) ? "true" : "false",
            "data-chip": name,
          },
          h("span", { class: "glyph", "aria-hidden": "true" }, STATUS[name].glyph),
          STATUS[name].word,
        ),
      ),
    ),
    h(
      "div",
      { class: "selects" },
      select("Level", LEVELS, filter.level, (value) => ({ ...filter, level: value })),
      select("Subject", subjects, filter.subject, (value) => ({ ...filter, subject: value })),
      select(
        "Specification",
        run.specs.map((spec) => spec.doc),
        filter.spec,
        (value) => ({ ...filter, spec: value }),
        label,
      ),
    ),
  );
}

function select(name, values, chosen, next, show = (value) => value) {
  const box = h(
    "select",
    { "aria-label": name },
    h("option", { value: "" }, `${name}: any`),
    values.map((value) => h("option", { value, selected: value === chosen }, show(value))),
  );
  box.addEventListener("change", () => {
    location.hash = to(["find"], next(box.value));
  });
  return box;
}

function words(text) {
  return text.toLowerCase().split(/\s+/).filter(Boolean);
}

function contains(hay, needles) {
  const text = hay.toLowerCase();
  return needles.every((needle) => text.includes(needle));
}

function findRequirements(filter) {
  const needles = words(filter.q);
  const wanted = new Set(filter.verdict.split(",").filter(Boolean));
  const of = filter.subject ? [filter.subject] : subjects;
  return run.requirements.filter(
    (req) =>
      (!filter.level || req.level === filter.level) &&
      (!filter.spec || req.spec === filter.spec) &&
      (wanted.size === 0 || of.some((name) => wanted.has(status(name, req)))) &&
      (needles.length === 0 ||
        contains(
          `${req.id} ${req.spec} ${place(req)} ${req.level} ${req.actor} ${req.says}`,
          needles,
        )),
  );
}

function findResults(filter) {
  const needles = words(filter.q);
  const wanted = new Set(filter.verdict.split(",").filter(Boolean));
  const reqs = (one) => one.requirements.map((id) => reqById.get(id)).filter(Boolean);
  const fits = new Map();
  for (const one of run.cases) {
    fits.set(
      one.id,
      (!filter.level || reqs(one).some((req) => req.level === filter.level)) &&
        (!filter.spec || reqs(one).some((req) => req.spec === filter.spec)),
    );
  }
  const found = run.results.filter(
    (result) =>
      fits.get(result.case) &&
      (!filter.subject || result.subject === filter.subject) &&
      (wanted.size === 0 || wanted.has(result.verdict)) &&
      (needles.length === 0 ||
        contains(
          `${nameOf(result)} ${caseById.get(result.case).title} ${result.reason || ""} ${caseById.get(result.case).requirements.join(" ")}`,
          needles,
        )),
  );
  return found.sort((a, b) => SEVERITY[b.verdict] - SEVERITY[a.verdict]);
}
