// All features that fire in one protein as one picture. The canvas holds one pixel a line and column and is stretched
// by the style sheet; names beside it are buttons of which one is in the tab order, and arrow keys move between them.

import { element, readTheme } from "./pv_theme.js";

const PICTURES = new WeakMap();
const LINE_PX = 18;
const TICKS = 6;

class Picture {
  constructor(parent) {
    this.root = element("div", "heat", parent);
    this.box = element("div", "heat-box", this.root);
    this.corner = element("div", "heat-corner", this.box);
    this.ruler = element("div", "heat-ruler", this.box, { "aria-hidden": "true" });
    this.names = element("div", "heat-names", this.box);
    this.plot = element("div", "heat-plot", this.box);
    this.canvas = element("canvas", "heat-canvas", this.plot, { role: "img" });
    element("div", "heat-gaps", this.plot);
    this.band = element("div", "heat-band", this.plot);
    this.tip = element("div", "heat-tip", this.root, { role: "tooltip" });
    this.tip.hidden = true;
    this.names.addEventListener("keydown", (event) => this.move(event));
    this.names.addEventListener("click", (event) => this.choose(event.target.closest("button")));
    this.plot.addEventListener("click", (event) => this.choose(this.buttons[this.lineAt(event)]));
    this.plot.addEventListener("pointermove", (event) => this.point(event));
    this.plot.addEventListener("pointerleave", () => { this.tip.hidden = true; });
  }

  update(data, send) {
    this.send = send;
    const lines = this.laidOut(data);
    const told = JSON.stringify([data.identity, lines.map((line) => [line.code ?? "", line.title ?? line.label])]);
    this.data = data;
    this.lines = lines;
    if (told !== this.told) this.write();
    this.told = told;
    const picked = new Set(data.picked);
    for (const [place, button] of this.buttons.entries()) {
      button?.setAttribute("aria-pressed", String(picked.has(lines[place].code)));
    }
    this.draw(readTheme(this.root, data.palette));
    this.mark();
  }

  // Titles of groups are lines of their own, without a code.
  laidOut(data) {
    const lines = [];
    let group = "";
    for (const [row, line] of data.lines.entries()) {
      if (line.group && line.group !== group) lines.push({ title: line.group });
      group = line.group;
      lines.push({ ...line, row });
    }
    return lines;
  }

  write() {
    this.names.replaceChildren();
    this.corner.textContent = `${this.data.lines.length.toLocaleString("en")} lines`;
    this.buttons = this.lines.map((line) => {
      if (!line.code) {
        element("div", "heat-group", this.names).textContent = line.title;
        return null;
      }
      const name = element("div", "heat-name", this.names);
      const button = element("button", "heat-pick", name, { type: "button", tabindex: "-1", title: line.label });
      button.textContent = line.label;
      button.dataset.code = line.code;
      const open = element("a", "heat-open", name, { href: line.href, tabindex: "-1" });
      open.textContent = line.number;
      return button;
    });
    this.buttons.find(Boolean)?.setAttribute("tabindex", "0");
    this.ruler.replaceChildren();
    const length = this.data.sequence.length;
    for (let tick = 0; tick < TICKS; tick += 1) {
      const position = Math.round(1 + ((length - 1) * tick) / (TICKS - 1));
      const mark = element("span", "heat-tick", this.ruler);
      mark.textContent = position;
      mark.style.left = `${(100 * (position - 0.5)) / length}%`;
    }
  }

  draw(theme) {
    const { columns, starts } = this.data;
    const at = new Uint16Array(bytes(this.data.at).buffer);
    const levels = bytes(this.data.levels);
    this.canvas.width = columns;
    this.canvas.height = Math.max(1, this.lines.length);
    this.canvas.style.height = `${LINE_PX * this.lines.length}px`;
    this.canvas.style.background = theme.zero;
    this.canvas.setAttribute("aria-label", `Where each of ${this.data.lines.length} lines of features fires along the chain`);
    const ramp = theme.ramp.map((hex) => [1, 3, 5].map((from) => parseInt(hex.slice(from, from + 2), 16)));
    const pen = this.canvas.getContext("2d");
    const image = pen.createImageData(columns, this.canvas.height);
    for (const [place, line] of this.lines.entries()) {
      if (!line.code) continue;
      for (let i = starts[line.row]; i < starts[line.row + 1]; i += 1) {
        image.data.set([...ramp[levels[i]], 255], 4 * (place * columns + at[i]));
      }
    }
    pen.putImageData(image, 0, 0);
    pen.fillStyle = theme.background;
    for (const [place, line] of this.lines.entries()) if (!line.code) pen.fillRect(0, place, columns, 1);
  }

  mark() {
    const { span, sequence } = this.data;
    this.band.hidden = !span;
    if (!span) return;
    this.band.style.left = `${(100 * (span[0] - 1)) / sequence.length}%`;
    this.band.style.width = `${(100 * (span[1] - span[0] + 1)) / sequence.length}%`;
  }

  lineAt(event) {
    return Math.floor((event.clientY - this.plot.getBoundingClientRect().top) / LINE_PX);
  }

  point(event) {
    const line = this.lines[this.lineAt(event)];
    this.tip.hidden = !line?.code;
    if (!line?.code) return;
    const box = this.plot.getBoundingClientRect(), frame = this.root.getBoundingClientRect();
    const { sequence, columns, starts } = this.data;
    const place = Math.min(sequence.length - 1, Math.floor(((event.clientX - box.left) / box.width) * sequence.length));
    const column = Math.floor((place * columns) / sequence.length);
    const at = new Uint16Array(bytes(this.data.at).buffer).subarray(starts[line.row], starts[line.row + 1]);
    const found = at.indexOf(column);
    const level = found < 0 ? 0 : bytes(this.data.levels)[starts[line.row] + found];
    const told = level ? `${Math.round((100 * level) / 255)} % of full colour` : "silent";
    this.tip.textContent = `${line.label} ${line.number}: ${sequence[place]}${place + 1}, ${told}`;
    this.tip.style.left = `${Math.max(0, Math.min(event.clientX - frame.left + 14, frame.width - this.tip.offsetWidth - 4))}px`;
    this.tip.style.top = `${event.clientY - frame.top + 16}px`;
  }

  move(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const from = this.buttons.indexOf(event.target.closest?.("button"));
    if (!step || from < 0) return;
    event.preventDefault();
    let place = from + step;
    while (this.lines[place] && !this.buttons[place]) place += step;
    const next = this.buttons[place];
    if (!next) return;
    this.buttons[from].setAttribute("tabindex", "-1");
    next.setAttribute("tabindex", "0");
    next.focus();
  }

  choose(button) {
    if (button) this.send("picked", { code: button.dataset.code, of: this.data.identity });
  }

  destroy() {
    this.root.remove();
  }
}

function bytes(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

export default function ({ parentElement, data, setTriggerValue }) {
  if (!data) return undefined;
  let picture = PICTURES.get(parentElement);
  if (!picture) PICTURES.set(parentElement, (picture = new Picture(parentElement)));
  picture.update(data, setTriggerValue);
  return () => {
    PICTURES.delete(parentElement);
    picture.destroy();
  };
}
