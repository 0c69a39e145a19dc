// Values, metadata and payloads, as far as the credentials of docent ui may read them. The server hides what --redact
// names before it sends them.
import { el, aged, lines, plural } from "./dom.js";
import { answer } from "./store.js";
import { layoutOf, letterActions } from "./actions.js";

const at = (path) => "api/value?path=" + encodeURIComponent(path);

// shown draws one value.
function shown(v) {
  const kept = [v.redacted ? "redacted" : "", v.cut ? "the end is left out" : "", v.hex ? "not text: the first bytes in hexadecimal" : ""].filter(Boolean).join(", ");
  if (!v.bytes) return el("p", { class: "hint" }, "Empty.");
  const pre = el("pre", { tabindex: 0 });
  pre.textContent = v.hex ? v.hex.replace(/(..)/g, "$1 ").trim() : lines(v.text);
  return [pre, el("p", { class: "hint", "data-quiet": true }, plural(v.bytes, "byte") + (kept ? ", " + kept : ""))];
}

const waiting = (a) => a.error ? el("p", { class: "note" }, a.error) : el("p", { class: "hint" }, "Reading…");

// value draws the value of a finding's znode. It is read again when the stamp changes.
export function value(f, stamp) {
  const a = answer(at(f.path), String(stamp));
  return el("section", { class: "value", "aria-label": "Value" }, el("h3", {}, "Value"), a.data ? shown(a.data) : waiting(a));
}

const opened = new Set(); // the instances whose data is shown

// metadata draws the data of an instance, once a viewer asks for it.
export function metadata(i) {
  if (i.hidden || i.leftOut) return "";
  const inside = () => {
    const a = answer(at(i.path), String(i.token) + i.draining);
    return a.data ? shown(a.data) : waiting(a);
  };
  return el("details", { "data-key": "metadata", open: opened.has(i.path),
    ontoggle: (event) => {
      if (event.currentTarget.open === opened.has(i.path)) return;
      if (event.currentTarget.open) opened.add(i.path);
      else opened.delete(i.path);
      document.dispatchEvent(new Event("draw"));
    } }, el("summary", {}, "Data"), opened.has(i.path) ? inside() : "");
}

// queueContent draws the first dead letters and items of a queue.
export function queueContent(f) {
  const url = "api/queue?path=" + encodeURIComponent(f.path) + "&layout=" + layoutOf(f);
  const a = answer(url, [f.length, f.dead, f.oldest && f.oldest.path, (f.claims || []).length].join(" "));
  if (!a.data) return waiting(a);
  const q = a.data;
  return [
    el("h3", {}, "Dead letters"),
    q.letters.length ? el("ul", { class: "entries" }, q.letters.map((l) => el("li", { "data-key": l.id },
      el("strong", {}, l.reason || (l.hidden ? "(hidden by an ACL)" : "(no reason)")),
      el("small", {}, l.id, l.died ? [", died ", aged(l.died), " ago"] : "", l.attempts ? ", " + plural(l.attempts, "attempt") : "", l.malformed ? ", malformed" : ""),
      l.hidden ? "" : shown(l.value), el("div", { class: "actions" }, letterActions(f, l))))) : el("p", { class: "hint" }, "None."),
    q.moreLetters ? el("p", { class: "hint" }, "And more: docent queue dead list.") : "",
    el("h3", {}, "First items"),
    q.items.length ? el("ul", { class: "entries" }, q.items.map((i) => el("li", { "data-key": i.id },
      el("small", {}, i.id, i.put ? [", put ", aged(i.put), " ago"] : "", i.attempts ? ", " + plural(i.attempts, "attempt") : "", i.claimed ? ", claimed" : ""),
      i.hidden ? el("small", {}, "(hidden by an ACL)") : shown(i.value)))) : el("p", { class: "hint" }, "None."),
    q.moreItems ? el("p", { class: "hint" }, "And more: docent queue list.") : "",
  ];
}
