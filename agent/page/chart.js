// Words and pictures for numbers. Nothing here knows the agent.

// make is a new element with a class and children, which are elements or text.
function make(tag, className, ...children) {
  const e = document.createElement(tag);
  if (className) e.className = className;
  e.append(...children);
  return e;
}

// say changes text and attributes only where they are others: a screen reader
// hears no news that are none, and a selection stays.
function say(e, text) { if (e.textContent !== text) e.textContent = text; }
function set(e, name, value) { if (e.getAttribute(name) !== value) e.setAttribute(name, value); }
function show(e, on) { if (e.hidden === on) e.hidden = !on; }
function dress(e, className) { if (e.className !== className) e.className = className; }

// fill makes n children of list, new ones by make, and updates each.
function fill(list, items, fresh, update) {
  while (list.children.length > items.length) list.lastElementChild.remove();
  while (list.children.length < items.length) list.append(fresh());
  items.forEach((item, i) => update(list.children[i], item));
}

// facts fills a definition list with pairs of words.
function facts(list, pairs) {
  const flat = pairs.filter(([, value]) => value).flat();
  while (list.children.length > flat.length) list.lastElementChild.remove();
  while (list.children.length < flat.length) list.append(make(list.children.length % 2 ? "dd" : "dt"));
  flat.forEach((text, i) => say(list.children[i], text));
}

function count(n) { return n.toLocaleString("en").replaceAll(",", "\u202f"); }
function plural(n, one, many) { return count(n) + " " + (n === 1 ? one : many || one + "s"); }
function rate(v) { return v === null ? "–" : v < 100 ? v.toFixed(1) : v.toFixed(0); }

function bytes(n) {
  if (!n) return "0";
  if (n >= 2 ** 30) return (n / 2 ** 30).toFixed(1) + " GiB";
  return (n / 2 ** 20).toFixed(n < 10 * 2 ** 20 ? 1 : 0) + " MiB";
}

// brief is a latency in seconds, for people.
function brief(s) {
  if (s === null) return "–";
  const ms = s * 1000;
  if (ms < 1) return (ms * 1000).toFixed(0) + " µs";
  if (ms < 10) return ms.toFixed(1) + " ms";
  if (ms < 1000) return ms.toFixed(0) + " ms";
  return s.toFixed(s < 10 ? 1 : 0) + " s";
}

// about is a latency for an axis.
function about(s) { return s < 0.1 ? Math.round(s * 1000) + " ms" : Number(s.toPrecision(1)) + " s"; }

// long is a time span in seconds, for people.
function long(s) {
  s = Math.max(0, Math.round(s));
  if (s < 60) return s + "\u00a0s";
  if (s < 3600) return Math.floor(s / 60) + "\u00a0min";
  if (s < 48 * 3600) return Math.floor(s / 3600) + "\u00a0h " + Math.floor(s % 3600 / 60) + "\u00a0min";
  return Math.floor(s / 86400) + "\u00a0days";
}

function clock(time) {
  const t = new Date(time);
  const hour = t.toLocaleTimeString("en-GB");
  return Date.now() - t < 20 * 3600e3 ? hour : t.toLocaleDateString("en-GB", {day: "numeric", month: "short"}) + " " + hour.slice(0, 5);
}

function draw(tag, attributes, text) {
  const e = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const name in attributes) e.setAttribute(name, attributes[name]);
  if (text !== undefined) e.textContent = text;
  return e;
}

