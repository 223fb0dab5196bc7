// A study's page: its head, its runs, and its curves as they grow.
import { Chart } from "./chart.js";
import { byId, duration, percent, setText, whenIdle } from "./common.js";
import { Curves } from "./curves.js";

const MIB = 2 ** 20;
const AT_ONCE = 40;
const waiting = new Map();
const planned = JSON.parse(byId("planned").textContent);
const section = byId("curves");
const arms = JSON.parse(section.dataset.arms);
const rows = new Map();
const only = byId("only");

const pattern = document.createElement("tr");
const nameCell = document.createElement("th");
nameCell.scope = "row";
nameCell.append(document.createElement("span"), "", document.createElement("span"));
nameCell.lastChild.className = "why";
pattern.append(nameCell);
["Status", "Epochs", "Valid best (%)", "Test (%)", "s/epoch", "MiB"].forEach((label, index) => {
  const cell = document.createElement("td");
  cell.dataset.label = label;
  if (index) cell.className = "num";
  cell.append(document.createElement("span"));
  pattern.append(cell);
});

function make([arm, seed]) {
  const row = pattern.cloneNode(true);
  const [name, ...cells] = row.cells;
  const [swatch, why] = name.children;
  swatch.className = `swatch arm${arm % 8} mark${Math.floor(arm / 8) % 7}`;
  swatch.after(`${arms[arm]}, seed ${seed}`);
  return { row, cells, texts: cells.map((cell) => cell.firstChild), why, was: "" };
}

function fill(run) {
  const [arm, seed, status, epochs, valid, test, seconds, memory, message] = run;
  const key = `${arm}/${seed}`;
  const known = rows.get(key) ?? make(run);
  const now = JSON.stringify(run);
  if (known.was === now) return;
  known.was = now;
  known.status = status;
  setText(known.why, message);
  const texts = [status, `${epochs}/${planned[arm]}`, percent(valid), percent(test), seconds === null ? "–" : seconds.toPrecision(3), memory === null ? "–" : (memory / MIB).toFixed(1)];
  texts.forEach((text, index) => setText(known.texts[index], text));
  if (!rows.has(key)) byId("runs").tBodies[0].append(known.row);
  rows.set(key, known);
  filter(known);
  known.cells[0].className = `status ${status.includes("stuck") ? "stuck" : status}`;
}

// Hundreds of rows are made a few at a time, when one comes near them or asks for all.
function more() {
  let left = AT_ONCE;
  for (const [key, run] of waiting) {
    if (!left--) break;
    waiting.delete(key);
    fill(run);
  }
  rest();
}

function rest() {
  const box = byId("more");
  box.hidden = !waiting.size;
  setText(box.firstElementChild, `Show ${waiting.size} more`);
  near.unobserve(box);
  if (waiting.size) near.observe(box);
}

function all() {
  more();
  if (waiting.size) whenIdle(all);
}

const near = new IntersectionObserver((entries) => { if (entries.at(-1).isIntersecting) more(); }, { rootMargin: "0px 0px 400px 0px" });

function take(runs) {
  const begun = rows.size + waiting.size > 0;
  for (const run of runs) {
    const key = `${run[0]}/${run[1]}`;
    if (rows.has(key)) fill(run);
    else waiting.set(key, run);
  }
  if (begun) rest();
  else more();
}

const filter = ({ row, status }) => { row.hidden = only.value !== "" && !status.startsWith(only.value); };

function machine({ load, processors, memory, free }) {
  const busy = load === undefined ? "" : `load ${load.toFixed(1)} on ${processors} ${processors === 1 ? "processor" : "processors"}`;
  const room = free === undefined ? "" : `${(free / 2 ** 30).toFixed(0)} of ${(memory / 2 ** 30).toFixed(0)} GiB free`;
  return [busy, room].filter(Boolean).join(", ") || "–";
}

