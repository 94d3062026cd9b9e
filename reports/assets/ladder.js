// Message ladders. One line is one message, `[!] seconds left arrow right text`, or one remark,
// `[seconds] # text`. An arrow is made of <, >, - and their drawn forms and points to the receiver;
// an x in it, or the word "lost" or "dropped" in the text, means that the message did not arrive.
// The form with the right-hand actor at the end of the line is read as well.

const ARROW = /^[-─—=~.·>▶→<◀←]*[<>▶◀→←x×✗╳][-─—=~.·>▶→<◀←x×✗╳]*$/;
const STAMP = /^\s*([!*]?)\s*(\d+(?:\.\d+)?)\s*s?\s+(.*)$/;
const TAIL = /^(.*?)\s{2,}(\S+)(?:\s{2,}((?:←|<-|#).*))?\s*$/;
const LOST = /\b(?:dropped|drop|lost)\b/i;
const CHAR = 6.7;
const LINE = 14;
const ROWS_SHOWN = 250;

/** The messages and remarks of a ladder's text. */
function parseLadder(text) {
  const lines = text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map(parseLine);
  const arrows = lines.filter((line) => line.arrow);
  const tails = arrows.map((line) => TAIL.exec(line.rest));
  const named = (receivers) => new Set([...arrows.map((line) => line.from), ...receivers]).size;
  const first = arrows.map((line) => line.rest.split(/\s+/, 1)[0]);
  const trailing =
    tails.length > 0 && tails.every(Boolean) && named(tails.map((tail) => tail[2])) < named(first);
  let at = 0;
  return lines.map((line) => {
    if (!line.arrow) return line;
    const tail = tails[at];
    const receiver = trailing ? tail[2] : first[at];
    const words = trailing
      ? [tail[1], tail[3]].filter(Boolean).join(" ")
      : line.rest.slice(receiver.length).trim();
    at += 1;
    const lost = /[x×✗╳]/.test(line.arrow) || LOST.test(words);
    const back = /[<◀←]/.test(line.arrow);
    const [from, into] = back ? [receiver, line.from] : [line.from, receiver];
    return {
      mark: line.mark,
      at: line.at,
      from,
      into,
      left: back ? receiver : line.from,
      lost,
      text: words,
    };
  });
}

function parseLine(line) {
  const stamp = STAMP.exec(line);
  if (!stamp) return { remark: line.trim().replace(/^#\s*/, "") };
  const [, mark, at, rest] = stamp;
  const words = /^(\S+)\s+(\S+)\s+(.*)$/.exec(rest);
  if (!words || !ARROW.test(words[2]))
    return { mark: mark !== "", at, remark: rest.trim().replace(/^#\s*/, "") };
  return { mark: mark !== "", at, from: words[1], arrow: words[2], rest: words[3] };
}

/** The actors, and where each stands: far enough apart for the words between them. */
function columns(steps, room) {
  const messages = steps.filter((step) => step.remark === undefined);
  const names = [];
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

/** A ladder as a drawing; undefined if the text has no messages. */
function drawLadder(text) {
  const room = innerWidth < 640 ? 22 : 62;
  const all = parseLadder(text);
  const steps = all.slice(0, ROWS_SHOWN);
  const at = columns(steps, room);
  if (at.size === 0) return undefined;
  const ends = [...at.entries()].map(([name, x]) => x + (name.length * CHAR) / 2);
  const width = Math.ceil(Math.max(...ends) + 30);
  let y = 44;
  const rows = steps.map((step) => {
    const [from, into] = [at.get(step.from), at.get(step.into)];
    const space =
      step.remark !== undefined
        ? width - 90
        : from === into
          ? width - from - 16
          : Math.abs(into - from) - 16;
    const lines = wrap(step.remark ?? step.text, Math.max(8, Math.floor(space / CHAR)));
    const top = y;
    y += lines.length * LINE + 24;
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
  const y = bottom - 12;
  const words = (kind, x) =>
    lines.map((line, row) => s("text", { class: kind, x, y: top + 16 + row * LINE }, line));
  const time =
    step.at !== undefined &&
    s(
      "text",
      { class: "time", x: 60, y: step.remark === undefined ? y + 4 : top + 16 },
      trimTime(step.at),
    );
  const flag = step.mark && s("text", { class: "flag", x: 3, y: y + 5 }, "!");
  const shade =
    step.mark &&
    s("rect", { class: "shade", x: 0, y: top + 2, width, height: bottom - top - 2, rx: 6 });
  const kind = `step${step.mark ? " marked" : ""}${step.lost ? " lost" : ""}`;
  if (step.remark !== undefined)
    return s("g", { class: kind }, shade, time, flag, words("remark", 76));
  const [from, into] = [at.get(step.from), at.get(step.into)];
  if (from === into)
    return s(
      "g",
      { class: kind },
      shade,
      time,
      flag,
      s("circle", { cx: from, cy: y, r: 4 }),
      words("label self", from + 12),
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
