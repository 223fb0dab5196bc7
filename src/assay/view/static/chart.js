// Curves by epoch: uPlot with bands, a name for what the pointer is at, keys, zoom and a log axis.
/* global uPlot */

const COLOURS = 8;
const MOST_BANDS = 12;
const DASHES = [[], [8, 4], [2, 3], [10, 3, 2, 3], [5, 5], [1, 4], [12, 6]];
const SPACE = 60;

const faded = (hex, alpha) => hex + Math.round(255 * alpha).toString(16).padStart(2, "0");

// A curve is {place, name, values, from, low, high, thin, every, last}: values an epoch, the first at epoch `from`;
// or a value for each `every` epochs, the last at epoch `last`. Of more than MOST_BANDS bands only that of the
// curve that is pointed at is drawn, above a veil that lets the others fade: a plot itself is drawn once.
export class Chart {
  constructor(box, reading, { unit = "" } = {}) {
    Object.assign(this, { box, reading, unit, curves: [], log: false, zoomed: false, at: [0, 0], plot: null, seen: true, late: null });
    this.tip = document.createElement("div");
    this.tip.className = "tip";
    this.tip.hidden = true;
    box.append(this.tip);
    box.addEventListener("keydown", (event) => this.key(event));
    box.addEventListener("blur", () => this.focus(null));
    new ResizeObserver(() => this.fit()).observe(box);
    new IntersectionObserver((entries) => this.see(entries.at(-1).isIntersecting)).observe(box);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { if (this.plot) this.rebuild(); });
  }

  // Draw what has changed meanwhile once the chart is in the window.
  see(seen) {
    this.seen = seen;
    if (seen) this.late?.();
  }

  // Show these curves. The plot is kept where only values have changed, and so is its zoom.
  show(curves, { log = this.log } = {}) {
    this.late = null;
    if (!this.seen && this.plot) {
      this.late = () => this.show(curves, { log });
      return;
    }
    const shape = (all) => all.map((curve) => `${curve.name}|${curve.place}|${curve.low ? 1 : 0}`).join("\n");
    const same = this.plot && log === this.log && shape(curves) === shape(this.curves);
    this.curves = curves;
    this.log = log;
    this.read();
    if (same) this.plot.setData(this.data(), !this.zoomed);
    else this.rebuild();
    this.note();
  }

  // Lay every curve's values along the epochs that any of them has.
  read() {
    const at = (curve, index) => ((curve.every ?? 1) > 1 ? Math.min((index + 1) * curve.every, curve.last) : curve.from + index);
    const found = new Set([1]);
    for (const curve of this.curves) curve.values.forEach((_, index) => found.add(at(curve, index)));
    this.epochs = [...found].sort((a, b) => a - b);
    const places = new Map(this.epochs.map((epoch, place) => [epoch, place]));
    const column = (curve, values) => {
      if (!values) return null;
      const laid = Array(this.epochs.length);
      values.forEach((value, index) => { laid[places.get(at(curve, index))] = value; });
      return laid;
    };
    this.laid = this.curves.map((curve) => ({ values: column(curve, curve.values), low: column(curve, curve.low), high: column(curve, curve.high) }));
    this.apart = this.curves.some((curve) => curve.every > 1);
    this.bands = this.curves.filter((curve) => curve.low).length <= MOST_BANDS;
  }

  data() {
    const column = (values) => values.map((value) => this.plotted(value));
    return [this.epochs, ...this.laid.flatMap(({ values, low, high }) => (low && this.bands ? [values, low, high] : [values]).map(column))];
  }

  plotted(value) {
    return value === undefined || value === null || (this.log && value <= 0) ? null : value;
  }

  rebuild() {
    const kept = this.zoomed && this.plot ? { min: this.plot.scales.x.min, max: this.plot.scales.x.max } : null;
    this.plot?.destroy();
    this.focused = null;
    const style = getComputedStyle(document.documentElement);
    const variable = (name) => style.getPropertyValue(name).trim();
    const inks = Array.from({ length: COLOURS }, (_, place) => variable(`--arm${place}`));
    this.paper = variable("--paper");
    const series = [{}];
    const bands = [];
    this.mains = [];
    this.strokes = this.curves.map((curve) => ({ ink: inks[curve.place % COLOURS], dash: DASHES[Math.floor(curve.place / COLOURS) % DASHES.length], width: curve.thin ? 1 : 2 }));
    this.curves.forEach((curve, place) => {
      const { ink, dash, width } = this.strokes[place];
      this.mains.push(series.length);
      const shown = curve.values.length === 1;
      series.push({ stroke: faded(ink, curve.thin ? 0.45 : 1), width, dash, spanGaps: this.apart, points: { show: shown, size: 6, fill: ink } });
      if (curve.low && this.bands) {
        const edge = { stroke: "transparent", width: 0, spanGaps: this.apart, points: { show: false } };
        bands.push({ series: [series.length + 1, series.length], fill: faded(ink, 0.13) });
        series.push({ ...edge }, { ...edge });
      }
    });
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
        cursor: { drag: { x: true, y: false, uni: 20 }, points: { show: false } },
        hooks: { setCursor: [(plot) => this.hover(plot)], setSelect: [() => this.zoom()], draw: [() => this.lay()] },
      },
      this.data(),
      this.box,
    );
    this.above = document.createElement("canvas");
    this.above.className = "veil";
    this.plot.over.before(this.above);
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

  words(place, index) {
    const { values, low, high } = this.laid[place];
    const known = (value) => value !== undefined && value !== null;
    if (!known(values[index])) return null;
    const write = (number) => `${Number(number.toPrecision(4))}${this.unit}`;
    const band = low && known(low[index]) ? ` (${write(low[index])} to ${write(high[index])})` : "";
    return `${this.curves[place].name}, epoch ${this.epochs[index]}: ${write(values[index])}${band}`;
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
    if (place === null) this.tip.hidden = true;
    this.lay();
  }

  // Lay a veil over the plot, and the curve in focus with its band above it.
  lay() {
    const { above, plot } = this;
    if (!above) return;
    const box = plot.bbox;
    const pen = above.getContext("2d");
    if (above.width !== plot.ctx.canvas.width || above.height !== plot.ctx.canvas.height) {
      [above.width, above.height] = [plot.ctx.canvas.width, plot.ctx.canvas.height];
    } else if (this.laidOut) pen.clearRect(0, 0, above.width, above.height);
    this.laidOut = this.focused !== null && this.focused < this.curves.length;
    if (!this.laidOut) return;
    const { ink, dash, width } = this.strokes[this.focused];
    const { values, low, high } = this.laid[this.focused];
    pen.save();
    pen.beginPath();
    pen.rect(box.left, box.top, box.width, box.height);
    pen.clip();
    pen.fillStyle = faded(this.paper, 0.72);
    pen.fillRect(box.left, box.top, box.width, box.height);
    if (low) {
      pen.fillStyle = faded(ink, 0.2);
      pen.fill(this.path([...this.corners(high), ...this.corners(low).reverse()]));
    }
    pen.strokeStyle = ink;
    pen.lineWidth = (width + 0.5) * devicePixelRatio;
    pen.setLineDash(dash.map((part) => part * devicePixelRatio));
    pen.stroke(this.path(this.corners(values)));
    pen.restore();
  }

  // Where a column's values lie on the canvas.
  corners(values) {
    const place = (value, scale) => this.plot.valToPos(value, scale, true);
    return values.flatMap((value, index) => (this.plotted(value) === null ? [] : [[place(this.epochs[index], "x"), place(value, "y")]]));
  }

  path(corners) {
    const found = new Path2D();
    for (const [x, y] of corners) found.lineTo(x, y);
    return found;
  }

  // Name the value of a curve at an epoch, beside its point.
  point(place, index) {
    const series = this.mains[place];
    const words = this.words(place, index);
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
    this.focus(place);
    this.reading.textContent = this.point(place, index) ?? `${this.curves[place].name}: nothing at epoch ${this.plot.data[0][index]}`;
  }

  note() {
    if (!this.curves.some((curve) => curve.values.length)) this.reading.textContent = "Nothing to draw.";
    else if (this.reading.textContent === "Nothing to draw.") this.reading.textContent = "";
  }
}
