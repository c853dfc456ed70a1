/* Which traces a view shows: filters by the index at once, by text block after block. */

/** A pattern for the words, in any case and with any white space between; null without words. */
function patternOf(words, flags) {
  const parts = words.trim().split(/\s+/u).filter(Boolean);
  if (!parts.length) return null;
  const escaped = parts.map((part) => part.replace(/[\\^$.*+?()[\]{}|/]/gu, "\\$&"));
  return new RegExp(escaped.join("\\s+"), flags);
}

/** Whether a trace may be shown, as far as the index tells. */
function passesIndex(entry, shown) {
  const length = entry[shown.unit];
  return (
    (!shown.verdicts.length || shown.verdicts.includes(entry.verdict)) &&
    (!shown.reasons.length || shown.reasons.includes(entry.reason)) &&
    (shown.from === null || length >= shown.from) &&
    (shown.to === null || length <= shown.to)
  );
}

function textsOf(trace) {
  const answers = trace.rounds.flatMap((round) => round.answers);
  return [trace.steps.join(""), trace.thinking, trace.conclusion, trace.after, ...answers];
}

const TELL_MS = 100;

/**
 * Yields how far the search is: {found, read, done}. `found`: positions of the traces, ascending,
 * in one array that grows. `read`: all positions below it are decided.
 */
async function* search(shown) {
  const problem = patternOf(shown.problem, "iu");
  const text = patternOf(shown.text, "iu");
  const found = [];
  const candidates = [...INDEX.traces.keys()].filter((p) => passesIndex(INDEX.traces[p], shown));
  if (!problem && !text) {
    yield { found: candidates, read: INDEX.traces.length, done: true };
    return;
  }
  let [next, told] = [0, performance.now()];
  for (let block = 0; block < INDEX.blocks.length && next < candidates.length; block++) {
    const end = BLOCK_STARTS[block + 1];
    if (candidates[next] >= end) continue;
    const traces = await readBlock(block);
    for (; next < candidates.length && candidates[next] < end; next++) {
      const trace = traces[candidates[next] - BLOCK_STARTS[block]];
      const rightProblem = !problem || problem.test(trace.id) || problem.test(trace.question);
      if (rightProblem && (!text || textsOf(trace).some((each) => each && text.test(each)))) {
        found.push(candidates[next]);
      }
    }
    if (performance.now() - told > TELL_MS) {
      yield { found, read: end, done: false };
      told = performance.now();
    }
  }
  yield { found, read: INDEX.traces.length, done: true };
}
