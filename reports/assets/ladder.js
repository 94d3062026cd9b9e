// Message ladders. One line is one message, `[!] seconds sender arrow receiver text`, or one
// remark, `[seconds] # text`. An arrow is made of <, >, - and their drawn forms; an x in it means
// that the message was lost. The form with the receiver at the end of the line is read as well.

const ARROW = /^[-─—=~.·>▶→<◀←]*[<>▶◀→←x×✗╳][-─—=~.·>▶→<◀←x×✗╳]*$/;
const STAMP = /^\s*([!*]?)\s*(\d+(?:\.\d+)?)\s*s?\s+(.*)$/;
const TAIL = /^(.*?)\s{2,}(\S+)(?:\s{2,}((?:←|<-|#).*))?\s*$/;
const LOST = /\b(?:dropped|drop|lost)\b/i;
const ROW = 40;
const CHAR = 6.7;
const LABEL_MAX = 62;
const ROWS_SHOWN = 250;

/** The messages and remarks of a ladder's text. */
function parseLadder(text) {
  const lines = text.split("\n").filter((line) => line.trim() !== "").map(parseLine);
  const arrows = lines.filter((line) => line.arrow);
  const tails = arrows.map((line) => TAIL.exec(line.rest));
  const named = (receivers) => new Set([...arrows.map((line) => line.from), ...receivers]).size;
  const first = arrows.map((line) => line.rest.split(/\s+/, 1)[0]);
  const trailing = tails.length > 0 && tails.every(Boolean) && named(tails.map((tail) => tail[2])) < named(first);
  let at = 0;
  return lines.map((line) => {
    if (!line.arrow) return line;
    const tail = tails[at];
    const receiver = trailing ? tail[2] : first[at];
    const words = trailing ? [tail[1], tail[3]].filter(Boolean).join(" ") : line.rest.slice(receiver.length).trim();
    at += 1;
    const lost = /[x×✗╳]/.test(line.arrow) || LOST.test(words);
    const back = /[<◀←]/.test(line.arrow);
    const [from, into] = back ? [receiver, line.from] : [line.from, receiver];
    return { mark: line.mark, at: line.at, from, into, left: back ? receiver : line.from, lost, text: words };
  });
}

function parseLine(line) {
  const stamp = STAMP.exec(line);
  if (!stamp) return { remark: line.trim().replace(/^#\s*/, "") };
  const [, mark, at, rest] = stamp;
  const words = /^(\S+)\s+(\S+)\s+(.*)$/.exec(rest);
  if (!words || !ARROW.test(words[2])) return { mark: mark !== "", at, remark: rest.trim().replace(/^#\s*/, "") };
  return { mark: mark !== "", at, from: words[1], arrow: words[2], rest: words[3] };
}

/** The actors, and how far apart each must stand from the one before it. */
function columns(steps) {
  const names = [];
  for (const step of steps) {
    if (step.remark !== undefined) continue;
    const pair = step.left === step.from ? [step.from, step.into] : [step.into, step.from];
    for (const name of pair) if (!names.includes(name)) names.push(name);
  }
  const gaps = names.map((name, at) => (at === 0 ? 0 : (name.length + names[at - 1].length) * CHAR / 2 + 40));
  for (const step of steps) {
    if (step.remark !== undefined) continue;
    const [low, high] = [names.indexOf(step.from), names.indexOf(step.into)].sort((a, b) => a - b);
    const need = Math.min(step.text.length, LABEL_MAX) * CHAR + 44;
    const have = gaps.slice(low + 1, high + 1).reduce((sum, gap) => sum + gap, 0);
    if (high > low && have < need) for (let at = low + 1; at <= high; at += 1) gaps[at] += (need - have) / (high - low);
  }
  let x = 96 + (names[0] || "").length * CHAR / 2;
  return new Map(names.map((name, at) => { x += gaps[at]; return [name, x]; }));
}

function clip(text) {
  return text.length > LABEL_MAX ? `${text.slice(0, LABEL_MAX - 1)}…` : text;
}

/** A ladder as a drawing; undefined if the text has no messages. */
function drawLadder(text) {
  const all = parseLadder(text);
  const steps = all.slice(0, ROWS_SHOWN);
  const at = columns(steps);
  if (at.size === 0) return undefined;
  const ends = [...at.entries()].map(([name, x]) => x + name.length * CHAR / 2);
  const remarks = steps.filter((step) => step.remark !== undefined).map((step) => 88 + step.remark.length * CHAR);
  const width = Math.ceil(Math.max(...ends, ...remarks) + 40);
  const height = steps.length * ROW + 84;
  const life = [...at.values()].map((x) => s("line", { class: "life", x1: x, x2: x, y1: 34, y2: height - 34 }));
  const names = (y) => [...at.entries()].map(([name, x]) => actor(name, x, y));
  const rows = steps.map((step, row) => drawStep(step, 62 + row * ROW, at, width));
  const drawing = s("svg", { class: "ladder", viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": `Ladder with ${steps.length} lines; the same as text follows` },
    life, names(18), rows, names(height - 18));
  const rest = all.length - steps.length;
  return h("div", { class: "scroll ladder-box", tabindex: "0", role: "region", "aria-label": "Message ladder" }, drawing,
    rest > 0 && h("p", { class: "quiet" }, `The drawing stops here; ${rest} more lines are in the text.`));
}

function actor(name, x, y) {
  const half = name.length * CHAR / 2 + 10;
  return s("g", { class: "actor" }, s("rect", { x: x - half, y: y - 13, width: half * 2, height: 26, rx: 6 }), s("text", { x, y: y + 4 }, name));
}

function drawStep(step, y, at, width) {
  const kind = step.mark ? "step marked" : step.lost ? "step lost" : "step";
  const time = step.at === undefined ? [] : [s("text", { class: "time", x: 64, y: y + 4 }, trimTime(step.at)), step.mark && s("text", { class: "flag", x: 4, y: y + 4 }, "!")];
  const shade = step.mark && s("rect", { class: "shade", x: 0, y: y - 24, width, height: ROW - 4, rx: 6 });
  if (step.remark !== undefined) return s("g", { class: kind }, shade, time, s("text", { class: "remark", x: 84, y: y + 4 }, step.remark));
  const [from, into] = [at.get(step.from), at.get(step.into)];
  if (from === into) return s("g", { class: kind }, shade, time, s("circle", { cx: from, cy: y, r: 4 }), s("text", { class: "label self", x: from + 12, y: y + 4 }, clip(step.text)));
  const way = Math.sign(into - from);
  const stop = step.lost ? from + (into - from) * 0.7 : into - way * 2;
  const tip = step.lost
    ? s("path", { class: "cross", d: `M${stop - 5} ${y - 5}l10 10m0-10l-10 10` })
    : s("path", { class: "tip", d: `M${stop} ${y}l${-way * 9} -4.5v9z` });
  const title = s("title", {}, `${step.at} s  ${step.from} → ${step.into}: ${step.text}`);
  return s("g", { class: kind }, title, shade, time,
    s("line", { class: "arrow", x1: from, x2: stop - (step.lost ? way * 7 : way * 7), y1: y, y2: y }), tip,
    s("text", { class: "label", x: (from + into) / 2, y: y - 8 }, clip(step.text)));
}

function trimTime(at) {
  return at.includes(".") ? at.replace(/(\.\d{3}\d*?)0+$/, "$1") : at;
}
