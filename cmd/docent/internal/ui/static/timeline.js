// The last minutes, drawn: who held, and who led. A table says the same.
import { $, el, link, patchChildren, plain, plural, put } from "./dom.js";
import { answer, store } from "./store.js";
import { owners } from "./words.js";

const gap = 2, bar = 22, label = 18, axis = 22;
const char = 7; // the width of a letter, about

// colour gives each owner one of eight colours, always the same one.
function colour(s) {
  let h = 0;
  for (const c of (s.session || "") + (s.id || "")) h = (h * 31 + c.codePointAt(0)) | 0;
  return "c" + (Math.abs(h) % 8);
}

const who = (s) => s.id || (s.hidden ? "(hidden by an ACL)" : s.session ? "session " + s.session : "(no name)");
const clock = (t) => new Date(t).toLocaleTimeString([], { hour12: false });
const seconds = (s) => Math.round((new Date(s.to) - new Date(s.from)) / 1000);

function fit(text, width) {
  const n = Math.floor((width - 8) / char);
  text = plain(text);
  return n < 2 ? "" : text.length <= n ? text : text.slice(0, n - 1) + "…";
}

// picture draws lanes of spells. A time in which nothing was read is hatched.
function picture(data, lanes, width, titled) {
  const from = new Date(data.from).getTime(), to = new Date(data.to).getTime();
  const x = (t) => Math.max(0, Math.min(width, (new Date(t).getTime() - from) / (to - from) * width));
  const lane = bar + gap * 3 + (titled ? label : 0);
  const height = lanes.length * lane + axis;
  const parts = [];
  lanes.forEach(([path, spells], i) => {
    const top = i * lane + (titled ? label : 0);
    if (titled) parts.push(el("text", { x: 0, y: top - 5, class: "lane" }, fit(path, width)));
    parts.push(el("rect", { x: 0, y: top, width, height: bar, class: "unwatched" }));
    for (const w of data.watched) parts.push(el("rect", { x: x(w.from), y: top, width: Math.max(1, x(w.to) - x(w.from)), height: bar, class: "watched" }));
    for (const s of spells) {
      const left = x(s.from), wide = Math.max(2, x(s.to) - left);
      parts.push(el("g", {}, el("title", {}, who(s) + ", " + spanOf(s)),
        el("rect", { x: left, y: top, width: wide, height: bar, rx: 3, class: "spell " + colour(s) }),
        el("text", { x: left + 5, y: top + bar - 7, class: "who" }, fit(who(s), wide))));
    }
  });
  const step = steps.find((s) => (to - from) / 1000 / s <= width / 90) || 300;
  for (let s = 0; s * 1000 <= to - from; s += step) {
    const at = width - s * 1000 / (to - from) * width;
    parts.push(el("line", { x1: at, x2: at, y1: 0, y2: height - axis + 3, class: "tick" }),
      el("text", { x: at, y: height - 6, class: "axis", "text-anchor": s === 0 ? "end" : at < 30 ? "start" : "middle" }, s ? length(s) : store.state === "live" ? "now" : clock(data.to)));
  }
  return el("svg", { width, height, viewBox: "0 0 " + width + " " + height, role: "img", "data-quiet": true,
    "aria-label": "Who held in the last " + length(Math.round((to - from) / 1000)) + ". The table below says the same." }, parts);
}

const steps = [5, 10, 15, 30, 60, 120, 180, 300]; // seconds between two marks of the time
const length = (s) => s < 60 ? s + "s" : Math.floor(s / 60) + "m" + (s % 60 ? s % 60 + "s" : "");
const spanOf = (s) => (s.before ? "since before " : "from ") + clock(s.from) + (s.holds ? ", still at " : " to ") + clock(s.to);

function table(lanes, titled) {
  return el("details", { class: "as-table", "data-key": "table", "data-quiet": true }, el("summary", {}, "As a table"),
    el("table", {}, el("thead", {}, el("tr", {}, titled ? el("th", { scope: "col" }, "Path") : "", el("th", { scope: "col" }, "Who"), el("th", { scope: "col" }, "From"), el("th", { scope: "col" }, "To"), el("th", { scope: "col" }, "Seconds"))),
      el("tbody", {}, lanes.flatMap(([path, spells]) => spells.toReversed().slice(0, 100).map((s) => el("tr", {},
        titled ? el("td", {}, link(path, path)) : "", el("td", {}, who(s)), el("td", {}, (s.before ? "before " : "") + clock(s.from)), el("td", {}, s.holds ? "holds still" : clock(s.to)), el("td", { class: "n" }, String(seconds(s)))))))));
}

function byPath(spells) {
  const lanes = new Map();
  for (const s of spells) {
    if (!lanes.has(s.path)) lanes.set(s.path, []);
    lanes.get(s.path).push(s);
  }
  return [...lanes];
}

// A timeline is read again when something has changed hands, and every few seconds.
const stamp = (every, ...more) => [Math.floor(new Date(store.asOf || 0) / every), ...more].join(" ");

// rowsOf splits owners that hold at the same time into lanes of their own.
function rowsOf(spells) {
  const lanes = [];
  for (const s of spells) {
    const free = lanes.find((l) => l[l.length - 1].to <= s.from);
    if (free) free.push(s);
    else lanes.push([s]);
  }
  return lanes.slice(0, 20).map((l) => [l[0].path, l]);
}

// laneOf draws the timeline of one finding.
export function laneOf(f) {
  const a = answer("api/timeline?path=" + encodeURIComponent(f.path), stamp(5000, ...owners(f).filter((o) => o.role === "holds").map((o) => o.owner.token)));
  if (a.error) return el("p", { class: "note" }, a.error);
  if (!a.data || !a.data.watched.length) return el("p", { class: "hint" }, "Reading…");
  const width = Math.max(260, $("detail").clientWidth - 50);
  return [picture(a.data, rowsOf(a.data.spells), width, false), table(byPath(a.data.spells), false)];
}

// drawTimeline draws what has changed hands in all of the tree.
export function drawTimeline() {
  const a = answer("api/timeline", stamp(2000));
  const section = $("lanes");
  if (a.error) return patchChildren(section, [el("p", { class: "note" }, a.error)]);
  if (!a.data) return patchChildren(section, [el("p", { class: "hint" }, "Reading…")]);
  const lanes = byPath(a.data.spells);
  put($("timeline-summary"), lanes.length ? plural(lanes.length, "recipe has", "recipes have") + " changed hands in the last 15 minutes" + (a.data.left ? ", and more" : "") + "."
    : "Nothing has changed hands while the page was open.");
  patchChildren(section, lanes.length ? [picture(a.data, lanes, Math.max(260, section.clientWidth), true), table(lanes, true)] : [], false);
}
