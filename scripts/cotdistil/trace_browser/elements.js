"use strict";

/** The element with this id. */
function byId(id) {
  return document.getElementById(id);
}

/** A new element. Children that are strings become text and never markup. */
function make(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value !== null && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== ""));
  return made;
}

/** Somebody else's words within ours: characters in them that turn the direction turn only them. */
function isolated(...children) {
  return make("bdi", null, ...children);
}

/** At most so many characters of a text, with an ellipsis where there are more. */
function shortened(text, most) {
  const characters = [...text.slice(0, 2 * most + 2)];
  return characters.length > most ? `${characters.slice(0, most).join("")}…` : text;
}

/** 1234567 as 1,234,567. */
function grouped(number) {
  return number.toLocaleString("en");
}

function percent(part, whole) {
  return whole ? `${Math.round((100 * part) / whole)} %` : "–";
}

function plural(number, word) {
  return `${grouped(number)} ${word}${number === 1 ? "" : "s"}`;
}
