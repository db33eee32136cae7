// The page asks the agent once a second while somebody may look, and says so when
// there is no answer: what it shows then is grey, and old.

const STATUS_EVERY = 1000, PICTURE_EVERY = 500, PAST_EVERY = 5000, EVENTS_EVERY = 2000;
const PATIENCE = 4000; // for one answer
const LATE = 3000; // from then on there is none

const $ = id => document.getElementById(id);
const cards = new Map();
let answered = 0; // when, by this clock; 0 for never
let asking = performance.now(); // since when nobody answers
let shown = null; // the status
let history = null;

async function ask(path) {
  const answer = await fetch(path, {cache: "no-cache", signal: AbortSignal.timeout(PATIENCE)});
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

async function look() {
  try {
    const status = await ask("api/v1/status");
    answered = asking = performance.now();
    shown = status;
    update(status);
  } catch {
    // silence() says it
  }
  silence();
}

function update(s) {
  const list = $("cameras"), names = new Set(s.cameras.map(c => c.name));
  for (const [name, card] of cards) {
    if (!names.has(name)) {
      card.element.remove();
      cards.delete(name);
    }
  }
  s.cameras.forEach((c, i) => {
    let card = cards.get(c.name);
    if (!card) cards.set(c.name, card = new Card(c.name, s.cameras.length <= (innerWidth < 600 ? 1 : 4)));
    if (list.children[i] !== card.element) list.insertBefore(card.element, list.children[i] || null);
    card.update(c, s);
  });
  headline(s);
  device(s);
}

// headline says whether everything is fine, and if not what and since when.
function headline(s) {
  const grade = !s.healthy ? "bad" : s.degraded ? "warn" : "good";
  const all = s.cameras.length;
  banner(grade, s.headline);
  const most = innerWidth < 600 ? 3 : 6;
  fill($("reasons"), s.reasons.slice(0, most), () => make("li", "", make("a"), make("span")), (e, r) => {
    dress(e, r.kind === "failed" ? "bad" : "warn");
    say(e.firstChild, r.camera);
    if (r.camera) set(e.firstChild, "href", "#" + encodeURIComponent(anchorOf(r.camera)));
    else e.firstChild.removeAttribute("href");
    const since = r.since ? ` since ${clock(r.since)} (${long((new Date(s.time) - new Date(r.since)) / 1000)})` : "";
    say(e.lastChild, since + (r.camera || since ? ": " : "") + r.text);
  });
  if (s.reasons.length > most) $("reasons").append(make("li", "", `and ${s.reasons.length - most} more`));
  const frames = s.cameras.reduce((n, c) => n + c.published_per_second, 0);
  say($("subline"), `${plural(all, "camera")}, ${rate(frames)} frames/s published · up ${long(s.uptime_seconds)} · ${clock(s.time)}`);
  say($("version"), `edge camera agent ${s.version} on ${location.host}`);
}

// banner shows the one line that matters. What counts up is no news.
function banner(grade, text, counting = "") {
  dress($("banner"), grade);
  dress($("under"), grade);
  say($("sign"), SIGNS[grade]);
  say($("headline"), text + counting);
  say($("news"), text);
  const title = `${SIGNS[grade]} ${text}`;
  if (document.title === title) return;
  document.title = title;
  const colour = {good: "1a7f37", warn: "d29922", bad: "c2201c", wait: "808080"}[grade];
  $("icon").href = `data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 8 8'><circle cx='4' cy='4' r='4' fill='%23${colour}'/></svg>`;
}

// silence says since when nobody answers, if that is too long.
function silence() {
  const silent = performance.now() - asking, late = silent > LATE;
  $("main").classList.toggle("stale", late);
  if (!late) return;
  banner("bad", "No answer from the agent", ` for ${long(silent / 1000)}`);
  fill($("reasons"), [answered ? `What is below is old: it was so at ${clock(shown.time)}.` : "It does not run, or cannot be reached from here."],
    () => make("li", "", make("a"), make("span")), (e, text) => { dress(e, "bad"); say(e.firstChild, ""); say(e.lastChild, text); });
  say($("subline"), "It is asked again each second.");
}

function device(s) {
  const r = s.resources, of = (n, limit) => limit ? `${count(n)} of ${count(limit)}` : count(n);
  facts($("device"), [
    ["Memory", bytes(r.memory_bytes) + (r.memory_limit_bytes ? ` of ${bytes(r.memory_limit_bytes)} (${Math.round(100 * r.memory_bytes / r.memory_limit_bytes)} %)` : "")],
    ["Temperature", r.temperature_celsius === null ? "not known" : `${r.temperature_celsius.toFixed(0)} °C` + (r.temperature_limit_celsius ? ` of ${r.temperature_limit_celsius} °C` : "")],
    ["Descriptors", of(r.descriptors, r.descriptors_limit)],
    ["Threads", of(r.threads, r.threads_limit)],
    ["Watchdog", r.watchdog_interval_seconds ? `${plural(r.watchdog_pings, "ping")}, every ${long(r.watchdog_interval_seconds / 2)}` : "not watched by systemd"],
    ["Running since", clock(s.started)],
  ]);
  show($("last-words"), Boolean(s.last_words));
  say($("last-words"), s.last_words && "The process before this one was stuck: " + s.last_words);
}

async function remember() {
  try {
    history = await ask("api/v1/history");
  } catch {
    return;
  }
  redraw();
}

function redraw() {
  if (!history) return;
  const points = history.memory_bytes, unit = 2 ** 20;
  plot($("memory"), points, {unit, name: bytes, limit: shown?.resources.memory_limit_bytes});
  const known = points.filter(v => v !== null);
  set($("memory"), "aria-label", known.length ? `memory over the last hour, from ${bytes(Math.min(...known))} to ${bytes(Math.max(...known))}, now ${bytes(known.at(-1))}` : "memory over the last hour: nothing yet");
  for (const c of history.cameras) cards.get(c.name)?.remember(c);
}

async function listen() {
  let events;
  try {
    ({events} = await ask("api/v1/events"));
  } catch {
    return;
  }
  const none = [{none: true}];
  fill($("events"), events.length ? events : none,
    () => make("li", "", make("time"), make("span", "level"), make("span", "what", make("b"), make("span"), make("span", "count"), make("span", "more"))), (e, v) => {
      const [time, level, what] = e.children, [head, text, times, more] = what.children;
      dress(e, v.level === "warn" ? "warn" : v.level === "info" || v.none ? "info" : "error");
      say(time, v.none ? "" : clock(v.time));
      if (!v.none) set(time, "datetime", v.time);
      say(level, v.none ? "" : v.level === "warn" ? "! warning" : v.level === "info" ? "info" : "✕ " + v.level);
      say(head, v.none ? "" : [v.camera, v.output].filter(Boolean).join(" "));
      say(text, v.none ? "none since the start" : `${v.camera ? ": " : ""}${v.message}${v.reason ? ": " + v.reason : ""}`);
      say(times, v.count > 1 ? ` ${count(v.count)} times since ${clock(v.first)}` : "");
      say(more, v.details ? ` (${v.details})` : "");
    });
}

// pictures looks at all cameras in turn, two at a time at the most: a browser has
// six connections, and the status must not wait.
async function pictures() {
  const signal = AbortSignal.timeout(PATIENCE), queue = [...cards.values()];
  const one = async () => { for (let c; (c = queue.shift());) await c.look(signal); };
  await Promise.all([one(), one()]);
}

// often calls f again and again while the page is to be seen, one at a time.
function often(f, period) {
  let busy = false, last = -Infinity;
  const tick = async () => {
    if (busy || document.hidden || performance.now() - last < period - 50) return;
    busy = true;
    last = performance.now();
    try {
      await f();
    } finally {
      busy = false;
    }
  };
  setInterval(tick, Math.min(period, 500));
  document.addEventListener("visibilitychange", () => { last = -Infinity; tick(); });
  return tick();
}

document.addEventListener("visibilitychange", () => { if (!document.hidden) asking = performance.now(); });
addEventListener("resize", () => { if (shown) shown.cameras.forEach(c => cards.get(c.name)?.update(c, shown)); redraw(); });
setInterval(() => { if (!document.hidden) silence(); }, 500);
often(look, STATUS_EVERY).then(() => often(remember, PAST_EVERY));
often(listen, EVENTS_EVERY);
often(pictures, PICTURE_EVERY);
