// The sheet: every change is sent as soon as the last answer is in, the newest state alone.
import { byId, setText } from "./common.js";
import { Answers } from "./answers.js";
import { Boxes } from "./boxes.js";
import { PNG, Strokes } from "./strokes.js";

const sheet = byId("sheet");
const SIDE = 28;
const RESTS = 350; // milliseconds without a change, before what takes longer is asked for
const MOST_DRAWN = 64 * 1024;
let busy = false;
let since = null; // when the sheet changed in a way that was not sent yet
let resting = null;
let looking = null;
let found = { said: "", characters: [], answers: [] };
let chosen = 0;

const networks = () => [...sheet.querySelectorAll(".arms input")];
const asked = () => networks().filter((box) => box.checked).map((box) => box.value);
const query = (arms) => new URLSearchParams([["study", sheet.dataset.key], ...arms.map((arm) => ["arm", arm])]);

async function post(address, body, type, signal) {
  const answer = await fetch(address, { method: "POST", headers: { "content-type": type }, body, signal });
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.error);
  return said;
}

// A network's name, and the place of its colour.
function named(value) {
  const place = networks().findIndex((box) => box.value === value);
  return { name: networks()[place].dataset.name, place: value ? place : null };
}

// Ask what the chosen networks take the sheet for.
export async function ask() {
  const { file, lies } = strokes;
  const body = file ?? strokes.png();
  const address = query(asked());
  if (file || body.length > MOST_DRAWN) address.set("picture", "");
  return { ...await post(`/draw/answer?${address}`, body, file?.type ?? PNG), lies };
}

async function changed() {
  since ??= performance.now();
  looking?.abort();
  if (busy) return;
  busy = true;
  sheet.dataset.busy = true;
  while (since !== null) {
    const from = since;
    since = null;
    try {
      show(await ask());
      sheet.dataset.took = (performance.now() - from).toFixed(1);
    } catch (error) {
      setText(byId("said"), error.message);
    }
    sheet.dataset.answered = Number(sheet.dataset.answered ?? 0) + 1;
  }
  busy = false;
  sheet.dataset.busy = false;
}

function show(answered) {
  found = answered;
  mark(Math.max(0, Math.min(chosen, found.characters.length - 1)));
  clearTimeout(resting);
  resting = setTimeout(inside, RESTS);
}

// Show the character at `place` as the one that is looked at.
function mark(place) {
  chosen = place;
  delete sheet.dataset.inside;
  const { characters, size, lies } = found;
  const names = characters.map((_, at) => found.answers.find(({ likeliest }) => likeliest.length)?.likeliest[at][0][0] ?? "not read");
  answers.show(found, chosen);
  boxes.show({ characters, size, chosen, names, lies, side: strokes.canvas.width });
  setText(byId("which"), characters.length > 1 ? `This is character ${chosen + 1} of ${characters.length}; the numbers on the sheet choose.` : "");
  seen(characters[chosen]?.pixels);
}

function choose(place) {
  mark(place);
  inside();
}

function seen(pixels) {
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
  const place = chosen;
  const pixels = found.characters[place]?.pixels;
  if (!pixels) {
    setText(byId("rests"), NOTHING);
    byId("occlusion").replaceChildren();
    byId("layers").replaceChildren();
    return;
  }
  looking = new AbortController();
  try {
    const address = `/draw/inside?${query([byId("arm").value])}`;
    const within = await post(address, JSON.stringify({ pixels }), "application/json", looking.signal);
    setText(byId("rests"), `It reads “${within.answer}” with ${(100 * within.share).toFixed(1)}%. Where a patch of paper over the drawing takes from that share, the part is purple; where it adds, orange. The strongest part: ${(100 * within.most).toFixed(1)} points. Layers: purple above zero, orange below, each by its own largest value.`);
    figure(within.occlusion, byId("occlusion"));
    byId("layers").replaceChildren(...within.layers.map((layer) => figure(layer)));
    sheet.dataset.inside = place + 1;
  } catch (error) {
    if (error.name !== "AbortError") setText(byId("rests"), error.message);
  }
}

async function take(files) {
  const file = [...files].find((one) => one.type.startsWith("image/"));
  if (!file && !files.length) return;
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
  byId("file").addEventListener("change", (event) => take(event.target.files));
  byId("arm").addEventListener("change", inside);
  for (const box of networks()) {
    box.addEventListener("change", () => {
      if (asked().length > Number(sheet.dataset.most)) box.checked = false;
      else changed();
    });
  }
  addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "z") { event.preventDefault(); strokes.undo(); }
  });
  addEventListener("paste", (event) => take(event.clipboardData.files));
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    take(event.dataTransfer.files);
  });
}

const NOTHING = byId("rests").textContent;
const answers = new Answers(byId("answers"), named);
const boxes = new Boxes(byId("boxes"), { onchoose: choose });
export const strokes = new Strokes(byId("canvas"), { onchange: changed, width: Number(byId("width").value) });
seen();
listen();
