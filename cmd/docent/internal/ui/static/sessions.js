// Sessions: who they are, and all that they hold and wait for.
import { $, el, link, patchChildren, plural, put, replace } from "./dom.js";
import { howLong, name, owners, session } from "./words.js";
import { store } from "./store.js";
import { problemList } from "./problems.js";

let indexed = null, index = new Map();

// sessions returns the sessions of the report: id -> what they own.
function sessions() {
  if (indexed === store.report) return index;
  indexed = store.report;
  index = new Map();
  for (const f of store.report ? store.report.findings : []) {
    for (const o of owners(f)) {
      if (!o.owner.session) continue;
      if (!index.has(o.owner.session)) index.set(o.owner.session, { id: o.owner.session, all: [] });
      index.get(o.owner.session).all.push({ ...o, f });
    }
    if (f.kind === "plain" && f.session) {
      if (!index.has(f.session)) index.set(f.session, { id: f.session, all: [] });
      index.get(f.session).all.push({ owner: { path: f.path, since: f.created }, role: "belongs", what: "owns the znode", f });
    }
  }
  return index;
}

const distinct = (all) => [...new Set(all.filter(Boolean))];
const namesOf = (s) => distinct(s.all.map((o) => o.owner.id));
const hostsOf = (s) => distinct(s.all.map((o) => [o.owner.host, o.owner.pid ? "pid " + o.owner.pid : ""].filter(Boolean).join(", ")));
const some = (all, n) => all.slice(0, n).join(", ") + (all.length > n ? ", …" : "");
const count = (s, role) => s.all.filter((o) => o.role === role).length;

const rows = 300;

// drawSessions lists the sessions: those that wait first, then those that own most.
export function drawSessions() {
  const all = [...sessions().values()].sort((a, b) => count(b, "waits") - count(a, "waits") || b.all.length - a.all.length || a.id.localeCompare(b.id));
  put($("session-summary"), store.report ? plural(all.length, "session") + " with znodes" + (all.length > rows ? ", " + rows + " of them shown" : "") : "Reading…");
  patchChildren($("session-rows"), all.slice(0, rows).map((s) => el("tr", { "data-key": s.id },
    el("th", { scope: "row" }, link("session/" + s.id, s.id)), el("td", {}, some(namesOf(s), 3)), el("td", {}, some(hostsOf(s), 2)),
    el("td", { class: "n" }, String(count(s, "holds"))), el("td", { class: "n" }, String(count(s, "waits"))), el("td", { class: "n" }, String(count(s, "belongs"))))));
}

// Whom a waiter waits for.
function behind(o) {
  const holders = owners(o.f).filter((h) => h.role === "holds");
  if (!holders.length) return "";
  const first = holders[0].owner;
  return el("small", {}, "number " + o.place + " in line; " + holders[0].what + ": " + name(first), first.session ? [" (", session(first.session), ")"] : "",
    holders.length > 1 ? " and " + (holders.length - 1) + " more" : "");
}

const entry = (o) => el("li", { "data-key": o.f.path + " " + o.owner.path },
  link(o.f.path, o.f.path), el("span", { class: "role" }, o.f.kind + ", " + o.what), el("small", {}, howLong(o.owner, o.role === "holds"), o.owner.token ? ", token " + o.owner.token : ""),
  o.role === "waits" ? behind(o) : "");

const part = (title, all) => [el("h3", {}, title), all.length ? el("ul", { class: "entries" }, all.slice(0, rows).map(entry)) : el("p", { class: "hint" }, "Nothing."),
  all.length > rows ? el("p", { class: "hint" }, "And " + (all.length - rows) + " more.") : ""];

let drawn = null;

// drawSession shows one session.
export function drawSession(id) {
  const s = sessions().get(id);
  const of = (role) => s.all.filter((o) => o.role === role);
  const blocked = s ? of("holds").reduce((n, o) => n + owners(o.f).filter((w) => w.role === "waits").length, 0) : 0;
  const problems = (store.problems || []).filter((p) => (p.sessions || []).includes(id));
  const nodes = s ? [
    el("h2", { tabindex: -1 }, "Session " + id),
    el("p", { class: "meta" }, [some(namesOf(s), 10), some(hostsOf(s), 10)].filter(Boolean).join(" · "), blocked ? " · " + (blocked === 1 ? "1 client waits" : blocked + " clients wait") + " for it" : ""),
    problems.length ? problemList(problems) : "",
    ...part("Holds", of("holds")), ...part("Waits for", of("waits")), ...part("Belongs to", of("belongs")),
  ] : [el("h2", { tabindex: -1 }, "Session " + id), el("p", { class: "hint" }, store.report ? "The session owns nothing in the znodes that were read: it has ended, or holds nothing." : "Reading…")];
  const kept = nodes.filter((n) => n !== "");
  if (drawn === id) patchChildren($("session"), kept);
  else replace($("session"), kept);
  drawn = id;
}
