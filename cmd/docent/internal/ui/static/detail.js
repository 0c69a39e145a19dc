// The page of one finding.
import { $, el, aged, patchChildren, plural, replace } from "./dom.js";
import { address, card, name, session } from "./words.js";
import { finding, store } from "./store.js";
import { drain, lift, remove, revoke, transfer } from "./actions.js";
import { metadata, queueContent, value } from "./values.js";
import { laneOf } from "./timeline.js";
import { problemList } from "./problems.js";

const none = () => el("p", { class: "hint" }, "None.");

// shownOwners is the number of owners of one kind that are drawn.
const shownOwners = 200;
const more = (all, drawn) => all.length > drawn ? [el("p", { class: "hint" }, "And " + (all.length - drawn) + " more, which docent inspect --json prints.")] : [];

// line draws contenders as a line: first the holders, then the waiters in order.
function line(holders, waiters, holds, waiting, extra = {}) {
  const items = [
    ...holders.map((p) => [p, card(p, holds, "holds", extra.holder ? extra.holder(p) : "")]),
    ...waiters.map((p, i) => [p, card(p, waiting + " " + (i + 1), "", extra.waiter ? extra.waiter(p) : "")]),
  ].slice(0, shownOwners).map(([p, c]) => el("li", { "data-key": p.path + " " + p.token }, c));
  return items.length ? [el("ol", { class: "line" }, items), ...more([...holders, ...waiters], shownOwners)] : none();
}

const grid = (all, make) => all.length ? [el("div", { class: "grid" }, all.slice(0, shownOwners).map(make)), ...more(all, shownOwners)] : none();
const facts = (pairs) => el("dl", {}, pairs.filter(([, v]) => v !== undefined && v !== "").map(([k, v]) => [el("dt", {}, k), el("dd", {}, v)]));
const ago = (time) => time ? el("span", {}, aged(time), " ago") : undefined;

function body(f) {
  const asks = { holder: (p) => p.session && !p.revoked ? revoke(p.path, name(p), f.path) : "" };
  switch (f.kind) {
    case "lock": return line(f.holder ? [f.holder] : [], f.waiters || [], f.mayBeElection ? "holds, or leads" : "holds", "waits", asks);
    case "rwlock": return line(f.holders || [], f.waiters || [], "holds", "waits", asks);
    case "semaphore": return [facts([["permits taken", f.used + (f.limit ? " of " + f.limit : "")]]), line(f.holders || [], f.waiters || [], "has a permit", "waits")];
    case "one-node": return [line([f.holder], [], "holds", ""), value(f, f.holder.token)];
    case "election": return [
      f.transfer ? el("p", { class: "note" }, "An operator wants " + f.transfer + " to lead.") : "",
      line(f.leader ? [f.leader] : [], f.candidates || [], "leads", "candidate", { waiter: (p) => transfer(f, p) })];
    case "group": return grid(f.members || [], (p) => card(p, "member"));
    case "partitioner": return [
      el("h3", {}, "Members"), grid(f.members || [], (p) => card(p, plural((f.claims || []).filter((c) => c.id === p.id).length, "partition"))),
      el("h3", {}, "Partitions"), grid(f.claims || [], (c) => card(c, "partition " + c.partition, "holds"))];
    case "service": return grid(f.instances || [], (i) => card(i,
      i.hidden ? "hidden" : i.leftOut ? "left out" : i.disabled ? "disabled" : i.draining ? "draining" : "up",
      i.hidden || i.leftOut ? "" : i.disabled || i.draining ? "down" : "holds",
      address(i) ? el("small", {}, address(i)) : "", metadata(i), drain(f, i)));
    case "queue": return [
      facts([["items", String(f.length)], ["delayed", String(f.delayed || 0)], ["dead letters", String(f.dead || 0)],
        ["oldest", f.oldest ? el("span", {}, "put ", aged(f.oldest.put), " ago", f.oldest.attempts ? ", " + plural(f.oldest.attempts, "attempt") : "") : undefined]]),
      el("h3", {}, "Claimed"), grid(f.claims || [], (c) => card(c, c.item, "holds")),
      queueContent(f)];
    case "job": return [facts([["state", f.state], ["called", ago(f.called)], ["ended", ago(f.ended)]]),
      line(f.by ? [f.by] : [], f.waiting || [], f.state === "running" ? "runs" : f.state, "waits")];
    case "barrier": return line([f.setBy], [], "closed by", "", { holder: () => lift(f.path) });
    case "double-barrier": return [
      el("h3", {}, "Inside"), grid(f.inside || [], (p) => card(p, "inside", "holds")),
      el("h3", {}, "Waiting"), grid(f.waiting || [], (p) => card(p, "waits"))];
    case "counter": return facts([["value", String(f.value)], ["bytes", String(f.bytes)], ["version", String(f.version)], ["changed", ago(f.modified)]]);
    case "config": return [facts([["bytes", String(f.bytes)], ["version", String(f.version)], ["changed", ago(f.modified)],
      ["kept", f.kept ? plural(f.kept, "value") + " (docent config history)" : undefined]]), value(f, f.version)];
    case "history": return facts([["of", f.key], ["kept", plural(f.kept || 0, "value")]]);
    case "hidden": return el("p", { class: "note bad" }, "An ACL hides its " + f.what + " from the credentials that docent ui was started with.");
    case "omitted": return el("p", { class: "note mark" }, plural(f.nodes, "znode") + " were not read: " + f.why);
    default: return [facts([["bytes", String(f.bytes || 0)], ["session", f.session ? session(f.session) : undefined]]), f.bytes ? value(f, f.bytes) : ""];
  }
}

