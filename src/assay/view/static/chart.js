// Curves by epoch: uPlot with bands, a name for what the pointer is at, keys, zoom and a log axis.
/* global uPlot */

const COLOURS = 8;
const DASHES = [[], [8, 4], [2, 3], [10, 3, 2, 3], [5, 5], [1, 4], [12, 6]];
const SPACE = 60;

const colour = (place) =>
  getComputedStyle(document.documentElement).getPropertyValue(`--arm${place % COLOURS}`).trim();
const variable = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const faded = (hex, alpha) => hex + Math.round(255 * alpha).toString(16).padStart(2, "0");

// A curve is {place, name, values, from, low, high, thin}: values an epoch, the first at epoch `from`.
export class Chart {
  constructor(box, reading, { unit = "" } = {}) {
    Object.assign(this, { box, reading, unit, curves: [], log: false, zoomed: false, at: [0, 0], plot: null });
    this.tip = document.createElement("div");
    this.tip.className = "tip";
    this.tip.hidden = true;
    box.append(this.tip);
    box.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => this.fit()).observe(box);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.rebuild());
  }

  // Show these curves. The plot is kept where only values have changed, and so is its zoom.
  show(curves, { log = this.log } = {}) {
    const shape = (all) => all.map((curve) => `${curve.name}|${curve.low ? 1 : 0}`).join("\n");
    const same = this.plot && log === this.log && shape(curves) === shape(this.curves);
    this.curves = curves;
    this.log = log;
    if (same) this.plot.setData(this.data(), !this.zoomed);
    else this.rebuild();
    this.note();
  }

  data() {
    const last = Math.max(1, ...this.curves.map((curve) => curve.from + curve.values.length - 1));
    const first = Math.min(1, ...this.curves.map((curve) => curve.from));
    const epochs = Array.from({ length: last - first + 1 }, (_, index) => first + index);
    const column = (values, from) => epochs.map((epoch) => this.plotted(values[epoch - from]));
    const columns = this.curves.flatMap((curve) => {
      const own = [column(curve.values, curve.from)];
      return curve.low ? [...own, column(curve.low, curve.from), column(curve.high, curve.from)] : own;
    });
    return [epochs, ...columns];
  }

  plotted(value) {
    return value === undefined || value === null || (this.log && value <= 0) ? null : value;
  }

  rebuild() {
    const kept = this.zoomed && this.plot ? { min: this.plot.scales.x.min, max: this.plot.scales.x.max } : null;
    this.plot?.destroy();
    this.focused = null;
    const series = [{}];
    const bands = [];
    this.owners = [null];
    this.mains = [];
    for (const curve of this.curves) {
      const ink = colour(curve.place);
      const dash = DASHES[Math.floor(curve.place / COLOURS) % DASHES.length];
      this.mains.push(series.length);
      this.owners.push(curve);
      const alpha = curve.thin ? 0.45 : 1;
      series.push({ label: curve.name, stroke: faded(ink, alpha), width: curve.thin ? 1 : 2, dash, points: { show: curve.values.length === 1, size: 6, fill: ink } });
      if (curve.low) {
        const edge = { label: `${curve.name} edge`, stroke: "transparent", width: 0, points: { show: false } };
        bands.push({ series: [series.length + 1, series.length], fill: faded(ink, 0.13) });
        this.owners.push(null, null);
        series.push({ ...edge }, { ...edge });
      }
    }
    const axis = { stroke: variable("--soft"), grid: { stroke: variable("--rule"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
    this.plot = new uPlot(
      {
        width: Math.max(240, this.box.clientWidth),
        height: this.box.clientHeight,
        series,
        bands,
        scales: { x: { time: false }, y: this.log ? { distr: 3 } : {} },
        axes: [{ ...axis, size: 32, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] }, { ...axis, size: SPACE, ...(this.log ? { values: (_, found) => found.map((value) => (value === null ? "" : String(Number(value.toPrecision(3))))) } : {}) }],
        legend: { show: false },
        focus: { alpha: 0.25 },
        cursor: { drag: { x: true, y: false, uni: 20 }, points: { show: false } },
        hooks: { setCursor: [(plot) => this.hover(plot)], setSelect: [() => this.zoom()] },
      },
      this.data(),
      this.box,
    );
    if (kept) this.plot.setScale("x", kept);
    this.zoomed = Boolean(kept);
    this.onzoom?.(this.zoomed);
    this.tip.hidden = true;
    this.box.append(this.tip);
    this.plot.over.addEventListener("dblclick", () => this.whole());
  }

  fit() {
    if (this.plot) this.plot.setSize({ width: Math.max(240, this.box.clientWidth), height: this.box.clientHeight });
  }

  zoom() {
    if (this.plot.select.width > 2) {
      this.zoomed = true;
      this.onzoom?.(true);
    }
  }

  whole() {
    this.zoomed = false;
    this.plot.setData(this.data(), true);
    this.onzoom?.(false);
  }

  words(curve, index) {
    const epoch = this.plot.data[0][index];
    const at = epoch - curve.from;
    const value = curve.values[at];
    if (value === undefined || value === null) return null;
    const write = (number) => `${Number(number.toPrecision(4))}${this.unit}`;
    const band = curve.low ? ` (${write(curve.low[at])} to ${write(curve.high[at])})` : "";
    return `${curve.name}, epoch ${epoch}: ${write(value)}${band}`;
  }

  hover(plot) {
    const { left, top, idx } = plot.cursor;
    if (idx === null || idx === undefined || left < 0) {
      this.tip.hidden = true;
      this.focus(null);
      return;
    }
    let best = null;
    let distance = Infinity;
    this.mains.forEach((series, place) => {
      const value = plot.data[series][idx];
      if (value === null || value === undefined) return;
      const away = Math.abs(plot.valToPos(value, "y") - top);
      if (away < distance) [best, distance] = [place, away];
    });
    if (best === null) return;
    this.focus(best);
    this.point(best, idx);
  }

  // Let the others fade.
  focus(place) {
    if (this.focused === place) return;
    this.focused = place;
    this.plot.setSeries(place === null ? null : this.mains[place], { focus: true });
  }

  // Name the value of a curve at an epoch, beside its point.
  point(place, index) {
    const series = this.mains[place];
    const curve = this.curves[place];
    const words = this.words(curve, index);
    this.tip.hidden = words === null;
    if (words === null) return null;
    const x = this.plot.valToPos(this.plot.data[0][index], "x") + this.plot.over.offsetLeft;
    const y = this.plot.valToPos(this.plot.data[series][index], "y") + this.plot.over.offsetTop;
    this.tip.textContent = words;
    const wide = this.tip.offsetWidth;
    this.tip.style.left = `${Math.min(Math.max(0, x + 10), Math.max(0, this.box.clientWidth - wide))}px`;
    this.tip.style.top = `${Math.max(0, y - this.tip.offsetHeight - 8)}px`;
    return words;
  }

  key(event) {
    const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    if (event.key === "Escape") this.whole();
    const move = moves[event.key];
    if (!move || !this.curves.length) return;
    event.preventDefault();
    const clamp = (value, most) => Math.min(Math.max(value, 0), most);
    const place = clamp(this.at[0] + move[0], this.curves.length - 1);
    const index = clamp(this.at[1] + move[1], this.plot.data[0].length - 1);
    this.at = [place, index];
    this.reading.textContent = this.point(place, index) ?? `${this.curves[place].name}: nothing at epoch ${this.plot.data[0][index]}`;
  }

  note() {
    if (!this.curves.some((curve) => curve.values.length)) this.reading.textContent = "Nothing to draw.";
    else if (this.reading.textContent === "Nothing to draw.") this.reading.textContent = "";
  }
}
