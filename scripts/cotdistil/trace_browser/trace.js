/* One trace, from the question to what follows the cut. */

function traceElement(trace, entry, shown) {
  const problem = patternOf(shown.problem, "giu");
  const text = patternOf(shown.text, "giu");
  return [
    traceHead(trace, entry, problem),
    make("section", null, make("h3", null, "Question"), words(trace.question, problem), answers(trace)),
    trace.rounds.length ? searchSection(trace, text) : "",
    thinkingSection(trace, text),
    ...conclusions(trace, text),
  ];
}

function traceHead(trace, entry, problem) {
  const facts = [`row ${grouped(trace.row)}`];
  if (trace.steps.length) facts.push(keptOf(entry.kept_steps, entry.steps, "step"));
  if (trace.tokens !== null) facts.push(keptOf(trace.tokens_after, trace.tokens, "token"));
  facts.push(plural(entry.characters, "character"));
  return make(
    "header",
    null,
    make("h2", { id: "trace-title" }, highlighted(trace.id, problem)),
    make(
      "p",
      { class: "badges" },
      teachersVerdict(trace.verdict),
      trace.reason === null ? "" : make("span", { class: `fate ${trace.kept === null ? "dropped" : "kept"}` }, fateInWords(trace)),
    ),
    make("p", { class: "soft" }, facts.join(" · ")),
  );
}

function fateInWords(trace) {
  return trace.kept === null ? `dropped: ${trace.reason}` : trace.reason;
}

/** "12 of 40 steps kept (30 %)"; of a dropped trace, or one that is whole, only how many. */
function keptOf(kept, all, word) {
  if (kept === null || kept === all) return plural(all, word);
  return `${grouped(kept)} of ${plural(all, word)} kept (${percent(kept, all)})`;
}

function words(text, pattern) {
  return make("div", { class: "words" }, highlighted(text, pattern));
}

function answers(trace) {
  const from = { boxed: "", final_answer: ", after “answer”", last_number: ", its last number" };
  const read = trace.answer === null ? `none: ${trace.answer_from}` : isolated(shortened(trace.answer, ANSWER_CHARACTERS));
  return make(
    "dl",
    { class: "answers" },
    make("div", null, make("dt", null, "right answer"), make("dd", null, isolated(trace.gold))),
    make(
      "div",
      null,
      make("dt", null, `the teacher’s answer${from[trace.answer_from] ?? ""}`),
      make("dd", null, read, " ", teachersVerdict(trace.verdict)),
    ),
  );
}

function searchSection(trace, text) {
  const title = `What the student was asked: ${plural(trace.rounds.length, "round")}`;
  return make("section", null, make("h3", null, title), make("div", { class: "scroll" }, roundsTable(trace, text)));
}

function thinkingSection(trace, text) {
  const title = make("h3", null, "Thinking");
  if (!trace.steps.length) {
    const fate = trace.kept === null ? "dropped" : "kept";
    const note = trace.unfinished ? "It was never finished." : "";
    const body = trace.thinking
      ? make("section", { class: `run ${fate}` }, make("div", { class: "step" }, words(trace.thinking, text)))
      : make("p", { class: "soft" }, "There is none.");
    return make("section", null, title, note ? make("p", { class: "soft" }, note) : "", body);
  }
  const runs = runsOf(trace);
  const segments = runs.map((run) => [run.state, run.end - run.begin]);
  const label = runs.map((run) => `${STATES[run.state]}: ${run.end - run.begin}`).join(", ");
  const untouched = INDEX.pruned ? "" : make("p", { class: "soft" }, "This training set was not pruned: every step is kept.");
  return make(
    "section",
    null,
    title,
    untouched,
    INDEX.pruned ? stepBar(segments, trace.steps.length, label) : "",
    INDEX.pruned ? legend(runs, trace.rounds.length > 0) : "",
    stepList(trace, text),
  );
}

/** What the teacher concluded, and what follows the cut where that is something else. */
function conclusions(trace, text) {
  const section = (title, body, state) =>
    make("section", { class: `conclusion ${state}` }, make("h3", null, title), words(body || "(empty)", text));
  if (trace.kept === null) return [section("The teacher’s conclusion, dropped with the trace", trace.conclusion, "dropped")];
  if (trace.after === null) {
    const title = INDEX.pruned ? "What follows: the teacher’s conclusion, as it was" : "Conclusion";
    return [section(title, trace.conclusion, "kept")];
  }
  return [
    make(
      "div",
      { class: "both" },
      section("What follows the cut: the student’s conclusion", trace.after, "kept"),
      section("The teacher’s conclusion, replaced", trace.conclusion, "cut"),
    ),
  ];
}
