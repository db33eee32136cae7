// A card is what is seen of one camera. It is made once and then kept up to date,
// so that nothing jumps, and what was opened stays open.

const SIGNS = {good: "✓", warn: "!", bad: "✕", wait: "…"};

// gradeOf is how a camera is in one word, which is also a class.
function gradeOf(c) {
  if (!c.healthy) return "bad";
  return c.throttle || c.drift || c.fallback || c.outputs.some(o => o.error || o.paused) ? "warn" : "good";
}

// stateOf is its state in the words of people: that of a camera which publishes
// bad pictures is not that it publishes.
function stateOf(c) {
  if (c.healthy) return c.state;
  if (c.state !== "publishing") return c.state;
  return c.verdict !== "good" ? c.verdict : c.known_frame_failure ? "not to be trusted" : "silent";
}

// shortcomings are what it has less of than its config asks for.
function shortcomings(c) {
  const texts = [];
  if (c.fallback) texts.push(`fallback mode ${c.fallback} of ${c.fallbacks}: ${c.mode}`);
  if (c.throttle) texts.push(c.throttle);
  if (c.drift) texts.push("frames take longer than usual");
  for (const o of c.outputs) {
    if (o.error) texts.push(`output ${o.name} (${o.kind}): ${o.error}`);
    if (o.paused) texts.push(`output ${o.name} is paused`);
  }
  return texts;
}

function sum(counts) { return Object.values(counts).reduce((a, b) => a + b, 0); }

// VIEW is the name of what this page and other browsers see.
const VIEW = ".view";

// use says who takes images of an output in one kind.
function use(o) {
  const taken = o.kind === "files" ? `${count(o.delivered)} files written` : `${o.kind}: ${o.consumers ? plural(o.consumers, "consumer") : "nobody"}`;
  return taken + (o.missed ? `, ${count(o.missed)} missed` : "") + (o.error ? ": " + o.error : "");
}

function anchorOf(name) { return "camera-" + encodeURIComponent(name); }

// happened are the counters that are not zero, the largest first.
function happened(counts) {
  return Object.entries(counts).filter(([, n]) => n).sort((a, b) => b[1] - a[1]);
}

// NORMAL are drops that the config asks for or the end of the agent brings.
const NORMAL = ["not-due", "skipped", "shutdown"];

class Card {
  // open says that there is room for more than a glance.
  constructor(name, open) {
    this.name = name;
    this.title = make("h3", "", name);
    this.title.id = anchorOf(name) + "-title";
    this.state = make("span", "state");
    this.image = make("img");
    this.image.alt = "Newest picture of " + name;
    this.blank = make("p", "", "…");
    this.why = make("p", "why");
    this.figures = make("dl", "figures");
    this.latency = make("div", "chart");
    this.latency.setAttribute("role", "img");
    this.outputs = make("ul", "lines");
    this.drops = make("ul", "lines");
    this.past = make("div", "chart");
    this.past.setAttribute("role", "img");
    this.facts = make("dl", "facts");
    this.glance = make("details", "glance", make("summary", "", "Age, outputs and losses"),
      make("div", "body", make("h3", "", "Age when published, last 10 s"), this.latency,
        make("h3", "", "Outputs"), this.outputs, make("h3", "", "Frames lost"), this.drops));
    this.glance.open = open;
    this.glance.addEventListener("toggle", () => this.plotAge());
    this.more = make("details", "more", make("summary", "", "More of " + name),
      make("div", "body", make("h3", "", "Published a second, last hour"), this.past, this.facts));
    this.more.addEventListener("toggle", () => this.past.points && this.plotPast());
    this.element = make("article", "camera", make("header", "", this.title, this.state),
      make("div", "picture", this.image, this.blank), this.why, this.figures, this.glance, this.more);
    this.element.id = anchorOf(name);
    this.element.setAttribute("aria-labelledby", this.title.id);
    this.again = 0; // before that no picture is asked for
    show(this.image, false);
  }

  // update shows the camera c of the status s.
  update(c, s) {
    this.camera = c;
    this.bounds = s.histogram_bounds_seconds;
    const grade = gradeOf(c), now = new Date(s.time);
    dress(this.element, "camera " + grade);
    say(this.state, SIGNS[grade] + " " + stateOf(c));
    const texts = shortcomings(c);
    if (!c.healthy) {
      const known = c.reason_since ? ` – since ${clock(c.reason_since)} (${long((now - new Date(c.reason_since)) / 1000)})` : "";
      texts.unshift(c.reason + known);
    }
    const idle = c.captured_per_second && !c.published_per_second ? "; nobody takes images, and none are made" : "";
    say(this.why, texts.join("; ") || `${c.format || c.mode}, ${c.device}${idle}`);
    if (!c.healthy && c.state !== "publishing") this.placeholder(`${stateOf(c)}: ${c.reason}`, true);
    this.updateFigures(c);
    this.updateLists(c);
    this.plotAge();
    set(this.latency, "aria-label", c.age.p50_seconds === null ? "no frame was published of late"
      : `half of the frames were younger than ${brief(c.age.p50_seconds)}, 99 of 100 younger than ${brief(c.age.p99_seconds)}`);
    if (this.more.open) this.updateFacts(c);
  }

