// The answers on the sheet: a block for each network, with a bar for each of the likeliest characters.
import { byId, setText } from "./common.js";

const BARS = 5;

export class Answers {
  // `names` gives each network's name and colour: { name, place }, place null for none.
  constructor(box, names) {
    Object.assign(this, { box, names, rows: new Map() });
  }

  show({ said, characters, answers }, chosen) {
    setText(byId("said"), this.words(said, characters, answers));
    const named = new Set(answers.map((answer) => answer.arm));
    for (const [arm, { box }] of this.rows) box.hidden = !named.has(arm);
    for (const answer of answers) this.one(answer, characters.length, chosen);
  }

  words(said, characters, answers) {
    if (said === "no strokes") return "No strokes.";
    if (!characters.length) return said;
    if (!answers.length) return "No network is chosen.";
    const alone = characters.length === 1;
    const parts = answers.map(({ arm, text, likeliest }) => {
      const { name } = this.names(arm);
      if (!likeliest.length) return `${name}: cannot say`;
      return alone ? `${name}: ${text} (${Math.round(100 * likeliest[0][0][1])}%)` : `${name} reads “${text}”`;
    });
    const count = said || (alone ? "" : `${characters.length} characters`);
    return [...(count ? [count] : []), parts.join(", ")].join(": ");
  }

  one({ arm, text, likeliest, said }, count, chosen) {
    if (!this.rows.has(arm)) this.rows.set(arm, this.row(arm));
    const { bars, why } = this.rows.get(arm);
    setText(why, said || (count > 1 ? `reads “${text}”; character ${chosen + 1}:` : ""));
    const shares = likeliest[chosen] ?? [];
    bars.forEach(({ item, character, bar, share }, place) => {
      item.hidden = place >= shares.length;
      if (item.hidden) return;
      const [name, value] = shares[place];
      setText(character, name);
      bar.value = value;
      bar.setAttribute("aria-label", `Share of ${name} by ${this.names(arm).name}`);
      setText(share, `${(100 * value).toFixed(1)}%`);
    });
  }

  row(arm) {
    const [box, head, swatch, why, list] = ["div", "h3", "span", "p", "ul"].map((tag) => document.createElement(tag));
    const { name, place } = this.names(arm);
    swatch.className = place === null ? "swatch" : `swatch arm${place % 8}`;
    head.append(swatch, name);
    why.className = "note";
    list.className = "bars";
    const bars = Array.from({ length: BARS }, () => {
      const item = document.createElement("li");
      const [character, bar, share] = ["b", "progress", "span"].map((tag) => document.createElement(tag));
      bar.max = 1;
      item.append(character, bar, share);
      list.append(item);
      return { item, character, bar, share };
    });
    box.append(head, why, list);
    this.box.append(box);
    return { box, bars, why };
  }
}
