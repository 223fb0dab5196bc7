// A box around each of several characters, whose numbered tab chooses it; the pen goes through the rest.

const TAB = 24; // pixels

export class Boxes {
  constructor(box, { onchoose }) {
    Object.assign(this, { box, onchoose, buttons: [] });
  }

  // Show the boxes of characters of a picture of `size`, which lies at `lies` on a sheet of `side` units.
  show({ characters, size, chosen, names, lies, side }) {
    const some = characters.length > 1 ? characters : [];
    while (this.buttons.length < some.length) this.add();
    while (this.buttons.length > some.length) this.buttons.pop().remove();
    some.forEach(({ box: [left, top, right, bottom] }, place) => {
      const button = this.buttons[place];
      const scale = lies.width / size[0];
      const share = (value) => `${(100 * value) / side}%`;
      button.style.left = share(lies.x + scale * left);
      button.style.top = share(lies.y + scale * top);
      button.style.width = share(scale * (right - left));
      button.style.height = share(scale * (bottom - top));
      button.classList.toggle("under", ((lies.y + scale * top) / side) * this.box.clientHeight < TAB);
      button.setAttribute("aria-label", `Character ${place + 1}, ${names[place]}: look inside`);
      button.setAttribute("aria-pressed", String(place === chosen));
    });
  }

  add() {
    const button = document.createElement("button");
    const place = this.buttons.length;
    button.type = "button";
    button.dataset.number = place + 1;
    button.addEventListener("click", () => this.onchoose(place));
    this.buttons.push(button);
    this.box.append(button);
  }
}
