// One step: links, forms, clicks and arrow keys change what is shown without leaving the page.
import { byId } from "./common.js";

const main = byId("main");
let newest = 0;

// Show another state of the page; where it cannot be had, go there.
async function show(address, keep = true) {
  newest += 1;
  const mine = newest;
  const answer = await fetch(address, { headers: { accept: "text/html" } });
  if (mine !== newest) return;
  if (!answer.ok) { location.assign(address); return; }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (mine !== newest) return;
  const focused = document.activeElement?.id;
  main.replaceChildren(...page.getElementById("main").childNodes);
  if (keep) history.pushState(null, "", address);
  byId(focused)?.focus({ preventScroll: true });
}

const address = (form) => `${form.action}?${new URLSearchParams(new FormData(form))}`;

// Show the entry at a column and row of the output's picture.
function choose(column, row) {
  const { columns, count } = byId("output").dataset;
  const form = byId("entry");
  const vector = !form.elements.row;
  if (vector && row * columns + column >= count) return;
  if (vector) form.elements.map.value = row * columns + column;
  else [form.elements.row.value, form.elements.column.value] = [row, column];
  show(address(form));
}

function where() {
  const { columns } = byId("output").dataset;
  const { row, column, map } = byId("entry").elements;
  if (row) return [Number(column.value), Number(row.value)];
  return [Number(map.value) % columns, Math.floor(Number(map.value) / columns)];
}

main.addEventListener("click", (event) => {
  const link = event.target.closest("a");
  const plain = !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
  if (link?.getAttribute("href").startsWith("?") && plain) {
    event.preventDefault();
    link.focus();
    show(link.href);
    return;
  }
  const picture = event.target.closest("#output svg");
  if (!picture) return;
  const { columns, rows } = byId("output").dataset;
  const box = picture.getBoundingClientRect();
  const at = (place, size, most) => Math.min(Math.max(Math.floor((place / size) * most), 0), most - 1);
  choose(at(event.clientX - box.left, box.width, columns), at(event.clientY - box.top, box.height, rows));
});

main.addEventListener("submit", (event) => {
  event.preventDefault();
  show(address(event.target));
});

main.addEventListener("keydown", (event) => {
  if (event.target.id !== "output") return;
  const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [0, 0];
  if (!dx && !dy) return;
  event.preventDefault();
  const { columns, rows } = byId("output").dataset;
  const [column, row] = where();
  const [x, y] = [column + dx, row + dy];
  if (x >= 0 && y >= 0 && x < columns && y < rows) choose(x, y);
});

// The entries that belong together: those at the same place of all matrices in a row.
main.addEventListener("pointerover", (event) => {
  for (const cell of main.querySelectorAll("td.met")) cell.classList.remove("met");
  const cell = event.target.closest("td[data-at]");
  if (!cell) return;
  for (const one of cell.closest(".matrices").querySelectorAll(`td[data-at="${cell.dataset.at}"]`)) one.classList.add("met");
});

addEventListener("popstate", () => { if (!location.hash) show(location.href, false); });
