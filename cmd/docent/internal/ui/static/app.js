"use strict";

// All text from ZooKeeper goes into the page as text nodes: see el and put. What a reader cannot see is written out,
// as the command does: control characters, and characters that change the direction of text or take no room.
const unseen = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800\ufffc\u{13441}\u{13442}\u{16fe4}\u{1d159}]/gu;
const plain = (text) => String(text).replace(unseen, (c) => "\\u{" + c.codePointAt(0).toString(16) + "}");
const put = (id, text) => { $(id).textContent = plain(text); };

const $ = (id) => document.getElementById(id);
let report = null;      // the newest
let about = { path: "/", actions: false };
let selected = null;    // a path
let before = new Map(); // key -> JSON of each finding in the report before

function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== false) node.setAttribute(name, value);
  }
  for (const child of children.flat(Infinity)) {
    if (child !== undefined && child !== null && child !== "") node.append(child instanceof Node ? child : plain(child));
  }
  return node;
}

function age(time) {
  if (!time) return "";
  const s = Math.max(0, Math.round((Date.now() - new Date(time)) / 1000));
  if (s < 60) return s + "s";
  if (s < 3600) return Math.floor(s / 60) + "m" + (s % 60) + "s";
  if (s < 86400) return Math.floor(s / 3600) + "h" + Math.floor((s % 3600) / 60) + "m";
  return Math.floor(s / 86400) + "d" + Math.floor((s % 86400) / 3600) + "h";
}

const aged = (time) => time ? el("span", { "data-since": time }, age(time)) : "";
const name = (owner) => owner.id || (owner.hidden ? "(hidden by an ACL)" : owner.leftOut ? "(its data is left out)" : owner.revoked ? "(asked to release)" : "(no name)");
const plural = (n, one, many) => n + " " + (n === 1 ? one : many || one + "s");

// What one line of the list says of a finding.
function brief(f) {
  switch (f.kind) {
    case "lock": return (f.holder ? "held by " + name(f.holder) : "free") + waits(f.waiters);
    case "rwlock": return (f.holders || []).length ? f.holders.map(name).join(", ") + (f.holders[0].mode === "write" ? " writes" : " read") + waits(f.waiters) : "free";
    case "semaphore": return plural(f.used, "permit") + (f.limit ? " of " + f.limit : "") + " taken" + waits(f.waiters);
    case "one-node": return "held by " + name(f.holder);
    case "election": return (f.leader ? name(f.leader) + " leads" : "no leader") + ((f.candidates || []).length ? ", " + plural(f.candidates.length, "candidate") + (f.candidates.length === 1 ? " waits" : " wait") : "");
    case "group": return plural((f.members || []).length, "member");
    case "partitioner": return (f.claims || []).length + (f.partitions ? " of " + f.partitions : "") + " partitions owned, " + plural((f.members || []).length, "member");
    case "service": return plural((f.instances || []).length, "instance");
    case "queue": return plural(f.length, "item") + (f.dead ? ", " + plural(f.dead, "dead letter") : "");
    case "job": return f.by ? f.state + ", by " + name(f.by) + waits(f.waiting) : "has never run";
    case "barrier": return "closed";
    case "double-barrier": return f.ready ? "under way, " + (f.inside || []).length + " inside" : (f.waiting || []).length + " waiting";
    case "counter": return String(f.value);
    case "config": return "version " + f.version + ", " + plural(f.bytes, "byte") + (f.kept ? ", " + plural(f.kept, "value") + " kept" : "");
    case "history": return plural(f.kept || 0, "value") + " kept of " + f.key;
    case "hidden": return "an ACL hides its " + f.what;
    case "omitted": return plural(f.nodes, "znode") + " left out: " + f.why;
    default: return f.bytes ? plural(f.bytes, "byte") : "";
  }
}
const waits = (waiters) => (waiters || []).length ? ", " + (waiters.length === 1 ? "1 waits" : waiters.length + " wait") : "";

