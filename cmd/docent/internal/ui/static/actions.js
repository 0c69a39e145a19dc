// Actions: each is confirmed, and shows the command that does the same.
import { $, el, put, plain } from "./dom.js";
import { store } from "./store.js";

const unseen = (word) => plain(word) !== word;

// quote writes a word as a shell reads it. A word with characters that a reader does not see is written in bytes, as
// bash, zsh and ksh read them.
export function quote(word) {
  if (/^[A-Za-z0-9/._\-+:@%,=]+$/.test(word)) return word;
  if (!unseen(word)) return "'" + word.replaceAll("'", "'\\''") + "'";
  const bytes = [...new TextEncoder().encode(word)].map((c) => c === 0x27 || c === 0x5c ? "\\" + String.fromCharCode(c)
    : c >= 0x20 && c < 0x7f ? String.fromCharCode(c) : "\\x" + c.toString(16).padStart(2, "0"));
  return "$'" + bytes.join("") + "'";
}

export const shell = (words) => ["docent", ...words].map(quote).join(" ");

// command shows a command to copy.
export function command(words) {
  const text = shell(words);
  return el("div", { class: "command" }, el("code", {}, text),
    el("button", { type: "button", class: "copy", "aria-label": "Copy the command " + text, onclick: (event) => copy(event.currentTarget, text) }, "Copy"));
}

async function copy(button, text) {
  const code = button.previousSibling;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch { // a page without TLS may not write to the clipboard
    getSelection().selectAllChildren(code);
    button.textContent = "Press Ctrl+C";
  }
  setTimeout(() => { button.textContent = "Copy"; }, 2000);
}

// action is a button that asks for confirmation. It is "" without the right to act.
export function action(verb, { title, text, yes, url, what, words, danger }) {
  if (!store.about.actions) return "";
  return el("button", { class: danger ? "act danger" : "act", type: "button", "data-quiet": true,
    onclick: () => confirm({ title, text, yes: yes || verb, url, what, words, danger }) }, verb);
}

let pending = null; // the action in the dialog

function confirm(action) {
  pending = action;
  put($("confirm-title"), action.title);
  put($("confirm-text"), action.text);
  put($("confirm-error"), "");
  put($("confirm-yes"), action.yes);
  $("confirm-yes").classList.toggle("danger", Boolean(action.danger));
  $("confirm-yes").disabled = false;
  $("confirm-command").replaceChildren(command(action.words));
  $("confirm").showModal();
}

async function act(event) {
  event.preventDefault();
  const { url, what } = pending;
  $("confirm-yes").disabled = true;
  try {
    const response = await fetch(url, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ ...what, confirm: what.id }) });
    if (response.ok) $("confirm").close();
    else put($("confirm-error"), (await response.text()).trim());
  } catch (error) {
    put($("confirm-error"), "The server cannot be reached: " + error.message);
  }
  $("confirm-yes").disabled = false;
}
export const startActions = () => { $("confirm-yes").onclick = act; };

const last = (path) => path.slice(path.lastIndexOf("/") + 1);

export const transfer = (f, p) => p.id && action("Make leader", {
  title: "Make " + p.id + " the leader?", text: "The present leader of " + f.path + " is asked to finish and resign.", yes: "Name the next leader",
  url: "api/transfer", what: { path: f.path, id: p.id }, words: ["leader", f.path, "--transfer", p.id] });

const drainable = (f) => (f.layouts || []).some((l) => l === "curator" || l === "spring");

export function drain(f, i) {
  if (!drainable(f) || i.hidden || i.leftOut) return "";
  const id = last(i.path);
  const layout = f.layouts.includes("spring") ? "spring" : "curator";
  const base = f.path.slice(0, f.path.lastIndexOf("/")) || "/";
  const words = ["service", "drain", last(f.path), id, ...(i.draining ? ["--undo"] : []),
    ...(base === "/services" ? [] : ["--base", base]), ...(layout === "spring" ? ["--layout", "spring"] : [])];
  const verb = i.draining ? "Bring back" : "Drain";
  return action(verb, { title: verb + " " + id + "?",
    text: i.draining ? "Clients of " + f.name + " may choose it again." : "Clients of " + f.name + " stop choosing it; what is under way goes on.",
    url: "api/drain", what: { path: f.path, id, draining: !i.draining, layout }, words });
}

export const revoke = (path, who, where) => action("Ask to release", {
  title: "Ask " + who + " to release?", text: "The holder of " + where + " is asked to release it. docent lock stops its command, and then releases. A program decides whether and when it does.", yes: "Ask",
  url: "api/revoke", what: { path, id: path }, words: ["revoke", path] });

export const lift = (path) => action("Lift", {
  title: "Lift the gate " + path + "?", text: "All that wait at it go on.", url: "api/lift", what: { path, id: path }, words: ["barrier", "lift", path] });

export const remove = (path, why) => action("Remove", {
  title: "Remove " + path + "?", text: "It looks abandoned: " + why + ". It is removed only if that is still so.", danger: true,
  url: "api/remove", what: { path, id: path }, words: ["remove", path] });

// layoutOf is the layout of a queue, as docent queue names it.
export function layoutOf(f) {
  const layouts = f.layouts || [];
  if (layouts.includes("kazoo")) return f.oldest && f.oldest.path.startsWith(f.path + "/entries/") ? "kazoo-locking" : "kazoo";
  return layouts.includes("generic") ? "simple" : "curator";
}
const layoutFlag = (layout) => layout === "curator" ? [] : ["--layout", layout];

export function letterActions(f, letter) {
  const layout = layoutOf(f);
  const what = { path: f.path, id: letter.id, layout };
  return [
    letter.malformed || letter.hidden ? "" : action("Redrive", { title: "Redrive " + letter.id + "?", text: "The letter goes to the end of " + f.path + ", with no attempts.",
      url: "api/redrive", what, words: ["queue", "dead", "redrive", f.path, letter.id, ...layoutFlag(layout)] }),
    action("Discard", { title: "Discard " + letter.id + "?", text: "The letter is deleted for good.", danger: true,
      url: "api/discard", what, words: ["queue", "dead", "discard", f.path, letter.id, ...layoutFlag(layout)] }),
  ];
}
