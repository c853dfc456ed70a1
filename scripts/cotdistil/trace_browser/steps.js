/* The steps of a trace, kept and cut, with the verdicts at their places. */

const STATES = {
  kept: "kept",
  cut: "cut off at the end",
  removed: "removed from within",
  dropped: "dropped with the trace",
};

/** Runs of steps with one fate: [{state, begin, end}], steps counted from 0. */
function runsOf(trace) {
  const total = trace.steps.length;
  if (trace.kept === null) return total ? [{ state: "dropped", begin: 0, end: total }] : [];
  const runs = [];
  let done = 0;
  for (const [start, end] of trace.kept) {
    if (start > done) runs.push({ state: "removed", begin: done, end: start });
    if (end > start) runs.push({ state: "kept", begin: start, end });
    done = end;
  }
  if (done < total) runs.push({ state: "cut", begin: done, end: total });
  return runs;
}

function legend(runs, withRounds) {
  const shown = new Set(runs.map((run) => run.state));
  const items = Object.entries(STATES)
    .filter(([state]) => shown.has(state))
    .map(([state, words]) => make("li", { class: `swatch ${state}` }, words));
  const verdicts = ["✓ right", "✗ wrong", "◌ too long to be asked"];
  const kinds = ["right", "wrong", "open"];
  const marks = verdicts.map((words, i) => make("li", null, make("span", { class: `verdict ${kinds[i]}` }, words)));
  return make("ul", { class: "legend", "aria-label": "Legend" }, items, withRounds ? marks : []);
}

/** All steps of the trace, in runs. */
function stepList(trace, pattern) {
  const marks = new Map();
  for (const round of trace.rounds) {
    if (!marks.has(round.place)) marks.set(round.place, []);
    marks.get(round.place).push(roundsMark(round, trace, pattern));
  }
  const matches = matchesInSteps(trace.steps, pattern);
  const list = make("div", { class: "steps" }, marks.get(0) ?? []);
  for (const run of runsOf(trace)) {
    const section = make("section", { class: `run ${run.state}` }, runHead(run));
    for (let step = run.begin; step < run.end; step++) {
      section.append(stepElement(trace, step, matches[step]), ...(marks.get(step + 1) ?? []));
    }
    list.append(section);
  }
  return list;
}

function runHead(run) {
  const name = { kept: "Kept", cut: "Cut off", removed: "Removed", dropped: "Dropped" }[run.state];
  const count = plural(run.end - run.begin, "step");
  return make("h3", null, `${name}: ${stepsInWords([[run.begin, run.end]])} (${count})`);
}

function stepElement(trace, step, matches) {
  const isFirstAnswer = trace.first_answer_step === step + 1;
  return make(
    "div",
    { class: "step" },
    make("span", { class: "number" }, grouped(step + 1)),
    make(
      "div",
      { class: "words" },
      marked(trace.steps[step].trimEnd(), matches),
      isFirstAnswer ? make("span", { class: "first" }, "◆ the first step that states the right answer") : "",
    ),
  );
}

/** For each step the matches that reach into it; they are looked for in the steps as one text. */
function matchesInSteps(steps, pattern) {
  const matches = matchesIn(steps.join(""), pattern);
  let [begin, first] = [0, 0];
  return steps.map((step) => {
    const end = begin + step.length;
    while (first < matches.length && matches[first][1] <= begin) first++;
    let last = first;
    while (last < matches.length && matches[last][0] < end) last++;
    const within = matches.slice(first, last).map(([from, to]) => [from - begin, to - begin]);
    begin = end;
    return within;
  });
}

/** Where the pattern matches: [[start, end], …], ascending. */
function matchesIn(text, pattern) {
  if (!pattern) return [];
  return [...text.matchAll(pattern)].map((match) => [match.index, match.index + match[0].length]);
}

/** Text with its matches in <mark>; of a match that began before the text, the rest. */
function marked(text, matches) {
  const parts = [];
  let done = 0;
  for (const [start, end] of matches) {
    const from = Math.max(start, 0);
    parts.push(text.slice(done, from), make("mark", { class: start < 0 ? "rest" : null }, text.slice(from, end)));
    done = end;
  }
  return [...parts, text.slice(done)];
}

/** Text with what the pattern finds in <mark>. */
function highlighted(text, pattern) {
  return marked(text, matchesIn(text, pattern));
}