// The owner of a node as a card.
function card(owner, role, style, ...more) {
  return el("div", { class: "owner " + (style || "") },
    el("span", { class: "role" }, role),
    el("strong", {}, name(owner)),
    owner.host || owner.pid ? el("small", {}, [owner.host, owner.pid ? "pid " + owner.pid : ""].filter(Boolean).join(", ")) : "",
    owner.hidden ? el("small", {}, "its znode may not be read: an ACL hides what it holds") : "",
    owner.leftOut && owner.id ? el("small", {}, "its data is left out") : "",
    owner.token ? el("small", {}, style === "holds" && !owner.holdingSince ? ["queued ", aged(owner.since), " ago"] : ["for ", aged(owner.holdingSince || owner.since)], owner.mode ? ", " + owner.mode : "", owner.revoked ? ", asked to release" : "") : "",
    owner.session ? el("small", {}, "session " + owner.session) : owner.hidden && !owner.token ? "" : el("small", {}, "no session"),
    owner.token ? el("small", {}, "token " + owner.token) : "",
    more);
}

// A line of contenders, drawn as one: first the holders, then the waiters in order.
function line(holders, waiters, holds, waiting, more) {
  const items = [
    ...holders.map((p) => el("li", {}, card(p, holds, "holds"))),
    ...waiters.map((p, i) => el("li", {}, card(p, waiting + " " + (i + 1), "", more ? more(p) : ""))),
  ];
  return items.length ? el("ol", { class: "line" }, items) : el("p", { class: "hint" }, "None.");
}

const grid = (cards) => cards.length ? el("div", { class: "grid" }, cards) : el("p", { class: "hint" }, "None.");
const facts = (pairs) => el("dl", {}, pairs.filter(([, v]) => v !== undefined && v !== "").map(([k, v]) => [el("dt", {}, k), el("dd", {}, v)]));

function body(f) {
  switch (f.kind) {
    case "lock": return line(f.holder ? [f.holder] : [], f.waiters || [], f.mayBeElection ? "holds, or leads" : "holds", "waits");
    case "rwlock": return line(f.holders || [], f.waiters || [], "holds", "waits");
    case "semaphore": return [facts([["permits taken", f.used + (f.limit ? " of " + f.limit : "")]]), line(f.holders || [], f.waiters || [], "has a permit", "waits")];
    case "one-node": return line([f.holder], [], "holds", "");
    case "election": return [
      f.transfer ? el("p", { class: "note" }, "An operator wants " + f.transfer + " to lead.") : "",
      line(f.leader ? [f.leader] : [], f.candidates || [], "leads", "candidate", about.actions ? (p) => p.id ? transferButton(f, p) : "" : null)];
    case "group": return grid((f.members || []).map((p) => card(p, "member")));
    case "partitioner": return [
      el("h3", {}, "Members"), grid((f.members || []).map((p) => card(p, plural((f.claims || []).filter((c) => c.id === p.id).length, "partition")))),
      el("h3", {}, "Partitions"), grid((f.claims || []).map((c) => card(c, "partition " + c.partition, "holds")))];
    case "service": return grid((f.instances || []).map((i) => card(i,
      i.hidden ? "hidden" : i.leftOut ? "left out" : i.disabled ? "disabled" : i.draining ? "draining" : "up",
      i.hidden || i.leftOut ? "" : i.disabled || i.draining ? "down" : "holds",
      i.address ? el("small", {}, i.address + (i.port ? ":" + i.port : "") + (i.sslPort ? ", TLS " + i.sslPort : "")) : "",
      about.actions && drainable(f) && !i.hidden && !i.leftOut ? drainButton(f, i) : "")));
    case "queue": return [
      facts([["items", String(f.length)], ["delayed", String(f.delayed || 0)], ["dead letters", String(f.dead || 0)],
        ["oldest", f.oldest ? el("span", {}, "put ", aged(f.oldest.put), " ago", f.oldest.attempts ? ", " + plural(f.oldest.attempts, "attempt") : "") : undefined]]),
      el("h3", {}, "Claimed"), grid((f.claims || []).map((c) => card(c, c.item, "holds")))];
    case "job": return [
      facts([["state", f.state], ["called", f.called ? el("span", {}, aged(f.called), " ago") : undefined],
        ["ended", f.ended ? el("span", {}, aged(f.ended), " ago") : undefined]]),
      line(f.by ? [f.by] : [], f.waiting || [], f.state === "running" ? "runs" : f.state, "waits")];
    case "barrier": return line([f.setBy], [], "closed by", "");
    case "double-barrier": return [
      el("h3", {}, "Inside"), grid((f.inside || []).map((p) => card(p, "inside", "holds"))),
      el("h3", {}, "Waiting"), grid((f.waiting || []).map((p) => card(p, "waits")))];
    case "counter": return facts([["value", String(f.value)], ["bytes", String(f.bytes)], ["version", String(f.version)], ["changed", el("span", {}, aged(f.modified), " ago")]]);
    case "config": return facts([["bytes", String(f.bytes)], ["version", String(f.version)], ["changed", el("span", {}, aged(f.modified), " ago")],
      ["kept", f.kept ? plural(f.kept, "value") + " (docent config history)" : undefined]]);
    case "history": return facts([["of", f.key], ["kept", plural(f.kept || 0, "value")]]);
    case "hidden": return el("p", { class: "note bad" }, "An ACL hides its " + f.what + " from the credentials that docent ui was started with.");
    case "omitted": return el("p", { class: "note mark" }, plural(f.nodes, "znode") + " were not read: " + f.why);
    default: return facts([["bytes", String(f.bytes || 0)], ["session", f.session]]);
  }
}

