// The page's only way to the DOM. All text from ZooKeeper goes into it as text nodes, or as an attribute that no browser
// runs. What a reader cannot see is written out, as the command does: control characters, and characters that change the
// direction of text or take no room.
const unseen = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800\ufffc\u{13441}\u{13442}\u{16fe4}\u{1d159}]/gu;
export const plain = (text) => String(text).replace(unseen, (c) => "\\u{" + c.codePointAt(0).toString(16) + "}");

// lines is plain for a value of several lines: it keeps line feeds and tabs.
export const lines = (text) => String(text).replace(/\r\n/g, "\n").replace(unseen, (c) => c === "\n" || c === "\t" ? c : plain(c));

export const $ = (id) => document.getElementById(id);

// put sets a text, if it differs.
export function put(node, text) {
  text = plain(text);
  if (node.textContent !== text) node.textContent = text;
}

const svgTags = new Set(["svg", "g", "rect", "line", "text", "title"]);

// el makes an element. The names of handlers begin with "on". A child is a node or a text.
export function el(tag, attributes, ...children) {
  const node = svgTags.has(tag) ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) node[name] = value;
    else if (value !== undefined && value !== null && value !== false) node.setAttribute(name, value === true ? "" : plain(value));
  }
  for (const child of children.flat(Infinity)) {
    if (child !== undefined && child !== null && child !== "" && child !== false) node.append(child instanceof Node ? child : plain(child));
  }
  return node;
}

// link leads to another place of the page.
export const link = (hash, ...children) => el("a", { href: "#" + encodeURI(hash) }, ...children);

const handlers = ["onclick", "onchange", "oninput", "ontoggle"];
const keep = (node, name) => name === "open" && node.tagName === "DETAILS" || name === "class" && node.classList.contains("changed");

// patch makes an element equal to another with as few changes as possible, so that the focus, the selection, scrolled
// and opened parts stay as they are. It marks the elements whose own text has changed, unless it is an age.
export function patch(old, now, mark = true) {
  for (const a of [...old.attributes]) if (!now.hasAttribute(a.name) && !keep(old, a.name)) old.removeAttribute(a.name);
  for (const a of now.attributes) {
    const value = a.name === "class" && old.classList.contains("changed") ? (a.value + " changed").trim() : a.value;
    if (old.getAttribute(a.name) !== value) old.setAttribute(a.name, value);
  }
  for (const h of handlers) if (old[h] !== now[h]) old[h] = now[h];
  patchChildren(old, [...now.childNodes], mark);
}

const keyed = (node) => node.dataset && node.dataset.key;
const alike = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName && keyed(a) === keyed(b);

// patchChildren makes the children of an element equal to the given nodes. Children with data-key move with their key.
export function patchChildren(parent, now, mark = true) {
  const byKey = new Map();
  for (const child of parent.childNodes) if (keyed(child)) byKey.set(keyed(child), child);
  let at = parent.firstChild;
  for (const want of now) {
    let have = keyed(want) ? byKey.get(keyed(want)) : at && !keyed(at) && alike(at, want) ? at : null;
    if (have && !alike(have, want)) have = null;
    if (!have) {
      parent.insertBefore(want, at);
      continue;
    }
    if (have === at) at = at.nextSibling;
    else parent.insertBefore(have, at);
    if (have.nodeType !== Node.TEXT_NODE) {
      patch(have, want, mark);
    } else if (have.data !== want.data) {
      have.data = want.data;
      if (mark && !parent.closest("[data-since], [data-quiet]")) flash(parent);
    }
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

// replace shows something else in the place of an element's children: nothing of it has changed.
export const replace = (parent, now) => parent.replaceChildren(...now);

const flashing = new Map(); // element -> timer

// flash marks an element for two seconds.
function flash(node) {
  clearTimeout(flashing.get(node));
  node.classList.add("changed");
  flashing.set(node, setTimeout(() => {
    flashing.delete(node);
    node.classList.remove("changed");
    if (!node.className) node.removeAttribute("class");
  }, 2000));
}

// The clock of the page's server: a viewer's own may be wrong.
let skew = 0;
export const now = () => Date.now() - skew;
export function setClock(time) {
  const d = Date.now() - new Date(time);
  skew = Math.abs(d) < 2000 ? 0 : d;
}

// age writes the time since a point, coarsely if it is one of many.
export function age(time, coarse) {
  const s = Math.max(0, Math.round((now() - new Date(time)) / 1000));
  if (s < 60) return coarse ? "<1m" : s + "s";
  if (s < 3600) return Math.floor(s / 60) + "m" + (coarse ? "" : (s % 60) + "s");
  if (s < 86400) return Math.floor(s / 3600) + "h" + Math.floor((s % 3600) / 60) + "m";
  return Math.floor(s / 86400) + "d" + Math.floor((s % 86400) / 3600) + "h";
}

// aged is an age that goes on.
export const aged = (time, coarse) => time ? el("span", { "data-since": time, "data-coarse": coarse, title: time }, age(time, coarse)) : "";

// tick writes the ages anew.
export function tick() {
  for (const node of document.querySelectorAll("[data-since]")) {
    const text = age(node.dataset.since, node.dataset.coarse !== undefined);
    if (node.textContent !== text) node.firstChild.data = text;
  }
}

export const plural = (n, one, many) => n + " " + (n === 1 ? one : many || one + "s");
