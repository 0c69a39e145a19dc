// What the page says of findings and of owners.
import { el, link, aged, plural } from "./dom.js";

export const name = (owner) => owner.id || (owner.hidden ? "(hidden by an ACL)" : owner.leftOut ? "(its data is left out)" : owner.revoked ? "(asked to release)" : "(no name)");
const waits = (waiters) => (waiters || []).length ? ", " + (waiters.length === 1 ? "1 waits" : waiters.length + " wait") : "";

// brief is one line about a finding.
export function brief(f) {
  switch (f.kind) {
    case "lock": return (f.holder ? "held by " + name(f.holder) : "free") + waits(f.waiters);
    case "rwlock": return (f.holders || []).length ? f.holders.map(name).join(", ") + (f.holders[0].mode === "write" ? " writes" : " read") + waits(f.waiters) : "free";
    case "semaphore": return plural(f.used, "permit") + (f.limit ? " of " + f.limit : "") + " taken" + waits(f.waiters);
    case "one-node": return "held by " + name(f.holder);
    case "election": return (f.leader ? name(f.leader) + " leads" : "no leader") + ((f.candidates || []).length ? ", " + plural(f.candidates.length, "candidate") + (f.candidates.length === 1 ? " waits" : " wait") : "");
    case "group": return plural((f.members || []).length, "member");
    case "partitioner": return (f.claims || []).length + (f.partitions ? " of " + f.partitions : "") + " partitions owned, " + plural((f.members || []).length, "member");
    case "service": return services(f);
    case "queue": return plural(f.length, "item") + (f.dead ? ", " + plural(f.dead, "dead letter") : "");
    case "job": return f.by ? f.state + ", by " + name(f.by) + waits(f.waiting) : "has never run";
    case "barrier": return "closed";
    case "double-barrier": return f.ready ? "under way, " + (f.inside || []).length + " inside" : (f.waiting || []).length + " waiting";
    case "counter": return String(f.value);
    case "config": return "version " + f.version + ", " + plural(f.bytes, "byte") + (f.kept ? ", " + plural(f.kept, "value") + " kept" : "");
    case "history": return plural(f.kept || 0, "value") + " kept of " + f.key;
    case "hidden": return "an ACL hides its " + f.what;
    case "omitted": return plural(f.nodes, "znode") + " left out: " + f.why;
    default: return f.bytes ? plural(f.bytes, "byte") : "no data";
  }
}

const down = (i) => !i.hidden && !i.leftOut && (i.draining || i.disabled);

function services(f) {
  const all = f.instances || [];
  const off = all.filter(down).length;
  return plural(all.length, "instance") + (off ? ", " + off + " draining or disabled" : "");
}

// owners returns the owners of a finding, each with its role: holds, waits or belongs.
export function owners(f) {
  const as = (role, what, all) => (all || []).filter(Boolean).map((owner, i) => ({ owner, role, what, place: i + 1 }));
  switch (f.kind) {
    case "lock": return [...as("holds", "holds", [f.holder]), ...as("waits", "waits", f.waiters)];
    case "rwlock": return [...as("holds", "holds", f.holders), ...as("waits", "waits", f.waiters)];
    case "semaphore": return [...as("holds", "has a permit", f.holders), ...as("waits", "waits", f.waiters)];
    case "one-node": return as("holds", "holds", [f.holder]);
    case "election": return [...as("holds", "leads", [f.leader]), ...as("waits", "is a candidate", f.candidates)];
    case "group": return as("belongs", "is a member", f.members);
    case "partitioner": return [...(f.claims || []).map((c) => ({ owner: c, role: "holds", what: "owns partition " + c.partition })), ...as("belongs", "is a member", f.members)];
    case "service": return (f.instances || []).map((i) => ({ owner: i, role: "belongs", what: "is an instance" + (down(i) ? ", " + (i.draining ? "draining" : "disabled") : "") }));
    case "queue": return (f.claims || []).map((c) => ({ owner: c, role: "holds", what: "has claimed " + c.item }));
    case "job": return [...(f.state === "running" ? as("holds", "runs it", [f.by]) : []), ...as("waits", "waits", f.waiting)];
    case "double-barrier": return [...as("belongs", "is inside", f.inside), ...as("waits", "waits", f.waiting)];
    default: return [];
  }
}

// time is a number to compare times by. What has no time comes last.
export const time = (t) => t ? new Date(t).getTime() : Infinity;
export const earlier = (a, b) => time(a) === time(b) ? 0 : time(a) < time(b) ? -1 : 1;

// since is the time to which the age of a finding counts.
export function since(f) {
  const all = owners(f).map((o) => o.owner.since).filter(Boolean);
  return all.reduce((a, b) => earlier(a, b) <= 0 ? a : b, "") || (f.oldest && f.oldest.put) || (f.setBy && f.setBy.since) || f.modified || f.ended || f.created || "";
}

// states are what the list can be filtered by.
export const states = {
  problem: ["with a problem", (f, problems) => problems.has(f.path)],
  waits: ["someone waits", (f) => f.kind !== "election" && owners(f).some((o) => o.role === "waits")],
  held: ["held, led or claimed", (f) => owners(f).some((o) => o.role === "holds")],
  free: ["free", (f) => ["lock", "rwlock", "semaphore", "election"].includes(f.kind) && !owners(f).some((o) => o.role === "holds")],
  down: ["draining or disabled", (f) => f.kind === "service" && (f.instances || []).some(down)],
  marked: ["looks abandoned", (f) => (f.abandoned || []).length > 0],
  unread: ["hidden or left out", (f) => f.kind === "hidden" || f.kind === "omitted" || f.unread > 0],
};

// address is where an instance listens. An IPv6 address needs brackets before a port.
export function address(i) {
  if (!i.address) return "";
  const host = i.address.includes(":") && !i.address.startsWith("[") ? "[" + i.address + "]" : i.address;
  return (i.port ? host + ":" + i.port : i.address) + (i.sslPort ? ", TLS " + i.sslPort : "");
}

export const session = (id) => link("session/" + id, "session " + id);

// howLong says how long an owner holds, or has been there. The time in line is not the time held.
export const howLong = (owner, holds) => holds && !owner.holdingSince ? ["queued ", aged(owner.since), " ago"] : ["for ", aged(owner.holdingSince || owner.since)];

// card shows the owner of a znode.
export function card(owner, role, style, ...more) {
  return el("div", { class: "owner " + (style || ""), "data-key": owner.path + " " + owner.token },
    el("span", { class: "role" }, role),
    el("strong", {}, name(owner)),
    owner.host || owner.pid ? el("small", {}, [owner.host, owner.pid ? "pid " + owner.pid : ""].filter(Boolean).join(", ")) : "",
    owner.hidden ? el("small", {}, "its znode may not be read: an ACL hides what it holds") : "",
    owner.leftOut && owner.id ? el("small", {}, "its data is left out") : "",
    owner.token ? el("small", {}, howLong(owner, style === "holds"), owner.mode ? ", " + owner.mode : "", owner.revoked ? ", asked to release" : "") : "",
    owner.session ? el("small", {}, session(owner.session)) : owner.hidden && !owner.token ? "" : el("small", {}, "no session"),
    owner.token ? el("small", {}, "token " + owner.token) : "",
    more);
}
