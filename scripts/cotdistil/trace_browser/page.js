/* What happens when: the page opens, a filter changes, a trace is chosen, a key is pressed. */

const TYPING_MS = 200;
let found = [];
let searches = 0;
let shownRow = null;
let typing = 0;

/** Look for what the view asks for, and show it as it is found. */
async function refresh() {
  const mine = ++searches;
  byId("clear").hidden = !isFiltered();
  shownRow = null;
  for await (const progress of search(view)) {
    if (mine !== searches) return;
    const isNew = found !== progress.found;
    found = progress.found;
    const position = POSITION_OF_ROW.get(view.row) ?? -1;
    if (!found.includes(position) && (progress.done || position < progress.read)) {
      view.row = rowAt(0);
    }
    if (isNew || (shownRow === null && placeOfTrace() >= 0)) turnTo(placeOfTrace());
    tellFound(progress);
    showList(found, progress.done);
    if (progress.done || placeOfTrace() >= 0) await showTrace();
  }
}

/** Where the trace of the view stands in what was found; -1 if it does not. */
function placeOfTrace() {
  return found.indexOf(POSITION_OF_ROW.get(view.row) ?? -1);
}

function rowAt(place) {
  return found.length ? INDEX.traces[found[place]].row : null;
}

function tellFound({ read, done }) {
  const all = INDEX.traces.length;
  const searching = `Searching: ${grouped(read)} of ${grouped(all)} traces read, ${grouped(found.length)} found …`;
  const none = "No trace matches these filters.";
  const some = isFiltered() ? `${grouped(found.length)} of ${plural(all, "trace")}` : plural(all, "trace");
  byId("found").textContent = done ? (found.length ? some : none) : searching;
}

/** Show the trace of the view; what is shown already stays. */
async function showTrace() {
  writeHash();
  const place = placeOfTrace();
  byId("place").textContent = place < 0 ? "" : `${grouped(place + 1)} of ${grouped(found.length)}`;
  byId("before").disabled = place <= 0;
  byId("after").disabled = place < 0 || place >= found.length - 1;
  if (place < 0) {
    shownRow = null;
    byId("trace").replaceChildren(emptyElement());
    tellMatches();
    return;
  }
  const row = view.row;
  if (row === shownRow) return;
  const trace = await readTrace(found[place]);
  if (row !== view.row) return;
  byId("trace").replaceChildren(...traceElement(trace, INDEX.traces[POSITION_OF_ROW.get(row)], view));
  shownRow = row;
  byId("trace").parentElement.scrollTop = 0;
  if (document.documentElement.scrollTop > byId("layout").offsetTop) byId("layout").scrollIntoView();
  tellMatches();
  if (view.text) nextMatch();
  if (document.activeElement === document.body) focusTrace();
}

/** So that the keys scroll it, and a screen reader begins with its title. */
function focusTrace() {
  byId("trace").focus({ preventScroll: true });
}

function emptyElement() {
  if (!INDEX.traces.length) return make("p", { class: "empty" }, "This training set has no trace.");
  const button = make("button", { type: "button" }, "Clear filters");
  button.addEventListener("click", clearFilters);
  return make("p", { class: "empty" }, "No trace matches these filters. ", button);
}

function clearFilters() {
  Object.assign(view, NO_FILTERS);
  fillFilters();
  if (isBrowsing()) byId("list").focus();
  else focusTrace();
  refresh();
}

/** Go so many places on in what was found. */
function go(by) {
  const place = placeOfTrace() + by;
  if (place < 0 || place >= found.length) return;
  view.row = rowAt(place);
  turnTo(place);
  showList(found, true);
  focusTrace();
  showTrace();
}

function tellMatches() {
  const marks = visibleMarks();
  byId("next-match").hidden = !marks.length;
  byId("next-match").textContent = `n: ${marks.length === 1 ? "the match" : `next of ${grouped(marks.length)} matches`}`;
}

/** The first mark of each match that can be seen, or unfolded. */
function visibleMarks() {
  const marks = [...byId("trace").querySelectorAll("mark:not(.rest)")];
  return marks.filter((mark) => (mark.closest("details") ?? mark).offsetParent !== null);
}

/** All marks of the match that begins with this one: it may go on in the steps after it. */
function marksOfMatch(first) {
  const marks = [...byId("trace").querySelectorAll(".step mark")];
  const rest = marks.slice(marks.indexOf(first) + 1);
  const others = rest.findIndex((mark) => !mark.classList.contains("rest"));
  return first.closest(".step") ? [first, ...rest.slice(0, others < 0 ? rest.length : others)] : [first];
}

function nextMatch() {
  const marks = visibleMarks();
  if (!marks.length) return;
  const at = marks.findIndex((mark) => mark.classList.contains("current"));
  for (const mark of byId("trace").querySelectorAll("mark.current")) mark.classList.remove("current");
  const next = marks[(at + 1) % marks.length];
  for (const mark of marksOfMatch(next)) mark.classList.add("current");
  if (!next.closest("summary")) next.closest("details")?.setAttribute("open", "");
  next.scrollIntoView({ block: "center" });
}