const timed = new Set(["lock", "rwlock", "semaphore", "one-node", "election", "job"]);

function content(f) {
  const problems = (store.problems || []).filter((p) => p.path === f.path || (p.others || []).includes(f.path));
  return [
    el("h2", { tabindex: -1 }, f.path),
    el("p", { class: "meta" }, [f.kind, (f.layouts || []).join(", "), f.created ? "made " : ""].filter(Boolean).join(" · "), ago(f.created) || "",
      f.strangers ? " · " + plural(f.strangers, "unrecognised child", "unrecognised children") : "", f.unread ? " · " + f.unread + " not read" : ""),
    problems.length ? el("div", { class: "here" }, problemList(problems, f.path)) : "",
    el("div", { class: "body" }, body(f)),
    ...(f.notes || []).map((n) => el("p", { class: "note" }, n)),
    ...(f.abandoned || []).map((m) => el("p", { class: "note mark" }, "Looks abandoned: " + m.path + ": " + m.why + " ", remove(m.path, m.why))),
    timed.has(f.kind) ? el("section", { class: "recent", "aria-label": "The last minutes" }, el("h3", {}, "The last minutes"), laneOf(f)) : "",
  ].filter((n) => n !== "");
}

let drawn = null; // the path and the kind that the section shows

// drawDetail shows the finding at a path. It changes only what differs.
export function drawDetail(path) {
  const section = $("detail");
  const f = path === null ? undefined : finding(path);
  const is = f ? f.kind + " " + path : "none " + path;
  let nodes;
  if (f) nodes = content(f);
  else if (path === null) nodes = [el("p", { class: "hint" }, "Select something. Keys: ", el("kbd", {}, "/"), " search, ", el("kbd", {}, "↑"), " ", el("kbd", {}, "↓"), " move, ", el("kbd", {}, "Enter"), " show, ", el("kbd", {}, "Esc"), " back.")];
  else nodes = [el("h2", { tabindex: -1 }, path), el("p", { class: "hint" }, store.report ? "The znode does not exist now." : "Reading…")];
  if (is === drawn) patchChildren(section, nodes);
  else replace(section, nodes);
  drawn = is;
}
