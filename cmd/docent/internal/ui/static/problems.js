// The problems view: what an operator must look at, the most urgent first.
import { $, aged, el, link, patchChildren, plural, put } from "./dom.js";
import { earlier, session } from "./words.js";
import { finding, store } from "./store.js";
import { command, drain, lift, remove, revoke } from "./actions.js";

const severities = ["critical", "warning", "notice"];
const rows = 200;
let limit = rows;

// A recipe can be in several deadlocks, and have several abandoned znodes.
const keyOf = (p) => [p.kind, p.path, ...(p.kind === "deadlock" ? p.sessions : p.kind === "abandoned" ? p.command : [])].join(" ");

// button acts on a problem as its command does, if the page can.
function button(p) {
  const c = p.command || [];
  const f = finding(p.path);
  switch (c[0]) {
    case "revoke": return revoke(c[1], "the holder", c[1].slice(0, c[1].lastIndexOf("/")));
    case "barrier": return lift(p.path);
    case "remove": return remove(c[1], (((f && f.abandoned) || []).find((m) => m.path === c[1]) || { why: "it looked so" }).why);
    case "service": return f && f.instances && f.instances[0] ? drain(f, f.instances[0]) : "";
    default: return "";
  }
}

function item(p, here) {
  return el("li", { class: "problem " + p.severity, "data-key": keyOf(p) },
    el("p", { class: "headline" }, el("strong", { class: "severity" }, p.severity), el("span", { class: "what" }, p.kind),
      here && p.path === here ? "" : el("span", { class: "where" }, link(p.path, p.path)),
      p.since ? el("span", { class: "since" }, "for ", aged(p.since)) : p.seen ? el("span", { class: "since" }, "seen for ", aged(p.seen)) : ""),
    el("p", { class: "text" }, p.text + "."),
    p.sessions && p.sessions.length ? el("p", { class: "who" }, p.sessions.slice(0, 6).map((id, i) => [i ? ", " : "", session(id)]), p.sessions.length > 6 ? ", and more" : "") : "",
    p.command ? el("div", { class: "actions" }, command(p.command), button(p)) : "");
}

export const problemList = (all, here) => el("ol", { class: "problems" }, all.map((p) => item(p, here)));

const byAge = (a, b) => earlier(a.since || a.seen, b.since || b.seen);

export function drawProblems() {
  const all = store.problems || [];
  drawKinds(all);
  const kind = $("problem-kind").value;
  const some = all.filter((p) => !kind || p.kind === kind);
  if ($("problem-order").value === "age") some.sort(byAge);
  patchChildren($("problem-list"), some.slice(0, limit).map((p) => item(p)));
  $("more-problems").hidden = some.length <= limit;
  put($("more-problems"), "Show " + Math.min(rows, some.length - limit) + " more of " + some.length);
  $("problem-tools").hidden = all.length < 2;
  put($("problem-summary"), summary(all));
  $("problem-summary").dataset.well = store.problems && all.length === 0 && store.state === "live";
}

function summary(all) {
  if (!store.problems) return "Reading…";
  if (all.length) return severities.map((s) => [s, all.filter((p) => p.severity === s).length]).filter(([, n]) => n).map(([s, n]) => s === "critical" ? n + " critical" : plural(n, s)).join(", ");
  return (store.state === "live" ? "No problem in " : "No problem was known in ") + plural(store.report ? store.report.nodes : 0, "znode") + ".";
}

function drawKinds(all) {
  const counts = new Map();
  for (const p of all) counts.set(p.kind, (counts.get(p.kind) || 0) + 1);
  const chosen = $("problem-kind").value;
  if (chosen && !counts.has(chosen)) counts.set(chosen, 0);
  patchChildren($("problem-kind"), [el("option", { value: "", "data-key": "all" }, "All kinds"),
    ...[...counts].sort().map(([k, n]) => el("option", { value: k, "data-key": k }, k + " (" + n + ")"))], false);
}

// drawCount shows the number of problems in the view's link, for every view.
export function drawCount() {
  const all = store.problems || [];
  put($("count"), store.problems ? String(all.length) : "");
  $("count").hidden = !all.length;
  $("count").dataset.severity = severities.find((s) => all.some((p) => p.severity === s)) || "";
  announce(all);
}

let told = null; // the keys that a screen reader knows
let toldAt = 0;
const quiet = 10000; // between two announcements

// announce says which problems are new. It says nothing of the first ones, which the page begins with, and is quiet for
// some seconds after it has spoken.
function announce(all) {
  if (!store.problems) return;
  const keys = new Set(all.map(keyOf));
  if (told === null) told = keys;
  const fresh = all.filter((p) => !told.has(keyOf(p)) && p.severity !== "notice");
  if (fresh.length && Date.now() - toldAt < quiet) return; // the next message, or the next second, says it
  told = keys;
  if (!fresh.length) return;
  toldAt = Date.now();
  put($("news"), (fresh.length === 1 ? "New problem: " : plural(fresh.length, "new problem") + ", the first: ") + fresh[0].kind + " at " + fresh[0].path);
}

export function startProblems(draw) {
  for (const id of ["problem-kind", "problem-order"]) {
    $(id).oninput = () => {
      limit = rows;
      draw();
    };
  }
  $("more-problems").onclick = () => {
    const next = $("problem-list").children.length;
    limit += rows;
    draw();
    $("problem-list").children[next]?.querySelector("a")?.focus();
  };
}