  plotAge() {
    const c = this.camera;
    if (c) bars(this.latency, c.age.recent_counts, this.bounds, c.published_per_second ? "it has not published for 10 s yet" : "no frame published in the last 10 s");
  }

  updateFigures(c) {
    const lost = sum(c.dropped) + c.kernel_lost - NORMAL.reduce((n, name) => n + c.dropped[name], 0);
    const rows = [
      ["Published", rate(c.published_per_second), ` of ${rate(c.captured_per_second)}/s`],
      ["Age, median", brief(c.age.p50_seconds), c.age.p99_seconds === null ? "" : ` p99 ${brief(c.age.p99_seconds)}`],
      ["Queue", String(c.queue.length), ` of ${c.queue.capacity}`],
      ["Lost", count(lost), ` of ${count(c.captured + c.kernel_lost)}`],
    ];
    fill(this.figures, rows, () => make("div", "", make("dt"), make("dd", "", make("span"), make("small"))), (e, [name, value, rest]) => {
      say(e.firstChild, name);
      say(e.lastChild.firstChild, value);
      say(e.lastChild.lastChild, rest);
    });
  }

  updateLists(c) {
    const line = () => make("li", "", make("span"), make("span"));
    const outputs = new Map();
    for (const o of c.outputs) outputs.set(o.name, [...outputs.get(o.name) || [], o]);
    fill(this.outputs, outputs.size ? [...outputs] : [["none is open yet", []]], line, (e, [name, kinds]) => {
      dress(e, kinds.some(o => o.error) ? "lost" : "");
      say(e.firstChild, name === VIEW ? "pictures to look at" : name);
      say(e.lastChild, kinds.map(use).join(" · "));
    });
    const lost = happened(c.dropped);
    if (c.kernel_lost) lost.unshift(["lost by the driver", c.kernel_lost]);
    fill(this.drops, lost.length ? lost : [["none", 0]], line, (e, [name, n]) => {
      dress(e, n && !NORMAL.includes(name) ? "lost" : "");
      say(e.firstChild, name);
      say(e.lastChild, n ? count(n) : "");
    });
  }

  updateFacts(c) {
    const names = counts => happened(counts).map(([name, n]) => `${name} ${count(n)}`).join(", ");
    const stages = c.stages.map(s => s.count ? `${s.name} ${brief(s.sum_seconds / s.count)}` : "").filter(Boolean).join(", ");
    facts(this.facts, [
      ["Device", c.device], ["Format", c.format], ["Mode asked for", c.mode],
      ["State since", clock(c.since)],
      ["Last frame", c.last_captured_seconds_ago === null ? "never" : long(c.last_captured_seconds_ago) + " ago"],
      ["Frames", `${count(c.captured)} captured, ${count(c.published)} published, ${count(c.in_flight)} in flight`],
      ["Mean of each stage", stages],
      ["Verdicts", names(c.quality_verdicts) || "all good"],
      ["Remedies", names(c.recoveries) || "none needed"],
      ["Worker", c.worker ? `process ${c.worker.pid}, ${bytes(c.worker.memory_bytes)}` : "none, in the agent itself"],
      ["Workers replaced", c.worker ? names(c.worker.replaced) || "none" : ""],
      ["Addresses", c.outputs.map(o => o.address).join("\n")],
    ]);
  }

  // remember shows the last hour.
  remember(points) {
    this.past.points = points;
    this.plotPast();
  }

  plotPast() {
    if (!this.more.open) return;
    this.updateFacts(this.camera);
    const points = this.past.points;
    plot(this.past, points.published_per_second, {unit: 1, name: v => rate(v) + "/s"});
    set(this.past, "aria-label", `published frames a second over the last hour, now ${rate(points.published_per_second.at(-1) ?? null)}`);
  }

  // look fetches the newest picture, if it is in sight and there may be one.
  async look(signal) {
    const c = this.camera;
    if (!c || c.state !== "publishing" || !this.inSight() || performance.now() < this.again) return;
    let answer, jpeg;
    try {
      answer = await fetch(`cameras/${encodeURIComponent(this.name)}/snapshot.jpg`, {signal, cache: "no-store"});
      if (answer.ok) jpeg = await answer.blob();
    } catch {
      return; // the status says that nobody answers
    }
    if (this.camera.state !== "publishing") return;
    if (!answer.ok) {
      this.again = performance.now() + 5000;
      this.placeholder("no picture: " + (await answer.text().catch(() => "")).slice(0, 200).trim(), false);
      return;
    }
    const url = URL.createObjectURL(jpeg);
    try {
      const next = new Image();
      next.src = url;
      await next.decode();
      if (this.camera.state === "publishing") this.picture(url);
      else URL.revokeObjectURL(url);
    } catch {
      this.placeholder("no picture: it cannot be decoded", false);
      URL.revokeObjectURL(url);
    }
  }

  picture(url) {
    const old = this.image.src;
    this.image.src = url;
    show(this.image, true);
    show(this.blank, false);
    if (old) URL.revokeObjectURL(old);
  }

  placeholder(text, trouble) {
    show(this.image, false);
    show(this.blank, true);
    dress(this.blank, trouble ? "trouble" : "");
    say(this.blank, text);
  }

  inSight() {
    const box = this.element.getBoundingClientRect();
    return box.bottom > 0 && box.top < innerHeight;
  }
}
