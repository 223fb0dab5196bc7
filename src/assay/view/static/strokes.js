// A sheet of strokes on a canvas, kept as points: dark ink on white paper, or white on black where a dark
// picture was laid on it. Pressure is ignored, so that every pen draws alike.

export const PNG = "image/png";
const STEP = 8;
const SENT = 0.5; // the side of what is sent, of the sheet's: ten pixels for each that a network sees

export class Strokes {
  constructor(canvas, { onchange, width }) {
    Object.assign(this, { canvas, onchange, width, strokes: [], past: [], pen: { x: 280, y: 280 }, keys: false, keyed: null });
    this.context = canvas.getContext("2d", { willReadFrequently: true });
    this.active = new Map(); // one stroke for each finger
    this.redraw();
    this.listen();
  }

  get picture() { return this.strokes.find((stroke) => stroke.image); }
  get colours() { return this.picture?.dark ? { ink: "#fff", paper: "#000" } : { ink: "#000", paper: "#fff" }; }
  // The picture's own file, as long as nothing is drawn over it.
  get file() { return this.strokes.length === 1 ? this.picture?.file ?? null : null; }

  // Where on the sheet what is sent lies: the whole sheet, or the picture's own place.
  get lies() { return this.file ? this.placed(this.picture.image) : { x: 0, y: 0, ...size(this.canvas) }; }

  listen() {
    const at = (event) => {
      const box = this.canvas.getBoundingClientRect();
      const scale = this.canvas.width / box.width;
      return { x: (event.clientX - box.left) * scale, y: (event.clientY - box.top) * scale };
    };
    this.canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      event.preventDefault();
      this.keys = false;
      this.redraw();
      this.canvas.focus({ preventScroll: true });
      this.canvas.setPointerCapture?.(event.pointerId);
      this.active.set(event.pointerId, this.begin(at(event)));
    });
    this.canvas.addEventListener("pointermove", (event) => {
      const stroke = this.active.get(event.pointerId);
      if (!stroke) return;
      const points = event.getCoalescedEvents?.() ?? [];
      for (const point of points.length ? points : [event]) this.extend(stroke, at(point));
    });
    for (const name of ["pointerup", "pointercancel"]) this.canvas.addEventListener(name, (event) => this.active.delete(event.pointerId));
    this.canvas.addEventListener("keydown", (event) => this.key(event));
    this.canvas.addEventListener("blur", () => { this.keyed = null; this.redraw(); });
    this.canvas.addEventListener("focus", () => this.redraw());
  }

  begin(point) {
    const stroke = { width: this.width, points: [point] };
    this.keep([...this.strokes, stroke]);
    this.mark(stroke);
    this.onchange();
    return stroke;
  }

  extend(stroke, point) {
    stroke.points.push(point);
    this.mark(stroke, stroke.points.length - 2);
    this.onchange();
  }

  key(event) {
    const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [0, 0];
    if (event.key === " ") this.keyed = this.keyed ? null : this.begin({ ...this.pen });
    else if (dx || dy) {
      const far = STEP * (event.shiftKey ? 5 : 1);
      const within = (value, size) => Math.min(Math.max(value, 0), size);
      this.pen = { x: within(this.pen.x + dx * far, this.canvas.width), y: within(this.pen.y + dy * far, this.canvas.height) };
      if (this.keyed) this.extend(this.keyed, { ...this.pen });
    } else return;
    event.preventDefault();
    this.keys = true;
    this.canvas.dataset.pen = this.keyed ? "down" : "up";
    this.redraw();
  }

  // Take these strokes; undo brings back those before.
  keep(strokes) {
    this.past.push(this.strokes);
    this.strokes = strokes;
  }

  undo() { this.show(() => { this.strokes = this.past.pop() ?? []; }); }

  clear() { this.show(() => this.keep([])); }

  // Lay a picture on the sheet, whole and as large as it can be.
  async lay(file) {
    const image = await createImageBitmap(file);
    this.show(() => this.keep([{ image, file, dark: dark(image) }]));
  }

  show(change) {
    this.keyed = null;
    this.active.clear();
    change();
    this.redraw();
    this.onchange();
  }

  redraw() {
    this.paint(this.context);
    if (this.keys && document.activeElement === this.canvas) this.cross();
  }

  paint(context) {
    context.fillStyle = this.colours.paper;
    context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    for (const stroke of this.strokes) (stroke.image ? this.place(stroke.image, context) : this.mark(stroke, 0, context));
  }

  placed(image) {
    const { width, height } = this.canvas;
    const scale = Math.min(width / image.width, height / image.height);
    return { x: (width - scale * image.width) / 2, y: (height - scale * image.height) / 2, width: scale * image.width, height: scale * image.height };
  }

  place(image, context) {
    const { x, y, width, height } = this.placed(image);
    context.imageSmoothingQuality = "high";
    context.drawImage(image, x, y, width, height);
  }

  mark(stroke, from = 0, context = this.context) {
    Object.assign(context, { strokeStyle: this.colours.ink, lineWidth: stroke.width, lineCap: "round", lineJoin: "round" });
    const [first, ...rest] = stroke.points.slice(from);
    context.beginPath();
    context.moveTo(first.x, first.y);
    for (const point of rest.length ? rest : [first]) context.lineTo(point.x, point.y);
    context.stroke();
  }

  // Where the pen of the arrow keys is: shown on the sheet, and no part of the drawing.
  cross() {
    const { x, y } = this.pen;
    Object.assign(this.context, { strokeStyle: this.keyed ? "#d55e00" : "#0072b2", lineWidth: 3 });
    this.context.beginPath();
    this.context.moveTo(x - 14, y);
    this.context.lineTo(x + 14, y);
    this.context.moveTo(x, y - 14);
    this.context.lineTo(x, y + 14);
    this.context.stroke();
  }

  // The drawing as the bytes of a PNG: at once, where a blob would be made when the browser finds time.
  png() {
    const { width, height } = this.canvas;
    this.copy ??= Object.assign(document.createElement("canvas"), { width: SENT * width, height: SENT * height });
    const context = this.copy.getContext("2d", { willReadFrequently: true });
    context.setTransform(SENT, 0, 0, SENT, 0, 0);
    this.paint(context);
    const text = atob(this.copy.toDataURL(PNG).slice(`data:${PNG};base64,`.length));
    return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
  }
}

const size = ({ width, height }) => ({ width, height });

// Whether a picture is rather dark: light ink on dark paper.
function dark(image) {
  const context = new OffscreenCanvas(16, 16).getContext("2d", { willReadFrequently: true });
  Object.assign(context, { fillStyle: "#fff", imageSmoothingQuality: "high" });
  context.fillRect(0, 0, 16, 16);
  context.drawImage(image, 0, 0, 16, 16);
  const { data } = context.getImageData(0, 0, 16, 16);
  return data.reduce((sum, value, at) => sum + (at % 4 === 3 ? 0 : value), 0) < 0.5 * 255 * 3 * 16 * 16;
}
