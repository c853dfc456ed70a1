/* The form of filters: made once, filled from the view, and read into it. */

/** Make what depends on the training set: choices with how many traces each has. */
function makeFilters() {
  addChoices("verdicts", "verdict", VERDICTS);
  addChoices("reasons", "reason", Object.keys(INDEX.reasons));
  byId("reasons").hidden = !INDEX.pruned;
  byId("fold-label").hidden = !INDEX.pruned;
  byId("unit").replaceChildren(...UNITS.map((unit) => make("option", null, unit)));
  byId("unit").disabled = UNITS.length === 1;
}

/** A box for each of the names that a trace has in the index's column. */
function addChoices(id, column, names) {
  for (const name of names) {
    const entries = INDEX.traces.filter((entry) => entry[column] === name);
    if (!entries.length) continue;
    const isDropped = entries.every((entry) => entry.kept_steps === null);
    const label = ` ${isDropped && column === "reason" ? "dropped: " : ""}${name} `;
    const box = make("input", { type: "checkbox", value: name });
    const count = make("span", { class: "soft" }, grouped(entries.length));
    byId(id).append(make("label", { class: "choice" }, box, label, count));
  }
}

function fillFilters() {
  for (const id of ["problem", "text", "unit"]) byId(id).value = view[id];
  for (const id of ["from", "to"]) byId(id).value = view[id] ?? "";
  for (const id of ["verdicts", "reasons"]) {
    for (const box of byId(id).querySelectorAll("input")) box.checked = view[id].includes(box.value);
  }
  byId("fold").checked = view.fold;
}

function readFilters() {
  const checked = (id) => [...byId(id).querySelectorAll("input:checked")].map((box) => box.value);
  return {
    problem: byId("problem").value,
    text: byId("text").value,
    unit: byId("unit").value,
    from: anyNumber(byId("from").value),
    to: anyNumber(byId("to").value),
    verdicts: checked("verdicts"),
    reasons: checked("reasons"),
  };
}