/** On a narrow screen the list lies over all else, and has the keyboard to itself. */
const NARROW = matchMedia("(max-width: 800px)");

function isBrowsing() {
  return document.body.classList.contains("browsing");
}

function openBrowse(open) {
  const isOver = open && NARROW.matches;
  document.body.classList.toggle("browsing", isOver);
  for (const behind of document.querySelectorAll("body > header, main")) behind.inert = isOver;
  byId("open-browse").setAttribute("aria-expanded", isOver);
  if (isOver) byId("close-browse").focus();
}

function closeBrowse() {
  openBrowse(false);
  byId("open-browse").focus();
}

const KEYS = {
  j: () => go(1),
  ArrowRight: () => go(1),
  k: () => go(-1),
  ArrowLeft: () => go(-1),
  n: nextMatch,
  "/": () => {
    openBrowse(true);
    byId("text").focus();
    byId("text").select();
  },
};

function onKey(event) {
  const typed = event.target.closest("input:not([type=checkbox]), select");
  if (event.key === "Escape" && (typed || isBrowsing())) {
    event.preventDefault(); // a search field would empty itself
    if (isBrowsing()) closeBrowse();
    else focusTrace();
  }
  if (typed || event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(KEYS, event.key)) return;
  event.preventDefault();
  KEYS[event.key]();
}

/** The link leads to its trace under the filters as they stand in the form, also as just typed. */
function onListClick(event) {
  const link = event.target.closest("a");
  if (!link) return;
  link.hash = hashOf({ ...view, ...readFilters(), row: Number(link.dataset.row) });
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  clearTimeout(typing);
  writeHashNow(); // an address that lags behind may be the link's, which then changes nothing
  openBrowse(false);
  focusTrace();
}

/** The number of a round leads to its verdict, at its place in the trace. */
function onTraceClick(event) {
  const button = event.target.closest("button[data-verdict]");
  if (!button) return;
  const mark = byId(`verdict-${button.dataset.verdict}`);
  mark.open = true;
  mark.scrollIntoView({ block: "center" });
  mark.querySelector("summary").focus({ preventScroll: true });
}

function showFolded() {
  document.body.classList.toggle("folded", view.fold);
  tellMatches();
}

/** The address was changed by hand, or by a link of the list. */
function onHash() {
  const filters = hashOf({ ...view, row: null, fold: false });
  view = readView();
  fillFilters();
  showFolded();
  if (filters !== hashOf({ ...view, row: null, fold: false }) || placeOfTrace() < 0) refresh();
  else {
    showList(found, true);
    showTrace();
  }
}

function accountInWords() {
  const { rows, rows_left: left, tokens_before: before, tokens_after: after, pruned } = INDEX;
  const shown = INDEX.traces.length;
  const words = [shown < rows ? `${grouped(shown)} of ${plural(rows, "trace")} shown, evenly spread` : plural(rows, "trace")];
  if (pruned) {
    words.push(`${grouped(left)} kept, ${grouped(rows - left)} dropped`);
    words.push(`${percent(after, before)} of the kept traces’ tokens left`);
  } else words.push("not pruned");
  return words.join(" · ");
}

function start() {
  byId("account").textContent = accountInWords();
  makeFilters();
  fillFilters();
  document.body.classList.toggle("folded", view.fold);
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  byId("filters").addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(() => {
      Object.assign(view, readFilters());
      refresh();
    }, TYPING_MS);
  });
  byId("clear").addEventListener("click", clearFilters);
  byId("fold").addEventListener("change", () => {
    view.fold = byId("fold").checked;
    showFolded();
    writeHash();
  });
  for (const [id, by] of [["before", -1], ["after", 1]]) byId(id).addEventListener("click", () => go(by));
  for (const [id, by] of [["page-before", -1], ["page-after", 1]]) {
    byId(id).addEventListener("click", () => {
      listPage += by;
      showList(found, true);
      byId("list").scrollTop = 0;
      if (byId(id).disabled) byId("list").focus();
    });
  }
  byId("next-match").addEventListener("click", nextMatch);
  byId("open-browse").addEventListener("click", () => openBrowse(true));
  byId("close-browse").addEventListener("click", closeBrowse);
  NARROW.addEventListener("change", () => openBrowse(false));
  byId("list").addEventListener("click", onListClick);
  byId("skip").addEventListener("click", focusTrace);
  byId("trace").addEventListener("click", onTraceClick);
  document.addEventListener("keydown", onKey);
  window.addEventListener("hashchange", onHash);
  if (typeof DecompressionStream === "undefined") {
    byId("found").textContent = "This browser is too old for the page; one of 2023 or later opens it.";
    return;
  }
  refresh();
}

start();
