/* What a person looks at: the filters and the trace, all of it in the address behind the `#`. */

const VERDICTS = ["correct", "wrong", "no answer", "undecided"];
const UNITS = INDEX.pruned ? ["tokens", "characters"] : ["characters"];
const NO_FILTERS = { problem: "", text: "", verdicts: [], reasons: [], from: null, to: null };

/** row: number of the trace in the training set, or null. fold: whether only kept steps show. */
let view = readView();

function readView() {
  const given = new URLSearchParams(location.hash.slice(1));
  const unit = given.get("unit");
  return {
    row: wholeNumber(given.get("row")),
    fold: given.get("fold") === "yes",
    problem: given.get("problem") ?? "",
    text: given.get("text") ?? "",
    verdicts: VERDICTS.filter((verdict) => given.getAll("verdict").includes(verdict)),
    reasons: Object.keys(INDEX.reasons).filter((reason) => given.getAll("reason").includes(reason)),
    unit: UNITS.includes(unit) ? unit : UNITS[0],
    from: anyNumber(given.get("from")),
    to: anyNumber(given.get("to")),
  };
}

/** The address of a view, beginning with `#`. */
function hashOf(shown) {
  const given = new URLSearchParams();
  if (shown.row !== null) given.set("row", shown.row);
  if (shown.problem) given.set("problem", shown.problem);
  if (shown.text) given.set("text", shown.text);
  for (const verdict of shown.verdicts) given.append("verdict", verdict);
  for (const reason of shown.reasons) given.append("reason", reason);
  if (shown.from !== null) given.set("from", shown.from);
  if (shown.to !== null) given.set("to", shown.to);
  if (shown.unit !== UNITS[0]) given.set("unit", shown.unit);
  if (shown.fold) given.set("fold", "yes");
  return `#${given}`;
}

/** Browsers ignore an address that changes too often, as when a key is held down. */
const HASH_MS = 200;
let writing = 0;

function writeHash() {
  clearTimeout(writing);
  writing = setTimeout(writeHashNow, HASH_MS);
}

function writeHashNow() {
  clearTimeout(writing);
  if (location.hash !== hashOf(view)) history.replaceState(null, "", hashOf(view));
}

function wholeNumber(text) {
  return /^\d{1,15}$/.test(text ?? "") ? Number(text) : null;
}

function anyNumber(text) {
  return text?.trim() && Number.isFinite(Number(text)) ? Number(text) : null;
}

function isFiltered() {
  return Object.entries(NO_FILTERS).some(([name, none]) => String(view[name] ?? "") !== String(none ?? ""));
}