const drainable = (f) => (f.layouts || []).some((l) => l === "curator" || l === "spring");
const last = (path) => path.slice(path.lastIndexOf("/") + 1);

function transferButton(f, p) {
  return el("button", { class: "act", type: "button", onclick: () => confirmed("Make " + p.id + " the leader?",
    "The present leader of " + f.path + " is asked to finish and resign.", "Name the next leader",
    "api/transfer", { path: f.path, id: p.id }) }, "Make leader");
}

function drainButton(f, i) {
  const id = last(i.path);
  const draining = !i.draining;
  return el("button", { class: "act", type: "button", onclick: () => confirmed((draining ? "Drain " : "Bring back ") + id + "?",
    draining ? "Clients of " + f.name + " stop choosing it; what is under way goes on." : "Clients of " + f.name + " may choose it again.",
    draining ? "Drain" : "Bring back", "api/drain",
    { path: f.path, id, draining, layout: f.layouts.includes("spring") ? "spring" : "curator" }) }, draining ? "Drain" : "Bring back");
}

function confirmed(title, text, verb, url, what) {
  put("confirm-title", title);
  put("confirm-text", text);
  put("confirm-error", "");
  put("confirm-yes", verb);
  const dialog = $("confirm");
  const act = async (event) => {
    event.preventDefault();
    $("confirm-yes").disabled = true;
    try {
      const response = await fetch(url, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ ...what, confirm: what.id }) });
      if (response.ok) dialog.close();
      else put("confirm-error", (await response.text()).trim());
    } catch (error) {
      put("confirm-error", "The server cannot be reached: " + error.message);
    }
    $("confirm-yes").disabled = false;
  };
  $("confirm-yes").addEventListener("click", act);
  dialog.addEventListener("close", () => $("confirm-yes").removeEventListener("click", act), { once: true });
  dialog.showModal();
}

// What the search looks at: everything that the finding says.
const text = (f) => (f.path + " " + f.kind + " " + brief(f) + " " + JSON.stringify(f)).toLowerCase();

