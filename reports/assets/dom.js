"use strict";
// Nodes are built, never parsed: text from the run can only become text.

const SVG = document.getElementById("mark").namespaceURI;

function fill(node, props, kids) {
  for (const [name, value] of Object.entries(props || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "style")
      for (const [key, to] of Object.entries(value)) node.style.setProperty(key, to);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  append(node, kids);
  return node;
}

function append(node, kids) {
  for (const kid of kids) {
    if (kid === undefined || kid === null || kid === false) continue;
    if (Array.isArray(kid)) append(node, kid);
    else node.append(kid instanceof Node ? kid : String(kid));
  }
}

/** An HTML element. */
function h(tag, props, ...kids) {
  return fill(document.createElement(tag), props, kids);
}

/** An SVG element. */
function s(tag, props, ...kids) {
  return fill(document.createElementNS(SVG, tag), props, kids);
}

/** The address of a page: path parts and query, each encoded. */
function to(parts, query) {
  const path = parts.map(encodeURIComponent).join("/");
  const pairs = Object.entries(query || {}).filter(
    ([, value]) => value !== undefined && value !== "",
  );
  const tail = pairs
    .map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`)
    .join("&");
  return `#/${path}${tail ? `?${tail}` : ""}`;
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The page that the address asks for. */
function where() {
  const [path, tail] = location.hash.replace(/^#\/?/, "").split(/\?(.*)/s);
  const query = new Map();
  for (const pair of (tail || "").split("&").filter(Boolean)) {
    const [key, value] = pair.split(/=(.*)/s);
    query.set(decode(key), decode(value || ""));
  }
  return { parts: path.split("/").filter(Boolean).map(decode), query };
}

/** A code with a button that copies it. */
function copyable(text) {
  const button = h(
    "button",
    { type: "button", class: "copy", "aria-label": "Copy the command" },
    "Copy",
  );
  button.addEventListener("click", async () => {
    const done = await copy(text);
    button.textContent = done ? "Copied" : "Select it";
    say(done ? "Copied" : "Could not copy");
    setTimeout(() => {
      button.textContent = "Copy";
    }, 1600);
  });
  return h("div", { class: "command" }, h("code", { tabindex: "0" }, text), button);
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = h("textarea", { class: "unseen", readonly: true });
    area.value = text;
    document.body.append(area);
    area.select();
    let done = false;
    try {
      done = document.execCommand("copy");
    } catch {
      /* The reader can still select it. */
    }
    area.remove();
    return done;
  }
}

/** Tells readers who do not see the page what changed. */
function say(text) {
  document.getElementById("live").textContent = text;
}

/** The list on this page that is not drawn to its end yet, if there is one. */
let unfinished;

/** Draws the unfinished list until the page is so high, or the list ends. */
function drawTo(height) {
  while (unfinished && document.documentElement.scrollHeight < height) unfinished();
}

/** Fills a list piece by piece, as the reader comes near its end. */
function lazily(list, items, draw, step = 60) {
  let at = 0;
  const foot = h("div", { class: "sentinel" });
  const more = () => {
    const piece = document.createDocumentFragment();
    for (const end = Math.min(at + step, items.length); at < end; at += 1)
      piece.append(draw(items[at]));
    list.append(piece);
    if (at >= items.length) {
      watcher.disconnect();
      foot.remove();
      unfinished = undefined;
    }
  };
  unfinished = more;
  const watcher = new IntersectionObserver(
    (seen) => {
      if (seen.some((entry) => entry.isIntersecting)) more();
    },
    { rootMargin: "1200px" },
  );
  more();
  if (at < items.length) watcher.observe(foot);
  return foot;
}
