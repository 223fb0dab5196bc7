// The sheet: every change is sent as soon as the last answer is in, the newest state alone.
import { byId, setText } from "./common.js";
import { Strokes } from "./strokes.js";

const sheet = byId("sheet");
const SIDE = 28;
const RESTS = 350; // milliseconds without a change, before what takes longer is asked for
const MOST_DRAWN = 64 * 1024;
let busy = false;
let due = false;
let resting = null;
let pixels = null;
let looking = null;
const rows = new Map();

const boxes = () => [...sheet.querySelectorAll(".arms input")];
const chosen = () => boxes().filter((box) => box.checked).map((box) => box.value);
const query = (arms) => new URLSearchParams([["study", sheet.dataset.key], ...arms.map((arm) => ["arm", arm])]);

async function post(address, body, type) {
  const answer = await fetch(address, { method: "POST", headers: { "content-type": type }, body });
  const found = await answer.json();
  if (!answer.ok) throw new Error(found.error);
  return found;
}

// Ask what the chosen arms take the sheet for.
export async function ask() {
  let body = strokes.file;
  const address = query(chosen());
  if (!body) body = await strokes.png();
  if (strokes.file || body.size > MOST_DRAWN) address.set("picture", "");
  return post(`/draw/answer?${address}`, body, body.type);
}

async function changed() {
  due = true;
  if (busy) return;
  busy = true;
  while (due) {
    due = false;
    const asked = performance.now();
    try {
      const found = await ask();
      show(found);
      sheet.dataset.took = (performance.now() - asked).toFixed(1);
    } catch (error) {
      setText(byId("said"), error.message);
    }
    sheet.dataset.answered = Number(sheet.dataset.answered ?? 0) + 1;
  }
  busy = false;
}

function row(arm) {
  const box = document.createElement("div");
  const name = document.createElement("h3");
  const place = boxes().findIndex((input) => input.value === arm) % 8;
  const swatch = document.createElement("span");
  swatch.className = `swatch arm${place}`;
  name.append(swatch, arm);
  const list = document.createElement("ul");
  list.className = "bars";
  const why = document.createElement("p");
  why.className = "note";
  box.append(name, list, why);
  const bars = Array.from({ length: 5 }, () => {
    const item = document.createElement("li");
    const [character, bar, share] = ["b", "progress", "span"].map((tag) => document.createElement(tag));
    bar.max = 1;
    item.append(character, bar, share);
    list.append(item);
    return { item, character, bar, share };
  });
  byId("answers").append(box);
  return { box, bars, why };
}

function show(found) {
  pixels = found.pixels ?? null;
  const first = found.answers.map((answer) => `${answer.arm}: ${answer.likeliest.length ? `${answer.likeliest[0][0]} (${Math.round(100 * answer.likeliest[0][1])}%)` : "cannot say"}`);
  setText(byId("said"), found.said === "no strokes" ? "No strokes." : found.said || first.join(", ") || "No arm is chosen.");
  const named = new Set(found.answers.map((answer) => answer.arm));
  for (const [arm, { box }] of rows) box.hidden = !named.has(arm);
  for (const { arm, likeliest, said } of found.answers) {
    if (!rows.has(arm)) rows.set(arm, row(arm));
    const { bars, why } = rows.get(arm);
    setText(why, said);
    bars.forEach(({ item, character, bar, share }, place) => {
      item.hidden = place >= likeliest.length;
      if (item.hidden) return;
      const [name, value] = likeliest[place];
      setText(character, name);
      bar.value = value;
      bar.setAttribute("aria-label", `Share of ${name} by ${arm}`);
      setText(share, `${(100 * value).toFixed(1)}%`);
    });
  }
  seen();
  clearTimeout(resting);
  resting = setTimeout(inside, RESTS);
}

function seen() {
  const context = byId("seen").getContext("2d");
  const data = context.createImageData(SIDE, SIDE);
  for (let place = 0; place < SIDE * SIDE; place += 1) {
    const shade = 255 - (pixels?.[place] ?? 0);
    data.data.set([shade, shade, shade, 255], 4 * place);
  }
  context.putImageData(data, 0, 0);
}

function figure({ uri, words, width, height }, box = document.createElement("figure")) {
  const image = new Image(width, height);
  Object.assign(image, { src: uri, alt: words, className: "pixels" });
  const caption = document.createElement("figcaption");
  caption.textContent = words;
  box.replaceChildren(image, caption);
  return box;
}

async function inside() {
  looking?.abort();
  if (!pixels) {
    byId("occlusion").replaceChildren();
    byId("layers").replaceChildren();
    return;
  }
  looking = new AbortController();
  const { signal } = looking;
  try {
    const address = `/draw/inside?${query([byId("arm").value])}`;
    const answer = await fetch(address, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ pixels }), signal });
    const found = await answer.json();
    setText(byId("rests"), answer.ok ? `It reads “${found.answer}”. Where a patch of paper over the drawing takes from that share, the part is purple; where it adds, orange. The strongest part: ${(100 * found.most).toFixed(1)} points. Layers: purple above zero, orange below, each by its own largest value.` : found.error);
    if (!answer.ok) return;
    figure(found.occlusion, byId("occlusion"));
    byId("layers").replaceChildren(...found.layers.map((layer) => figure(layer)));
    sheet.dataset.inside = Number(sheet.dataset.inside ?? 0) + 1;
  } catch (error) {
    if (error.name !== "AbortError") setText(byId("rests"), error.message);
  }
}

async function take(file) {
  try {
    await strokes.lay(file);
  } catch {
    setText(byId("said"), "This is not a picture that can be shown.");
  }
}

function listen() {
  byId("undo").addEventListener("click", () => strokes.undo());
  byId("clear").addEventListener("click", () => strokes.clear());
  byId("width").addEventListener("input", (event) => { strokes.width = Number(event.target.value); });
  byId("file").addEventListener("change", (event) => { if (event.target.files[0]) take(event.target.files[0]); });
  byId("arm").addEventListener("change", inside);
  for (const box of boxes()) {
    box.addEventListener("change", () => {
      if (chosen().length > Number(sheet.dataset.most)) box.checked = false;
      else changed();
    });
  }
  addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "z") { event.preventDefault(); strokes.undo(); }
  });
  addEventListener("paste", (event) => {
    const file = [...event.clipboardData.files].find((found) => found.type.startsWith("image/"));
    if (file) take(file);
  });
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    const file = [...event.dataTransfer.files].find((found) => found.type.startsWith("image/"));
    if (file) take(file);
  });
}

export const strokes = sheet && new Strokes(byId("canvas"), { onchange: changed });
if (sheet) {
  seen();
  listen();
}