// What is listed: all but nodes that are nothing in themselves, and whose paths are seen in what follows.
function listed() {
  const all = report ? report.findings : [];
  const leads = (f, next) => next && next.path.startsWith(f.path === "/" ? "/" : f.path + "/");
  return all.filter((f, i) => f.kind !== "plain" || (f.notes || []).length || f.bytes || !leads(f, all[i + 1]));
}

function visible() {
  const words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  return listed().filter((f) => words.length === 0 || words.every((w) => text(f).includes(w)));
}

const keyOf = (f) => f.kind + " " + f.path;

// The list is patched, not rebuilt: a focused button keeps its focus.
function drawList() {
  const list = $("list");
  const old = new Map([...list.children].map((li) => [li.dataset.key, li]));
  const shown = visible();
  const items = shown.map((f) => {
    const key = keyOf(f);
    const json = JSON.stringify(f);
    const current = String(f.path === selected);
    let li = old.get(key);
    if (!li || li.dataset.json !== json) {
      const button = li ? li.firstChild : el("button", { type: "button", onclick: () => select(f.path, true) });
      button.replaceChildren(el("span", { class: "kind" }, f.kind), el("span", { class: "path" }, f.path),
        el("span", { class: "brief" + ((f.abandoned || []).length ? " marked" : "") }, ((f.abandoned || []).length ? "⚠ " : "") + brief(f)));
      li = li || el("li", {}, button);
      li.dataset.key = key;
      li.dataset.json = json;
      if (before.has(key) && before.get(key) !== json) flash(button);
    }
    li.firstChild.setAttribute("aria-current", current);
    return li;
  });
  const same = items.length === list.children.length && items.every((li, i) => li === list.children[i]);
  if (!same) {
    const focused = list.contains(document.activeElement) ? document.activeElement : null;
    list.replaceChildren(...items);
    if (focused && focused.isConnected) focused.focus();
  }
  const n = listed().length;
  put("summary", report ? (shown.length === n ? plural(n, "finding") : shown.length + " of " + plural(n, "finding")) + ", " + plural(report.nodes, "znode") + " read" + (report.leftOut ? ", " + plural(report.leftOut.znodes, "znode") + " without its data" : "") : "");
}

function flash(node) {
  node.classList.remove("changed");
  void node.offsetWidth; // starts the animation anew
  node.classList.add("changed");
}

function drawDetail() {
  const section = $("detail");
  const f = report && report.findings.find((g) => g.path === selected);
  if (!f) {
    if (selected !== null) section.replaceChildren(el("h2", {}, selected), el("p", { class: "hint" }, report ? "The znode does not exist now." : "Reading…"));
    return;
  }
  const json = JSON.stringify(f);
  if (section.dataset.json === json) return;
  const active = section.contains(document.activeElement) ? document.activeElement.textContent : null;
  section.dataset.json = json;
  section.replaceChildren(
    el("h2", {}, f.path),
    el("p", { class: "meta" }, [f.kind, (f.layouts || []).join(", "), f.created ? "made " : ""].filter(Boolean).join(" · "), f.created ? el("span", {}, aged(f.created), " ago") : "",
      f.strangers ? " · " + plural(f.strangers, "unrecognised child", "unrecognised children") : "", f.unread ? " · " + f.unread + " not read" : ""),
    el("div", { class: "body" }, body(f)),
    ...(f.notes || []).map((n) => el("p", { class: "note" }, n)),
    ...(f.abandoned || []).map((m) => el("p", { class: "note mark" }, "Looks abandoned: " + m.path + ": " + m.why)));
  if (before.has(keyOf(f)) && before.get(keyOf(f)) !== json) flash(section);
  if (active) [...section.querySelectorAll("button")].find((b) => b.textContent === active)?.focus();
}

function draw() {
  drawList();
  drawDetail();
  before = new Map((report ? report.findings : []).map((f) => [keyOf(f), JSON.stringify(f)]));
}

function select(path, show) {
  selected = path;
  delete $("detail").dataset.json;
  $("detail").classList.remove("changed"); // that was something else
  history.replaceState(null, "", path === null ? "#" : "#" + encodeURI(path));
  draw();
  if (show) $("detail").focus({ preventScroll: window.innerWidth > 960 });
}

