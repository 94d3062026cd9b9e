// The text of a message ladder, read into steps. A step is a message, `{ at, mark, from, into,
// lost, text }`, or a remark, `{ at, mark, remark }`; `at` is in seconds. Three forms are known:
//
//   lines      [!] 0.500 client > server  STUN Binding request    an x in the arrow: lost
//   arrivals   0.500s  ──▶ server  10.0.0.1:5000 > 10.0.0.2:3478  STUN Binding request
//   columns    500.000   |---------->|   STUN Binding request     names above, milliseconds
//
// Whatever is none of these is a remark.

const ARROW = /^[-─—=~.·]*[<>▶◀→←][-─—=~.·x×✗]*$|^[-─—=~.·]*[x×✗][-─—=~.·]*[<>▶◀→←]*[-─—=~.·]*$/;
const STAMP = /^\s*([!*]?)\s*(\d+(?:\.\d+)?)\s*s?\s+(.*)$/;
const ARRIVAL = /^──+([▶✗])\s+(\S+)\s+(\S+) > (\S+)(?:\s+(.*))?$/;
const ROW = /^\s*\d+\.\d{3}\s+[|*].*[|*]/;
const LOST = /\b(?:dropped|lost|DROP)\b/;

/** The steps of a ladder's text. */
function readLadder(text) {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  if (lines.some((line) => ROW.test(line))) return readColumns(lines);
  const hosts = hostNames(lines);
  return lines.map((line) => readLine(line, hosts));
}

function remark(text, at, mark) {
  const words = text.trim().replace(/^[#·~]\s*/, "");
  return { at, mark: mark || /^✗/.test(words), remark: words };
}

function readLine(line, hosts) {
  const stamp = STAMP.exec(line);
  if (!stamp) return remark(line);
  const [, flag, at, rest] = stamp;
  const arrival = ARRIVAL.exec(rest);
  if (arrival) return readArrival(arrival, at, hosts);
  const words = /^(\S+)\s+(\S+)\s+(\S+)\s*(.*)$/.exec(rest);
  if (!words || !ARROW.test(words[2])) return remark(rest, at, flag !== "");
  const [, left, arrow, right, said] = words;
  const back = /[<◀←]/.test(arrow);
  const [from, into] = back ? [right, left] : [left, right];
  const lost = /[x×✗]/.test(arrow) || LOST.test(said);
  return { at, mark: flag !== "", from, into, left, lost, text: said };
}

function ipOf(address) {
  return address.replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
}

/** Which host has which address: an arrival names the host, and the address it was sent to. */
function hostNames(lines) {
  const hosts = new Map();
  for (const line of lines) {
    const arrival = ARRIVAL.exec(STAMP.exec(line)?.[3] || "");
    if (arrival && arrival[1] === "▶") hosts.set(ipOf(arrival[4]), arrival[2]);
  }
  return hosts;
}

/** An arrival, or a loss, which names the place of the loss instead of the host. */
function readArrival([, tip, place, source, destination, said = ""], at, hosts) {
  const name = (address) => hosts.get(ipOf(address)) || ipOf(address);
  const lost = tip === "✗";
  const into = lost ? name(destination) : place;
  const from = name(source);
  const text = lost ? `${said} (at ${place})` : said;
  return { at, from, into, left: from, lost, text };
}

/** Columns: every position that holds a lifeline in some row is a column; names stand above. */
function readColumns(lines) {
  const rows = lines.filter((line) => ROW.test(line));
  const names = (lines.find((line) => !/^\s*[\d…]/.test(line)) || "").trim().split(/\s+/);
  const counts = new Map();
  for (const row of rows) {
    for (const { index } of row.matchAll(/\|/g)) counts.set(index, (counts.get(index) || 0) + 1);
  }
  const often = [...counts].sort((a, b) => b[1] - a[1]).slice(0, names.length);
  const columns = often.map(([index]) => index).sort((a, b) => a - b);
  if (columns.length !== names.length) return lines.map((line) => remark(line));
  const body = lines.filter(
    (line) => ROW.test(line) || !names.every((name) => line.includes(name)),
  );
  return body.map((line) => (ROW.test(line) ? readRow(line, names, columns) : remark(line)));
}

function readRow(line, names, columns) {
  const edge = columns[columns.length - 1] + 1;
  const [drawn, text] = [line.slice(0, edge), line.slice(edge).trim()];
  const at = (Number(/\d+\.\d{3}/.exec(drawn)[0]) / 1000).toFixed(6);
  const near = (index) => names[closest(columns, index)];
  const star = drawn.indexOf("*");
  const arrow = /[<Xx]?-+[>Xx]?/.exec(
    drawn.replace(/^\s*[\d.]+/, (time) => " ".repeat(time.length)),
  );
  if (!arrow) {
    const name = star < 0 ? undefined : near(star);
    return name ? { at, from: name, into: name, left: name, text } : remark(text, at);
  }
  const [start, end] = [arrow.index - 1, arrow.index + arrow[0].length];
  const back = /^[<Xx]/.test(arrow[0]);
  const lost = /[Xx]/.test(arrow[0]);
  // An arrow that ends between two columns was on its way to the next one.
  const right = columns.findIndex((column) => column >= end);
  const left = columns.findLastIndex((column) => column <= start);
  const [from, into] = back
    ? [near(end), names[Math.max(left, 0)]]
    : [near(start), names[right < 0 ? names.length - 1 : right]];
  return { at, from, into, left: back ? into : from, lost, text, order: names };
}

function closest(columns, index) {
  return columns.reduce((best, column, at) => {
    return Math.abs(column - index) < Math.abs(columns[best] - index) ? at : best;
  }, 0);
}
