// The events of the page's server, and how old what is shown is.
import { $, aged, put, setClock } from "./dom.js";
import { store } from "./store.js";

let heard = 0;            // when the server has sent something last, by this page's clock
const silence = 20000;    // after which it has fallen silent; it confirms every 5 seconds
let redraw = () => {};
let drawn = true;         // what is known is drawn

// tell shows the state of what is shown: in the head, in the title, in the colours of the page.
function tell(state, words, detail, noQuorum) {
  const before = store.state;
  store.state = state;
  store.noQuorum = Boolean(noQuorum);
  $("state").dataset.state = state;
  $("state").dataset.quorum = String(!noQuorum);
  put($("state-words"), words);
  put($("state-detail"), detail || "");
  const lead = state === "live" ? ", confirmed " : " What is shown is of ";
  if ($("state-age").dataset.at !== String(store.asOf) + lead) {
    $("state-age").dataset.at = String(store.asOf) + lead;
    $("state-age").replaceChildren(...(store.asOf ? [lead, aged(store.asOf), state === "live" ? " ago" : " ago."] : []));
  }
  document.body.classList.toggle("stale", state !== "live" && store.report !== null);
  title();
  if (before !== state) draw();
}

// title says in the tab what the page shows. No text of ZooKeeper is in it.
export function title() {
  const n = (store.problems || []).length;
  const lead = store.state === "live" ? (n ? "(" + n + ") " : "") : store.noQuorum ? "NO QUORUM – " : store.state === "waiting" ? "" : "OUT OF DATE – ";
  if (document.title !== lead + "docent") document.title = lead + "docent";
}

function live(time) {
  store.asOf = time;
  tell("live", "live");
}

// draw draws at once, or as soon as the tab is seen.
function draw() {
  drawn = !document.hidden;
  if (drawn) redraw();
}

// The answer to a request that failed: one sentence of the server.
const sentence = async (response) => (await response.text()).trim();

function follow() {
  const source = new EventSource("api/events");
  const on = (event, then) => source.addEventListener(event, (message) => {
    heard = Date.now();
    then(message.data && JSON.parse(message.data));
  });
  on("report", (data) => {
    store.report = data;
    live(data.taken);
    draw();
  });
  on("problems", (data) => {
    store.problems = data.problems;
    title();
    draw();
  });
  on("confirmed", (data) => {
    live(data.at);
    draw();
  });
  on("trouble", (data) => tell("trouble", data.noQuorum ? "No quorum." : data.silent ? "No answer from ZooKeeper." : "The tree cannot be read.", data.text, data.noQuorum));
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

// startFeed follows the server. draw is called after each change.
export async function startFeed(draw) {
  redraw = draw;
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && !drawn) {
      drawn = true;
      redraw();
    }
  });
  const response = await fetch("api/about");
  if (!response.ok) {
    tell("trouble", await sentence(response));
    return;
  }
  store.about = await response.json();
  setClock(store.about.now);
  put($("top"), store.about.path === "/" ? "" : store.about.path);
  follow();
}

// watchSilence says when the server has fallen silent.
export function watchSilence() {
  if (store.state === "live" && Date.now() - heard > silence) tell("trouble", "The page's server has fallen silent.");
}

export const unreachable = (error) => tell("trouble", "The server cannot be reached: " + error.message);
