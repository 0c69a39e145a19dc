// The page: its views, its addresses and its keys.
import { $, tick } from "./dom.js";
import { onAnswer, store } from "./store.js";
import { startActions } from "./actions.js";
import { startFeed, unreachable, watchSilence } from "./feed.js";
import { drawList, moveInList, startList } from "./recipes.js";
import { drawDetail } from "./detail.js";
import { drawCount, drawProblems, startProblems } from "./problems.js";
import { drawSession, drawSessions } from "./sessions.js";
import { drawTimeline } from "./timeline.js";

// What the address names: #problems, #recipes, #/a/path, #sessions, #session/0x…, #timeline.
function place() {
  let hash = "";
  try { hash = decodeURI(location.hash.slice(1)); } catch { /* not an address of this page */ }
  if (hash.startsWith("/")) return { view: "recipes", path: hash };
  if (hash.startsWith("session/")) return { view: "session", id: hash.slice("session/".length) };
  return { view: ["recipes", "sessions", "timeline"].includes(hash) ? hash : "problems" };
}

let at = { view: null };
let selected = null; // the path in the recipes view

const views = {
  problems: drawProblems,
  recipes() {
    drawList(selected, select);
    drawDetail(selected);
  },
  sessions: drawSessions,
  session: () => drawSession(at.id),
  timeline: drawTimeline,
};

function draw() {
  drawCount();
  views[at.view]();
}

function select(path) {
  if (selected === path && at.view === "recipes") focusDetail();
  else location.hash = "#" + encodeURI(path);
}

const focusDetail = () => $("detail").focus({ preventScroll: window.innerWidth > 960 });

// go shows what the address names. moved says that the viewer has followed a link: the focus goes along.
function go(moved) {
  const was = at;
  at = place();
  if (at.path !== undefined) selected = at.path;
  for (const view of Object.keys(views)) $("view-" + view).hidden = view !== at.view;
  for (const a of $("views").querySelectorAll("a")) {
    if (a.hash === "#" + (at.view === "session" ? "sessions" : at.view)) a.setAttribute("aria-current", "page");
    else a.removeAttribute("aria-current");
  }
  document.body.classList.toggle("chosen", at.view === "recipes" && at.path !== undefined);
  draw();
  if (!moved) return;
  if (at.path !== undefined) focusDetail();
  else if (was.view !== at.view || was.id !== at.id) $("view-" + at.view).querySelector("h2, [tabindex]")?.focus({ preventScroll: true });
  if (was.view !== at.view) scrollTo(0, 0);
}

// search shows the list, and goes to its field.
function search() {
  if (at.view !== "recipes" || !$("list").checkVisibility()) {
    history.pushState(null, "", "#recipes");
    go(false);
  }
  $("search").focus();
  $("search").select();
}

function key(event) {
  if ($("confirm").open || event.ctrlKey || event.metaKey || event.altKey) return;
  const field = $("search"), focused = document.activeElement;
  const types = focused.tagName === "INPUT" || focused.tagName === "SELECT";
  if (event.key === "/" && !types) {
    event.preventDefault();
    search();
  } else if (event.key === "Escape" && at.view === "recipes") {
    if (focused === field && field.value) {
      field.value = "";
      draw();
    } else $("list").querySelector("[aria-current=true]")?.focus();
  } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    if (at.view === "recipes" && moveInList(event.key === "ArrowDown")) event.preventDefault();
  } else if (event.key === "Enter" && focused === field) {
    $("list").querySelector("button")?.click();
  }
}

document.addEventListener("keydown", key);
document.addEventListener("draw", draw);
$("search").onfocus = () => { if (!$("list").checkVisibility()) search(); };
addEventListener("hashchange", () => go(true));
addEventListener("resize", draw);
startList(draw);
startProblems(draw);
startActions();
onAnswer(draw);
go(false);
setInterval(() => {
  tick();
  watchSilence();
  if (store.problems) drawCount();
}, 1000);
startFeed(draw).catch(unreachable);