// The machines of a cluster, and what runs where; nothing where the study is trained on this machine alone.
function machines(found) {
  const box = byId("machines");
  box.hidden = !found.length;
  box.querySelector("tbody").replaceChildren(...found.map(([host, processor, slots, busy]) => {
    const row = document.createElement("tr");
    const name = document.createElement("th");
    name.scope = "row";
    name.textContent = host;
    row.append(name);
    const trains = busy.map(([arm, seed]) => `${arms[arm]}, seed ${seed}`).join("; ") || "nothing";
    [["Processor", processor], ["Slots in use", `${busy.length} of ${slots}`], ["Trains", trains]].forEach(([label, text]) => {
      const cell = document.createElement("td");
      cell.dataset.label = label;
      cell.textContent = text;
      if (label === "Slots in use") cell.className = "num";
      row.append(cell);
    });
    return row;
  }));
}

function costs(runs) {
  const mean = (values) => (values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : null);
  const seconds = mean(runs.map((run) => run[6]).filter((value) => value !== null));
  const memory = Math.max(0, ...runs.map((run) => run[7] ?? 0));
  const peak = memory ? `, up to ${(memory / MIB).toFixed(0)} MiB` : ""; // known once a run has ended
  return seconds === null ? "–" : `${Number(seconds.toPrecision(3))} s/epoch${peak}`;
}

function show(study, changed, runs) {
  setText(byId("state"), study.state);
  byId("state").className = `chip ${study.kind}`;
  setText(byId("answer"), study.answer);
  byId("progress").max = study.total;
  byId("progress").value = study.done;
  setText(byId("ended"), `${study.done} of ${study.total}`);
  setText(byId("left"), study.left === null ? "–" : `about ${duration(study.left)}`);
  setText(byId("machine"), machine(study.machine));
  setText(byId("costs"), costs(runs));
  machines(study.machines);
  take(changed);
  const counts = new Map();
  for (const run of runs) counts.set(run[2], (counts.get(run[2]) ?? 0) + 1);
  setText(byId("counts"), [...counts].map(([word, count]) => `${count} ${word}`).join(", "));
  layers.soon();
}

class Layers {
  constructor(box) {
    const find = (selector) => box.querySelector(selector);
    Object.assign(this, { box, arm: find(".arm"), quantity: find(".quantity"), log: find(".log"), legend: find(".legend"), due: null });
    this.chart = new Chart(find(".plot"), find(".reading"));
    const whole = find(".whole");
    this.chart.onzoom = (zoomed) => { whole.hidden = !zoomed; };
    whole.addEventListener("click", () => this.chart.whole());
    this.arm.addEventListener("change", () => this.load());
    this.quantity.addEventListener("change", () => this.draw());
    this.log.addEventListener("change", () => this.draw());
    this.seen = false;
    new IntersectionObserver((entries) => {
      this.seen = entries.some((entry) => entry.isIntersecting);
      if (this.seen && !this.found) this.load();
    }).observe(box);
  }

  // Load anew some time after a change, if anybody sees it.
  soon() {
    this.due ??= setTimeout(() => { this.due = null; if (this.seen) this.load(); }, 5000);
  }

  async load() {
    const answer = await fetch(`/study/${this.box.dataset.key}/layers.json?arms=${this.arm.value}`);
    if (!answer.ok) return;
    this.found = await answer.json();
    this.draw();
  }

  draw() {
    if (!this.found) return;
    const series = this.found.series[this.quantity.value] ?? [];
    const from = this.found.epochs[0] ?? 0;
    this.chart.show(series.map(([name, values], place) => ({ place, name, values, from })), { log: this.log.checked });
    this.legend.replaceChildren(...series.map(([name], place) => {
      const item = document.createElement("li");
      const swatch = document.createElement("span");
      swatch.className = `swatch arm${place % 8} mark${Math.floor(place / 8) % 7}`;
      item.append(swatch, name);
      return item;
    }));
  }
}

only.addEventListener("change", () => { rows.forEach(filter); all(); });
byId("more").firstElementChild.addEventListener("click", all);
const layers = new Layers(byId("layers"));
new Curves(section, { onstudy: show, onmachine: (state) => setText(byId("machine"), machine(state)), onlost: () => setText(byId("left"), "not known: the page has lost the study") });
