// A study's curves with their controls: metric, log axis, arms. Used once on its page, twice side by side.
import { Chart } from "./chart.js";
import { follow } from "./common.js";

export class Curves {
  // `places` gives arms their colours; `onstudy` is called with the study's state whenever it changes.
  constructor(section, { places = (arm) => arm, onstudy = () => {}, onlost = () => {} } = {}) {
    const find = (selector) => section.querySelector(selector);
    Object.assign(this, { section, places, metric: find(".metric"), log: find(".log"), arms: JSON.parse(section.dataset.arms), seeds: JSON.parse(section.dataset.seeds), known: new Map() });
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
      study: onstudy,
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
      if (found.mean.length) curves.push({ place, from: 1, name: several ? `${name}, ${seeds}` : name, values: found.mean, low: several ? found.low : null, high: several ? found.high : null });
      for (const [seed, values] of several ? found.runs : []) curves.push({ place, from: 1, name: `${name}, seed ${seed}`, values, thin: true });
      for (const [seed, values] of found.diverged) curves.push({ place, from: 1, name: `${name}, seed ${seed} (diverged)`, values, thin: true });
    }
    this.chart.unit = this.metric.value.endsWith("accuracy") ? "%" : "";
    this.chart.show(curves, { log: this.log.checked });
  }
}
