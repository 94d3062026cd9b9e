// Message ladders as drawings.

const CHAR = 6.7;
const LINE = 14;
const ROWS_SHOWN = 250;
const MIN_WIDTH = 300;
/** How many characters of a message may stand in one line, from roomy to tight. */
const ROOMS = [62, 46, 34, 22];

/** The actors, and where each stands: far enough apart for the words between them. */
function columns(steps, room) {
  const messages = steps.filter((step) => step.remark === undefined);
  const used = new Set(messages.flatMap((step) => [step.from, step.into]));
  const names = (messages[0]?.order || []).filter((name) => used.has(name));
  for (const step of messages) {
    const pair = step.left === step.from ? [step.from, step.into] : [step.into, step.from];
    for (const name of pair) if (!names.includes(name)) names.push(name);
  }
  const gaps = names.map((name, at) =>
    at === 0 ? 0 : ((name.length + names[at - 1].length) * CHAR) / 2 + 40,
  );
  for (const step of messages) {
    const [low, high] = [names.indexOf(step.from), names.indexOf(step.into)].sort((a, b) => a - b);
    const need = Math.min(step.text.length, room) * CHAR + 36;
    const have = gaps.slice(low + 1, high + 1).reduce((sum, gap) => sum + gap, 0);
    if (high > low && have < need)
      for (let at = low + 1; at <= high; at += 1) gaps[at] += (need - have) / (high - low);
  }
  let x = 84 + ((names[0] || "").length * CHAR) / 2;
  return new Map(
    names.map((name, at) => {
      x += gaps[at];
      return [name, x];
    }),
  );
}

/** Text in lines of at most so many characters, broken at spaces where there are any. */
function wrap(text, room) {
  const lines = [""];
  for (const word of text
    .split(/\s+/)
    .flatMap((word) => word.match(new RegExp(`.{1,${room}}`, "gsu")) || [])) {
    const last = lines[lines.length - 1];
    if (last === "") lines[lines.length - 1] = word;
    else if (last.length + word.length < room) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** Columns that fit the page if words are broken short enough; else as narrow as they go. */
function fit(steps) {
  const page = Math.min(innerWidth, 1216) - 96;
  for (const room of ROOMS) {
    const at = columns(steps, room);
    const ends = [...at.entries()].map(([name, x]) => x + (name.length * CHAR) / 2);
    const width = Math.max(MIN_WIDTH, Math.ceil(Math.max(0, ...ends) + 30));
    if (width <= page || room === ROOMS[ROOMS.length - 1]) return { at, width };
  }
}

/** A ladder as a drawing; undefined if the text has no messages. */
function drawLadder(text) {
  const all = readLadder(text);
  const steps = all.slice(0, ROWS_SHOWN);
  const { at, width } = fit(steps);
  if (at.size === 0) return undefined;
  let y = 44;
  const rows = steps.map((step) => {
    const [from, into] = [at.get(step.from), at.get(step.into)];
    const space =
      step.remark !== undefined
        ? width - 90
        : from === into
          ? Math.max(width - from, from - 70) - 20
          : Math.abs(into - from) - 16;
    const lines = wrap(step.remark ?? step.text, Math.max(8, Math.floor(space / CHAR)));
    const top = y;
    y += lines.length * LINE + (step.remark !== undefined || from === into ? 12 : 24);
    return drawStep(step, lines, { top, bottom: y, width }, at);
  });
  const height = y + 44;
  const life = [...at.values()].map((x) =>
    s("line", { class: "life", x1: x, x2: x, y1: 34, y2: height - 34 }),
  );
  const names = (row) => [...at.entries()].map(([name, x]) => actor(name, x, row));
  const drawing = s(
    "svg",
    {
      class: "ladder",
      viewBox: `0 0 ${width} ${height}`,
      width,
      height,
      role: "img",
      "aria-label": `Ladder with ${steps.length} lines; the same as text follows`,
    },
    life,
    names(18),
    rows,
    names(height - 18),
  );
  const rest = all.length - steps.length;
  return h(
    "div",
    { class: "scroll ladder-box", tabindex: "0", role: "region", "aria-label": "Message ladder" },
    drawing,
    rest > 0 &&
      h("p", { class: "quiet" }, `The drawing stops here; ${rest} more lines are in the text.`),
  );
}

function actor(name, x, y) {
  const half = (name.length * CHAR) / 2 + 10;
  return s(
    "g",
    { class: "actor" },
    s("rect", { x: x - half, y: y - 13, width: half * 2, height: 26, rx: 6 }),
    s("text", { x, y: y + 4 }, name),
  );
}

/** One row: the words in lines, below them the arrow. */
function drawStep(step, lines, { top, bottom, width }, at) {
  const [from, into] = [at.get(step.from), at.get(step.into)];
  const alone = step.remark !== undefined || from === into;
  const y = alone ? top + 12 : bottom - 12;
  const words = (kind, x) =>
    lines.map((line, row) => s("text", { class: kind, x, y: top + 16 + row * LINE }, line));
  const time =
    step.at !== undefined && s("text", { class: "time", x: 60, y: y + 4 }, trimTime(step.at));
  const flag = step.mark && s("text", { class: "flag", x: 3, y: y + 5 }, "!");
  const shade =
    step.mark &&
    s("rect", { class: "shade", x: 0, y: top + 2, width, height: bottom - top - 2, rx: 6 });
  const kind = `step${step.mark ? " marked" : ""}${step.lost ? " lost" : ""}`;
  if (step.remark !== undefined)
    return s("g", { class: kind }, shade, time, flag, words("remark", 76));
  const right = width - from >= from - 70;
  if (from === into)
    return s(
      "g",
      { class: kind },
      shade,
      time,
      flag,
      s("circle", { cx: from, cy: y, r: 4 }),
      words(right ? "label self" : "label self before", from + (right ? 12 : -12)),
    );
  const way = Math.sign(into - from);
  const stop = step.lost ? from + (into - from) * 0.72 : into - way * 2;
  const tip = step.lost
    ? s("path", { class: "cross", d: `M${stop - 5} ${y - 5}l10 10m0-10l-10 10` })
    : s("path", { class: "tip", d: `M${stop} ${y}l${-way * 9} -4.5v9z` });
  return s(
    "g",
    { class: kind },
    s("title", {}, `${step.at} s  ${step.from} → ${step.into}: ${step.text}`),
    shade,
    time,
    flag,
    s("line", { class: "arrow", x1: from, x2: stop - way * 7, y1: y, y2: y }),
    tip,
    words("label", (from + into) / 2),
  );
}

function trimTime(at) {
  return at.includes(".") ? at.replace(/(\.\d{3}\d*?)0+$/, "$1") : at;
}
