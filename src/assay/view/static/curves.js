// A study's curves with their controls: metric, log axis, arms. Used once on its page, twice side by side.
import { Chart } from "./chart.js";
import { follow } from "./common.js";

export class Curves {
  // `places` gives arms their colours; `onstudy` is called with the study's state whenever it changes, the runs that
  // have changed, and all of them.
  constructor(section, { places = (arm) => arm, onstudy = () => {}, onmachine = () => {}, onlost = () => {} } = {}) {
    const find = (selector) => section.querySelector(selector);
    Object.assign(this, { section, places, metric: find(".metric"), log: find(".log"), arms: JSON.parse(section.dataset.arms), seeds: JSON.parse(section.dataset.seeds), known: new Map(), runs: new Map() });
    this.boxes = [...section.querySelectorAll(".arms input")];
    this.chart = new Chart(find(".plot"), find(".reading"));
    const whole = find(".whole");
    this.chart.onzoom = (zoomed) => { whole.hidden = !zoomed; };
    whole.addEventListener("click", () => this.chart.whole());
    this.metric.addEventListener("change", () => this.again());
    this.log.addEventListener("change", () => this.draw());
    find(".arms").addEventListener("change", () => this.again());
    for (const [button, checked] of [[".every", true], [".none", false]]) {
      find(button).addEventListener("click", () => {
        this.boxes.forEach((box) => { box.checked = checked; });
        this.again();
      });
    }
    this.stream = follow(() => this.address(), {
      study: (study) => {
        for (const run of study.runs) this.runs.set(`${run[0]}/${run[1]}`, run);
        onstudy(study, study.runs, [...this.runs.values()]);
      },
      machine: onmachine,
      curves: (changed) => this.take(changed),
      trouble: onlost,
      lost: onlost,
    });
  }

  chosen() {
    return this.boxes.filter((box) => box.checked).map((box) => Number(box.value));
  }

  address() {
    const arms = this.chosen();
    const some = arms.length === this.arms.length || !arms.length ? "" : `&arms=${arms.join(",")}`;
    return `/study/${this.section.dataset.key}/stream?metric=${this.metric.value}${some}`;
  }

  again() {
    this.known.clear();
    this.chart.unit = this.metric.value.endsWith("accuracy") ? "%" : "";
    this.stream.again();
  }

  take(changed) {
    for (const found of changed) this.known.set(found.arm, found);
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = null;
      this.draw();
    });
  }

  draw() {
    const curves = [];
    for (const arm of this.chosen()) {
      const found = this.known.get(arm);
      if (!found) continue;
      const place = this.places(arm);
      const name = this.arms[arm];
      const several = this.seeds.length > 1;
      const seeds = found.seeds === 1 ? "1 seed" : `mean of ${found.seeds} seeds`;
      const { every } = found;
      const alone = (values, last, rest) => curves.push({ place, from: 1, values, every, last, ...rest });
      if (found.mean.length) alone(found.mean, found.last, { name: several ? `${name}, ${seeds}` : name, low: several ? found.low : null, high: several ? found.high : null });
      for (const [seed, values, last] of several ? found.runs : []) alone(values, last, { name: `${name}, seed ${seed}`, thin: true });
      for (const [seed, values, last] of found.diverged) alone(values, last, { name: `${name}, seed ${seed} (diverged)`, thin: true });
    }
    this.chart.unit = this.metric.value.endsWith("accuracy") ? "%" : "";
    this.chart.show(curves, { log: this.log.checked });
  }
}