// canvas is an empty drawing of the size that box has, null while it has none.
function canvas(box) {
  const width = box.clientWidth, height = box.clientHeight;
  if (!width || !height) return null;
  const svg = draw("svg", {viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true"});
  return {svg, width, height, top: 8, left: 58, bottom: height - 18, right: width - 6};
}

// steps are round numbers from 0 to max or a little more.
function steps(max, unit) {
  const rough = max / unit / 2 || 1, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].find(m => m * power >= rough) * power;
  return [0, step * unit, 2 * step * unit];
}

// plot draws the values of the last hour, of which null is a gap: o has unit (of
// the axis), name (of a value), and limit, a line where it is in sight.
function plot(box, values, o) {
  const c = canvas(box);
  if (!c) return;
  const known = values.filter(v => v !== null);
  if (!known.length) {
    c.svg.append(draw("text", {x: c.width / 2, y: c.height / 2, "text-anchor": "middle"}, "the first point comes after 10 s"));
    box.replaceChildren(c.svg);
    return;
  }
  const ticks = steps(Math.max(...known) * 1.1, o.unit), most = ticks[2];
  const x = i => c.right - (values.length - 1 - i) / 359 * (c.right - c.left);
  const y = v => c.bottom - v / most * (c.bottom - c.top);
  for (const tick of ticks) {
    c.svg.append(draw("line", {class: "grid", x1: c.left, x2: c.right, y1: y(tick), y2: y(tick)}),
      draw("text", {x: c.left - 6, y: y(tick) + 4, "text-anchor": "end"}, o.name(tick)));
  }
  for (const [minutes, anchor] of [[60, "start"], [30, "middle"], [0, "end"]]) {
    c.svg.append(draw("text", {x: c.right - minutes / 60 * (c.right - c.left), y: c.height - 4, "text-anchor": anchor},
      minutes ? minutes + " min ago" : "now"));
  }
  if (o.limit && o.limit <= most) c.svg.append(draw("line", {class: "limit", x1: c.left, x2: c.right, y1: y(o.limit), y2: y(o.limit)}));
  let trace = "", area = "", from = null;
  values.forEach((v, i) => {
    if (v !== null) {
      trace += (from === null ? "M" : "L") + x(i).toFixed(1) + " " + y(v).toFixed(1);
      if (from === null) from = i;
    }
    if (from !== null && (v === null || i === values.length - 1)) {
      const last = v === null ? i - 1 : i;
      if (last === from) trace += "h2";
      area += `M${x(from).toFixed(1)} ${c.bottom}` + values.slice(from, last + 1).map((w, j) => `L${x(from + j).toFixed(1)} ${y(w).toFixed(1)}`).join("") + `L${x(last).toFixed(1)} ${c.bottom}Z`;
      from = null;
    }
  });
  c.svg.append(draw("path", {class: "area", d: area}), draw("path", {class: "trace", d: trace}));
  const newest = values.at(-1);
  if (newest !== null) c.svg.append(draw("circle", {class: "newest", cx: x(values.length - 1), cy: y(newest), r: 3}));
  box.replaceChildren(c.svg);
}

// bars draws a histogram whose bins end at the bounds, in seconds; none is said
// instead of one that is empty.
function bars(box, counts, bounds, none) {
  const c = canvas(box);
  if (!c) return;
  c.left = 6;
  const first = 1, total = counts.reduce((a, b) => a + b, 0);
  // What is below the first bin shown belongs to it: nobody looks for it.
  const shown = counts.slice(first);
  shown[0] += counts[0];
  const most = Math.max(1, ...shown), width = (c.right - c.left) / shown.length;
  c.svg.append(draw("line", {class: "grid", x1: c.left, x2: c.right, y1: c.bottom, y2: c.bottom}));
  shown.forEach((n, i) => {
    const height = n ? Math.max(2, n / most * (c.bottom - c.top)) : 0;
    const bar = draw("rect", {class: "bar", x: c.left + i * width + 1, width: Math.max(1, width - 2), y: c.bottom - height, height});
    const from = i ? brief(bounds[i + first - 1]) : "0", to = i + first < bounds.length ? brief(bounds[i + first]) : "more";
    bar.append(draw("title", {}, `${from} to ${to}: ${plural(n, "frame")}`));
    c.svg.append(bar);
  });
  for (let i = 1; i < shown.length; i += 3) { // 1, 8, 66, 524 ms, 4 s
    const at = c.left + (i + 1) * width;
    c.svg.append(draw("line", {class: "grid", x1: at, x2: at, y1: c.bottom, y2: c.bottom + 4}),
      draw("text", {x: at, y: c.height - 3, "text-anchor": "middle"}, about(bounds[i + first])));
  }
  if (!total) c.svg.append(draw("text", {x: c.width / 2, y: c.height / 2, "text-anchor": "middle"}, none));
  box.replaceChildren(c.svg);
}