// What is shown held at asOf: then it was read, or a quorum has confirmed it.
let asOf = null;
let heard = 0;            // when the server has sent something last, by this page's clock
const silence = 20000;    // after which it has fallen silent; it confirms every 5 seconds

function tell(state, words) {
  $("state").dataset.state = state;
  if (plain(words) !== $("state-words").textContent) put("state-words", words);
  $("state-age").replaceChildren(asOf ? el("span", {}, state === "live" ? ", confirmed " : " What is shown is of ", aged(asOf), state === "live" ? " ago" : " ago.") : "");
  document.body.classList.toggle("stale", state !== "live" && report !== null);
}

function live(time) {
  asOf = time;
  tell("live", "live");
}

// Keys: the list behaves like one, wherever in it the focus is.
document.addEventListener("keydown", (event) => {
  if ($("confirm").open || event.ctrlKey || event.metaKey || event.altKey) return;
  const search = $("search");
  if (event.key === "/" && document.activeElement !== search) {
    event.preventDefault();
    search.focus();
    search.select();
  } else if (event.key === "Escape") {
    if (document.activeElement === search && search.value) { search.value = ""; draw(); } else $("list").querySelector("[aria-current=true]")?.focus();
  } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    const buttons = [...$("list").querySelectorAll("button")];
    if (document.activeElement !== search && !buttons.includes(document.activeElement)) return;
    event.preventDefault();
    const at = buttons.indexOf(document.activeElement);
    const next = event.key === "ArrowDown" ? at + 1 : at - 1;
    if (next < 0) search.focus();
    else buttons[Math.min(next, buttons.length - 1)]?.focus();
  } else if (event.key === "Enter" && document.activeElement === search) {
    $("list").querySelector("button")?.click();
  }
});
$("search").addEventListener("input", drawList);
setInterval(() => document.querySelectorAll("[data-since]").forEach((node) => { node.textContent = age(node.dataset.since); }), 1000);

// The path that the address names, or null.
function named() {
  if (location.hash.length < 2) return null;
  try { return decodeURI(location.hash.slice(1)); } catch { return null; }
}

// The answer to a request that failed: one sentence of the server.
const sentence = async (response) => (await response.text()).trim();

function follow() {
  const source = new EventSource("api/events");
  const on = (event, then) => source.addEventListener(event, (message) => { heard = Date.now(); then(message.data && JSON.parse(message.data)); });
  on("report", (data) => {
    report = data;
    live(report.taken);
    draw();
  });
  on("confirmed", (data) => live(data.at));
  on("trouble", (data) => tell("trouble", data.text + "."));
  on("waiting", () => tell("waiting", "reading…"));
  source.addEventListener("error", () => {
    tell("trouble", "The page has lost its server; it tries again.");
    // A browser tries again after a lost connection, and gives up after a rejection.
    if (source.readyState === EventSource.CLOSED) askWhy().catch(() => setTimeout(follow, 3000));
  });
}

// askWhy shows why the events are rejected, and follows them again if that may pass.
async function askWhy() {
  const stop = new AbortController();
  const response = await fetch("api/events", { signal: stop.signal });
  if (response.ok) stop.abort();
  else tell("trouble", await sentence(response));
  if (response.ok || response.status === 503) setTimeout(follow, 1000 * Number(response.headers.get("Retry-After") || 1));
}

async function start() {
  selected = named();
  const response = await fetch("api/about");
  if (!response.ok) {
    tell("trouble", await sentence(response));
    return;
  }
  about = await response.json();
  put("top", about.path === "/" ? "" : about.path);
  follow();
  setInterval(() => {
    if ($("state").dataset.state === "live" && Date.now() - heard > silence) tell("trouble", "The page's server has fallen silent.");
  }, 1000);
}
start().catch((error) => tell("trouble", "The server cannot be reached: " + error.message));
