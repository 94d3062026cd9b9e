// The addresses, and what happens when one changes.

function route(at) {
  const [first] = at.parts;
  if (first === undefined) return overviewPage(at);
  if (first === "matrix") return matrixPage(at);
  if (first === "find") return findPage(at);
  if (first === "mutants") return mutantsPage(at);
  if (first === "case") return casePage(at);
  return specPage(at);
}

function navigation(at) {
  const [first] = at.parts;
  const links = [
    ["Overview", to([]), first === undefined],
    ["Matrix", to(["matrix"]), first === "matrix"],
    [
      "Requirements",
      to(["find"], { in: "requirements" }),
      (first === "find" && at.query.get("in") !== "cases") || specByDoc.has(first),
    ],
    [
      "Cases",
      to(["find"], { in: "cases" }),
      first === "case" || (first === "find" && at.query.get("in") === "cases"),
    ],
  ];
  if (run.run.mutants) links.push(["Planted bugs", to(["mutants"]), first === "mutants"]);
  return links.map(([text, href, on]) =>
    h("a", { href, "aria-current": on ? "page" : undefined }, text),
  );
}

let former;

// Going back leads to where the reader was, also in lists that are drawn piece by piece.
const scrolls = new Map();
let entry;
let entries = 0;
history.scrollRestoration = "manual";

/** Notes where the reader leaves a page; gives where they were, if they come back to one. */
function turn() {
  if (entry !== undefined) scrolls.set(entry, scrollY);
  const returns = typeof history.state === "number" ? scrolls.get(history.state) : undefined;
  if (typeof history.state !== "number") history.replaceState(entries++, "");
  entry = history.state;
  entries = Math.max(entries, entry + 1);
  return returns;
}

function show() {
  if (location.hash && !location.hash.startsWith("#/")) return;
  const at = where();
  const returns = turn();
  const moves =
    former !== undefined &&
    at.parts.length > 1 &&
    specByDoc.has(at.parts[0]) &&
    former.parts[0] === at.parts[0];
  if (!moves) unfinished = undefined;
  const made = moves ? specMove(at) : route(at);
  const { page, title, goal } = Array.isArray(made) ? { page: made } : made;
  const main = document.getElementById("main");
  const stays = former !== undefined && former.parts.join("/") === at.parts.join("/") && !goal;
  const focused = document.activeElement?.getAttribute?.("data-chip");
  for (const old of main.querySelectorAll(".target")) old.classList.remove("target");
  if (page) {
    main.replaceChildren();
    append(main, page);
  }
  document.getElementById("nav").replaceChildren(...navigation(at));
  document.getElementById("query").value = at.parts[0] === "find" ? at.query.get("q") || "" : "";
  document.title = `${title || "Conformance"} · ${subjects.join(", ")}`;
  const target = goal && document.getElementById(goal);
  if (returns !== undefined) {
    drawTo(returns + innerHeight);
    scrollTo(0, returns);
  } else if (target) {
    target.classList.add("target");
    target.scrollIntoView();
    target.focus({ preventScroll: true });
  } else if (!stays) {
    scrollTo(0, 0);
    if (former !== undefined && document.activeElement?.id !== "query")
      main.querySelector("h1")?.focus({ preventScroll: true });
  }
  revealCurrent();
  if (focused)
    main.querySelector(`[data-chip="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  if (title) say(title);
  former = at;
}

/** Scrolls the list of sections, not the page, to the present one. */
function revealCurrent() {
  const current = document.querySelector(".side a[aria-current]");
  const side = current?.closest(".side");
  if (!side) return;
  const [inner, outer] = [current.getBoundingClientRect(), side.getBoundingClientRect()];
  if (inner.top < outer.top || inner.bottom > outer.bottom)
    side.scrollTop += inner.top - outer.top - outer.height / 2;
}

function search() {
  const at = where();
  const keep = at.parts[0] === "find" ? Object.fromEntries(at.query) : { in: "requirements" };
  const next = to(["find"], { ...keep, q: document.getElementById("query").value.trim() });
  if (at.parts[0] === "find") history.replaceState(history.state, "", next);
  else history.pushState(null, "", next);
  const { selectionStart } = document.getElementById("query");
  const typed = document.getElementById("query").value;
  show();
  document.getElementById("query").value = typed;
  document.getElementById("query").setSelectionRange(selectionStart, selectionStart);
}

let pause;
document.getElementById("query").addEventListener("input", () => {
  clearTimeout(pause);
  pause = setTimeout(search, 160);
});
document.getElementById("search").addEventListener("submit", (event) => {
  event.preventDefault();
  search();
});
document.addEventListener("keydown", (event) => {
  const typing = /^(?:INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    document.getElementById("query").focus();
  }
  if (event.key === " " && event.target.getAttribute?.("role") === "checkbox") {
    event.preventDefault();
    event.target.click();
  }
});
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  document.getElementById("main").focus();
});
addEventListener("hashchange", show);
addEventListener("beforeprint", () => {
  drawTo(Infinity);
  for (const part of document.querySelectorAll("main details")) part.open = true;
});
show();
