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
  const list = make("div", { class: "steps" }, marks.get(0) ?? []);
  for (const run of runsOf(trace)) {
    const section = make("section", { class: `run ${run.state}` }, runHead(run));
    for (let step = run.begin; step < run.end; step++) {
      section.append(stepElement(trace, step, pattern), ...(marks.get(step + 1) ?? []));
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

function stepElement(trace, step, pattern) {
  const isFirstAnswer = trace.first_answer_step === step + 1;
  return make(
    "div",
    { class: "step" },
    make("span", { class: "number" }, grouped(step + 1)),
    make(
      "div",
      { class: "words" },
      highlighted(trace.steps[step].trimEnd(), pattern),
      isFirstAnswer ? make("span", { class: "first" }, "◆ the first step that states the right answer") : "",
    ),
  );
}

/** Text with what the pattern finds in <mark>. */
function highlighted(text, pattern) {
  if (!pattern) return [text];
  const parts = [];
  let done = 0;
  for (const match of text.matchAll(pattern)) {
    parts.push(text.slice(done, match.index), make("mark", null, match[0]));
    done = match.index + match[0].length;
  }
  return [...parts, text.slice(done)];
}
