// Two studies: the same arm has the same colour in both, and their arms stand in one table.
import { byId, percent } from "./common.js";
import { Curves } from "./curves.js";

const sections = [byId("side1"), byId("side2")].filter(Boolean);
const names = sections.map((section) => JSON.parse(section.dataset.arms));
const all = [...new Set(names.flat())];
const states = [null, null];

function swatches(section, own) {
  section.querySelectorAll(".arms .swatch").forEach((swatch, arm) => {
    const place = all.indexOf(own[arm]);
    swatch.className = `swatch arm${place % 8} mark${Math.floor(place / 8) % 7}`;
  });
}

function mean(values) {
  const known = values.filter((value) => value !== null);
  return known.length ? known.reduce((sum, value) => sum + value, 0) / known.length : null;
}

function table() {
  const body = byId("beside").tBodies[0];
  const columns = [...byId("beside").tHead.rows[0].cells].map((cell) => cell.textContent);
  body.replaceChildren(...all.map((arm) => {
    const row = document.createElement("tr");
    const name = document.createElement("th");
    name.scope = "row";
    name.textContent = arm;
    row.append(name);
    names.forEach((own, side) => {
      const runs = (states[side]?.runs ?? []).filter((run) => own[run[0]] === arm && run[2].startsWith("done"));
      [4, 5].forEach((column, offset) => {
        const cell = document.createElement("td");
        cell.className = "num";
        cell.dataset.label = columns[1 + 2 * side + offset];
        cell.textContent = percent(mean(runs.map((run) => run[column])));
        row.append(cell);
      });
    });
    return row;
  }));
}

if (sections.length) {
  const shared = all.filter((arm) => names.every((own) => own.includes(arm)));
  byId("shared").textContent = shared.length ? `Arms in both: ${shared.join(", ")}.` : "The studies have no arm in common.";
  sections.forEach((section, side) => {
    swatches(section, names[side]);
    new Curves(section, {
      places: (arm) => all.indexOf(names[side][arm]),
      onstudy: (study, changed, runs) => { states[side] = { ...study, runs }; table(); },
    });
  });
}
