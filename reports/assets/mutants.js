// The planted bugs, and which case noticed each.

function mutantsPage() {
  const all = run.run.mutants ? run.run.mutants.mutants : [];
  const killed = all.filter((mutant) => mutant.killer).length;
  const sorted = [...all].sort((a, b) => Boolean(a.killer) - Boolean(b.killer));
  const row = (mutant) => {
    const req = reqById.get(mutant.breaks);
    return h(
      "article",
      { class: "req" },
      h("div", { class: "req-level" }, pill(mutant.killer ? "pass" : "fail", { short: true })),
      h(
        "div",
        { class: "req-body" },
        h("p", { class: "says" }, mutant.says),
        h(
          "p",
          { class: "facts" },
          h("span", { class: "id" }, mutant.name),
          "breaks",
          req
            ? h("a", { class: "id", href: reqLink(req) }, mutant.breaks)
            : h("span", { class: "id" }, mutant.breaks),
          req && h("span", {}, place(req)),
        ),
        mutant.killer &&
          h(
            "p",
            { class: "cases" },
            "Noticed by ",
            h(
              "a",
              { href: caseLink(mutant.killer.case, mutant.killer.variant) },
              mutant.killer.variant
                ? `${mutant.killer.case}[${mutant.killer.variant}]`
                : mutant.killer.case,
            ),
          ),
      ),
      h(
        "div",
        { class: "req-states" },
        h(
          "div",
          {},
          h(
            "span",
            { class: mutant.killer ? "ok" : "bad" },
            mutant.killer ? "noticed" : "survives",
          ),
        ),
      ),
    );
  };
  return [
    head(
      "Planted bugs",
      h(
        "p",
        { class: "lead" },
        all.length
          ? `The suite notices ${killed} of ${all.length} (${percent(killed, all.length)} %).`
          : "This run planted none.",
      ),
    ),
    h("div", { class: "reqs" }, sorted.map(row)),
  ];
}
