/* The words and marks of verdicts, and what a round of the search asked. */

/** Of an answer, where it is told in short; as a whole it stands in the trace. */
const ANSWER_CHARACTERS = 200;
const MARKS = { correct: "✓", wrong: "✗", "no answer": "–", undecided: "?" };

function teachersVerdict(verdict) {
  const kind = { correct: "right", wrong: "wrong" }[verdict] ?? "open";
  return make("span", { class: `verdict ${kind}` }, `${MARKS[verdict]} ${verdict}`);
}

/** The verdict on what a round asked about, in words. */
function roundsVerdict(round) {
  if (round.valid === null) {
    return make("span", { class: "verdict open" }, "◌ too long for the student, not asked");
  }
  const right = round.right.filter(Boolean).length;
  const answers = round.right.length === 1 ? (right ? "right" : "wrong") : `${right} of ${round.right.length} right`;
  const words = round.valid ? `✓ ${answers}, valid` : `✗ ${answers}, not valid`;
  return make("span", { class: `verdict ${round.valid ? "right" : "wrong"}` }, words);
}

/** "steps 1–5, 8–20 of 40" of spans that count from 0; of many spans the first and the last. */
function stepsInWords(spans, total) {
  if (!spans.length) return "no step";
  if (spans.length === 1 && spans[0][1] - spans[0][0] === total) return total === 1 ? "the only step" : `all ${grouped(total)} steps`;
  const names = spans.map(([start, end]) => (end - start === 1 ? `${end}` : `${start + 1}–${end}`));
  const listed = names.length > 5 ? [...names.slice(0, 3), "…", names.at(-1)] : names;
  const several = spans.length > 1 || spans[0][1] - spans[0][0] > 1;
  const of = total === undefined ? "" : ` of ${grouped(total)}`;
  return `${several ? "steps" : "step"} ${listed.join(", ")}${of}`;
}

/** A bar as wide as the trace, a segment per run: [[class, steps], …]. */
function stepBar(segments, total, label) {
  const bar = make("span", { class: "bar", role: "img", "aria-label": label });
  for (const [kind, steps] of segments) {
    const segment = make("span", { class: kind });
    segment.style.width = `${(100 * steps) / total}%`;
    bar.append(segment);
  }
  return bar;
}

/** The segments of what a round asked about. */
function askedSegments(spans, total) {
  const segments = [];
  let done = 0;
  for (const [start, end] of [...spans, [total, total]]) {
    if (start > done) segments.push(["not-asked", start - done]);
    if (end > start) segments.push(["asked", end - start]);
    done = end;
  }
  return segments;
}

function isWhatWasKept(round, trace) {
  return round.valid === true && JSON.stringify(round.asked) === JSON.stringify(trace.kept);
}

/** The table of all rounds, each with a button that leads to its place in the trace. */
function roundsTable(trace, pattern) {
  const rows = trace.rounds.map((round) => {
    const words = stepsInWords(round.asked, trace.steps.length);
    const link = make("button", { type: "button", "data-verdict": round.round }, `${round.round + 1}`);
    return make(
      "tr",
      { class: isWhatWasKept(round, trace) ? "final" : null },
      make("th", { scope: "row" }, link),
      make("td", { class: "picture" }, stepBar(askedSegments(round.asked, trace.steps.length), trace.steps.length, words)),
      make("td", null, words, round.greedy ? " (once more, greedily)" : ""),
      make("td", { class: "answer" }, answersInShort(round, pattern)),
      make("td", null, roundsVerdict(round), isWhatWasKept(round, trace) ? " ← kept" : ""),
    );
  });
  const heads = ["round", "", "asked about", "the student answered", "verdict"];
  return make(
    "table",
    { class: "rounds" },
    make("thead", null, make("tr", null, heads.map((head) => make("th", { scope: "col" }, head)))),
    make("tbody", null, rows),
  );
}

function answerInMark(round, pattern) {
  if (round.valid === null) return [];
  const shown = answersInShort(round, pattern);
  const isAnswered = round.extracted.some((answer) => answer !== null);
  return isAnswered ? [make("q", null, shown), " "] : [...shown, " "];
}

/** What was read from the student's answers, each different one once: "5 | 6". */
function answersInShort(round, pattern) {
  const parts = [];
  let room = ANSWER_CHARACTERS;
  for (const answer of new Set(round.extracted.map((each) => each ?? "no answer"))) {
    if (parts.length) parts.push(" | ");
    if (room <= 0) return [...parts, "…"];
    parts.push(isolated(highlighted(shortened(answer, room), pattern)));
    room -= answer.length;
  }
  return parts;
}

/** "3 prompts: 300 tokens (40 from the cache), 3 answers: 24 tokens": all samples have one prompt. */
function costInWords(round) {
  const samples = round.answers.length;
  const what = (word) => (samples === 1 ? word : plural(samples, word));
  const cached = round.cached_tokens ? ` (${grouped(round.cached_tokens)} from the cache)` : "";
  const prompts = `${what("prompt")}: ${plural(samples * round.prompt_tokens, "token")}${cached}`;
  return `${prompts}, ${what("answer")}: ${plural(round.completion_tokens, "token")}`;
}

/** The verdict of a round, at its place in the trace. */
function roundsMark(round, trace, pattern) {
  const answers = round.answers.map((answer, sample) =>
    make(
      "li",
      null,
      make("span", { class: `verdict ${round.right[sample] ? "right" : "wrong"}` }, round.right[sample] ? "✓ right" : "✗ wrong"),
      make("span", { class: "soft" }, " read as ", isolated(shortened(round.extracted[sample] ?? "no answer", ANSWER_CHARACTERS))),
      make("pre", null, highlighted(answer, pattern)),
    ),
  );
  const asked = stepsInWords(round.asked, trace.steps.length);
  const mark = make(
    "details",
    { class: "round", id: `verdict-${round.round}` },
    make(
      "summary",
      null,
      make("b", null, `Round ${round.round + 1}`),
      ` asked about ${asked}${round.greedy ? ", greedily" : ""}: `,
      ...answerInMark(round, pattern),
      roundsVerdict(round),
      isWhatWasKept(round, trace) ? make("b", null, " ← kept") : "",
    ),
    make("ul", null, answers),
    round.valid === null ? "" : make("p", { class: "soft" }, costInWords(round)),
  );
  mark.open = mark.querySelector("pre mark") !== null;
  return mark;
}
