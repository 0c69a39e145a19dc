// What the page knows: the newest report, its problems, and how old they are.
export const store = {
  report: null,
  problems: null,        // null until they are known
  about: { path: "/", actions: false },
  asOf: null,            // the time at which what is shown was true, by the server's clock
  state: "waiting",      // waiting, live, trouble
  noQuorum: false,
};

// listed is what is shown: all but znodes that are nothing in themselves, and whose paths are seen in what follows.
export function listed() {
  const all = store.report ? store.report.findings : [];
  const leads = (f, next) => next && next.path.startsWith(f.path === "/" ? "/" : f.path + "/");
  return all.filter((f, i) => f.kind !== "plain" || (f.notes || []).length || f.bytes || !leads(f, all[i + 1]));
}

export const finding = (path) => store.report ? store.report.findings.find((f) => f.path === path) : undefined;
export const problemPaths = () => new Set((store.problems || []).flatMap((p) => [p.path, ...(p.others || [])]));

// answers has what the server said to a request for details. An answer is asked for anew when its stamp changes, and
// shown until the next one is there.
const answers = new Map();
const maxAnswers = 200;
let redraw = () => {};
export const onAnswer = (f) => { redraw = f; };

export function answer(url, stamp) {
  let a = answers.get(url);
  if (!a) {
    if (answers.size >= maxAnswers) answers.delete(answers.keys().next().value);
    answers.set(url, a = { data: null, error: null, stamp: undefined, busy: false, again: Infinity });
  }
  if (!a.busy && (a.stamp !== stamp || Date.now() > a.again)) {
    a.stamp = stamp;
    a.busy = true;
    a.again = Infinity;
    ask(url, a).finally(() => {
      a.busy = false;
      redraw();
    });
  }
  return a;
}

async function ask(url, a) {
  try {
    const response = await fetch(url);
    const text = await response.text();
    if (response.ok) [a.data, a.error] = [JSON.parse(text), null];
    else [a.data, a.error] = [null, text.trim()];
    if (response.status >= 500) a.again = Date.now() + 3000;
  } catch (error) {
    a.again = Date.now() + 3000;
    a.error = "The server cannot be reached: " + error.message;
  }
}
