// The list of findings: searched, filtered, sorted.
import { $, aged, el, patchChildren, plural, put } from "./dom.js";
import { brief, earlier, since, states } from "./words.js";
import { listed, problemPaths, store } from "./store.js";

// rows is how many findings are drawn at a time.
const rows = 300;
let limit = rows;

// What the search looks at: everything that the finding says.
const texts = new WeakMap();
function text(f) {
  if (!texts.has(f)) texts.set(f, (f.path + " " + f.kind + " " + brief(f) + " " + JSON.stringify(f)).toLowerCase());
  return texts.get(f);
}

const orders = {
  path: null,
  oldest: (a, b) => earlier(since(a), since(b)),
  newest: (a, b) => since(a) && since(b) ? earlier(since(b), since(a)) : earlier(since(a), since(b)),
  kind: (a, b) => a.kind.localeCompare(b.kind),
};

function visible(all) {
  const words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const kind = $("kind").value;
  const state = states[$("state-filter").value];
  const problems = problemPaths();
  const some = all.filter((f) => (!kind || f.kind === kind) && (!state || state[1](f, problems)) && words.every((w) => text(f).includes(w)));
  const order = orders[$("order").value];
  return order ? some.sort(order) : some;
}

// The kinds in the report, with their numbers.
function drawKinds(all) {
  const counts = new Map();
  for (const f of all) counts.set(f.kind, (counts.get(f.kind) || 0) + 1);
  const chosen = $("kind").value;
  if (chosen && !counts.has(chosen)) counts.set(chosen, 0);
  const options = [el("option", { value: "", "data-key": "all" }, "All kinds"),
    ...[...counts].sort().map(([kind, n]) => el("option", { value: kind, "data-key": kind }, kind + " (" + n + ")"))];
  patchChildren($("kind"), options, false);
}

const keyOf = (f) => f.kind + " " + f.path;

// What makes a row differ from the one that is drawn.
const faceOf = (f, problems) => brief(f) + "\n" + since(f) + "\n" + (f.abandoned || []).length + problems.has(f.path);

function row(f, problems) {
  const marked = problems.has(f.path) || (f.abandoned || []).length > 0;
  return el("button", { type: "button" },
    el("span", { class: "kind" }, f.kind), el("span", { class: "path" }, f.path),
    el("span", { class: "brief" + (marked ? " marked" : "") }, (marked ? "⚠ " : "") + brief(f)),
    el("span", { class: "age" }, aged(since(f), true)));
}

// drawList patches the list: a focused button keeps its focus, and what has not changed is not touched.
export function drawList(selected, select) {
  const list = $("list");
  const all = listed();
  const shown = visible(all);
  const problems = problemPaths();
  drawKinds(all);
  const old = new Map([...list.children].map((li) => [li.dataset.key, li]));
  const items = shown.slice(0, limit).map((f) => {
    const key = keyOf(f), face = faceOf(f, problems);
    let li = old.get(key);
    if (!li) {
      li = el("li", { "data-key": key }, row(f, problems));
      li.firstChild.onclick = () => select(f.path);
    } else if (li.face !== face) {
      patchChildren(li.firstChild, [...row(f, problems).childNodes]);
    }
    li.face = face;
    const current = String(f.path === selected);
    if (li.firstChild.getAttribute("aria-current") !== current) li.firstChild.setAttribute("aria-current", current);
    return li;
  });
  arrange(list, items);
  $("more").hidden = shown.length <= limit;
  put($("more"), "Show " + Math.min(rows, shown.length - limit) + " more of " + shown.length);
  const n = all.length, report = store.report;
  put($("summary"), report ? (shown.length === n ? plural(n, "finding") : shown.length + " of " + plural(n, "finding")) + ", " + plural(report.nodes, "znode") + " read" + (report.leftOut ? ", " + plural(report.leftOut.znodes, "znode") + " without its data" : "") : "Reading…");
}

// arrange puts the items in order, and moves only those that are out of place.
function arrange(list, items) {
  const wanted = new Set(items);
  for (const li of [...list.children]) if (!wanted.has(li)) li.remove();
  let at = list.firstChild;
  for (const li of items) {
    if (li === at) at = at.nextSibling;
    else list.insertBefore(li, at);
  }
}

export function startList(draw) {
  for (const [value, [words]] of Object.entries(states)) $("state-filter").append(el("option", { value }, words));
  const anew = () => {
    limit = rows;
    draw();
  };
  for (const id of ["search", "kind", "state-filter", "order"]) $(id).oninput = anew;
  $("more").onclick = () => {
    const next = $("list").children.length;
    limit += rows;
    draw();
    $("list").children[next]?.firstChild.focus(); // where the button was
  };
}

// moveInList moves the focus by the arrow keys, and reports whether the list has it.
export function moveInList(down) {
  const buttons = [...$("list").querySelectorAll("button")], search = $("search");
  const focused = document.activeElement;
  if (focused !== search && !buttons.includes(focused)) return false;
  const next = buttons.indexOf(focused) + (down ? 1 : -1);
  if (next < 0) search.focus();
  else buttons[Math.min(next, buttons.length - 1)]?.focus();
  return true;
}
