/* The list of what was found, a page at a time. */

const LIST_ENTRIES = 50;
let listPage = 0;

/** Turn to the page that holds this place among what was found. */
function turnTo(place) {
  listPage = Math.floor(Math.max(place, 0) / LIST_ENTRIES);
}

function showList(found, done) {
  const pages = Math.max(1, Math.ceil(found.length / LIST_ENTRIES));
  listPage = Math.min(Math.max(listPage, 0), pages - 1);
  const first = listPage * LIST_ENTRIES;
  const shown = found.slice(first, first + LIST_ENTRIES);
  const focused = document.activeElement?.closest("#list a")?.dataset.row;
  byId("list").replaceChildren(...shown.map((position) => listEntry(INDEX.traces[position])));
  byId("list").querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
  if (focused) byId("list").querySelector(`[data-row="${focused}"]`)?.focus({ preventScroll: true });
  byId("list").setAttribute("start", first + 1);
  byId("page-shown").textContent = `${grouped(first + 1)}–${grouped(first + shown.length)} of ${grouped(found.length)}`;
  byId("page-before").disabled = listPage === 0;
  byId("page-after").disabled = listPage === pages - 1;
  byId("pages").hidden = done && pages === 1;
}

function listEntry(entry) {
  const current = entry.row === view.row;
  const size = entry.tokens === null ? plural(entry.characters, "character") : plural(entry.tokens, "token");
  const link = make(
    "a",
    { href: hashOf({ ...view, row: entry.row }), "data-row": entry.row, "aria-current": current ? "true" : null },
    make("span", { class: "line" }, make("b", null, entry.id), teachersVerdict(entry.verdict)),
    make("span", { class: "question" }, entry.question),
    make("span", { class: "line soft" }, make("span", { class: "size" }, size), entry.reason === null ? "" : make("span", null, fateOf(entry))),
  );
  if (entry.steps && INDEX.pruned) link.append(keptBar(entry));
  return make("li", null, link);
}

function fateOf(entry) {
  return entry.kept_steps === null ? `dropped: ${entry.reason}` : entry.reason;
}

function keptBar(entry) {
  if (entry.kept_steps === null) return stepBar([["dropped", 1]], 1, "dropped");
  const segments = [["kept", entry.kept_steps], ["cut", entry.steps - entry.kept_steps]];
  return stepBar(segments, entry.steps, `${entry.kept_steps} of ${entry.steps} steps kept`);
}
