// One protein: strips and structure share what is pointed at, kept and brushed. Python hears of the kept residue, the
// brushed range, the row that colours and the structure's style, and may set them; everything else stays in the browser.

import { LetterBlock } from "./pv_block.js";
import { Strips } from "./pv_strip.js";
import { Structure } from "./pv_structure.js";
import { element, readTheme } from "./pv_theme.js";

const NAMES = {
  A: "Ala", R: "Arg", N: "Asn", D: "Asp", C: "Cys", Q: "Gln", E: "Glu", G: "Gly", H: "His", I: "Ile", L: "Leu", K: "Lys",
  M: "Met", F: "Phe", P: "Pro", S: "Ser", T: "Thr", W: "Trp", Y: "Tyr", V: "Val", U: "Sec", O: "Pyl", X: "Xaa", B: "Asx", Z: "Glx",
};
const VIEWS = new WeakMap();
const MIN_BLOCK_ROOM = 190;

class ProteinView {
  constructor(parent) {
    this.root = element("div", "psv", parent);
    this.bar = element("div", "psv-bar", this.root);
    this.legend = element("div", "psv-legend", this.bar);
    this.status = element("div", "psv-status", this.bar, { "aria-live": "polite" });
    this.controls = element("div", "psv-controls", this.bar);
    this.body = element("div", "psv-body", this.root);
    const left = element("div", "psv-strips", this.body);
    this.tooltip = element("div", "psv-tooltip", this.root, { role: "tooltip" });
    this.tooltip.hidden = true;
    this.hovered = this.pinned = this.range = null;
    this.sent = [];
    const events = {
      state: () => ({ hover: this.hovered, pinned: this.pinned, range: this.range }),
      hover: (position, event) => this.hover(position, event),
      pick: (position) => this.pick(position),
      brushing: (from, to) => { this.range = [from, to]; this.drawOverlays(); this.showStatus(); },
      brushed: (from, to) => this.brush(from, to),
      clear: () => this.clear(),
      colourBy: (index) => this.colourBy(index),
      restyled: () => this.tell(),
    };
    this.strips = new Strips(left, events);
    this.block = new LetterBlock(left, events);
    this.structure = new Structure(this.body, events);
    this.zoomButtons();
    this.watcher = new ResizeObserver(() => this.resize());
    this.watcher.observe(this.body);
  }

  zoomButtons() {
    const add = (text, title, action) => {
      const node = element("button", "psv-button", this.controls, { type: "button", title, "aria-label": title });
      node.textContent = text;
      node.onclick = action;
      return node;
    };
    add("−", "Show more residues", () => this.strips.zoomBy(1 / 0.6));
    add("+", "Show fewer residues", () => this.strips.zoomBy(0.6));
    add("All", "All residues of the chain", () => this.strips.showAll());
  }

  update(data, send) {
    // A steered sequence keeps length and structure: window and camera stay with it.
    const sameProtein = this.data?.sequence.length === data.sequence.length && this.data?.structure?.pdb === data.structure?.pdb;
    const colouredRow = sameProtein ? Math.min(this.data.colouredRow, Math.max(data.rows.length - 1, 0)) : data.kept.row;
    this.send = send;
    this.data = { ...data, colouredRow };
    if (!sameProtein) this.hovered = null;
    const moved = this.restore(data.kept, sameProtein);
    this.theme = readTheme(this.root, data.palette);
    this.strips.theme = this.theme;
    this.strips.missingFill = null;
    this.strips.setData(this.data, sameProtein);
    this.body.classList.toggle("psv-with-structure", Boolean(data.structure));
    this.showLegend();
    this.showStatus();
    this.resize();
    const drawn = this.structure.setData(this.data, this.theme);
    if (moved) drawn.then(() => this.showKept());
  }

  // Take over what Python says is kept, unless it repeats itself or what was sent from here; later clicks must stand.
  restore(kept, sameProtein) {
    const said = asText(kept);
    const echo = this.sent.indexOf(said);
    const known = sameProtein && (echo >= 0 || said === this.said);
    this.sent = echo >= 0 ? this.sent.slice(echo + 1) : known ? this.sent : [];
    this.said = said;
    if (known) return false;
    this.pinned = kept.residue;
    this.range = kept.span;
    this.data.colouredRow = kept.row;
    this.structure.style = kept.style;
    return true;
  }

  showKept() {
    const { first, span, width } = this.strips;
    const hidden = this.range && (this.range[0] <= first || this.range[1] > first + span);
    if (width && hidden) this.strips.show(...this.range);
    else if (width && this.pinned) this.strips.reveal(this.pinned);
    if (this.range || this.zoomed) this.structure.zoomTo(this.range);
    this.zoomed = Boolean(this.range);
    this.structure.point();
  }

  tell() {
    const kept = { residue: this.pinned, span: this.range, row: this.data.colouredRow, style: this.structure.style };
    this.sent.push(asText(kept));
    this.send("kept", { ...kept, of: this.data.identity });
  }

  resize() {
    if (!this.data) return;
    const narrow = this.root.clientWidth < 760;
    this.root.classList.toggle("psv-narrow", narrow);
    const width = this.strips.stage.clientWidth;
    if (!width) return;
    this.strips.resize(width);
    this.strips.draw();
    const beside = this.data.structure && !narrow ? this.data.height + 40 - this.strips.height : 0;
    const room = this.data.structure && narrow && this.structure.isLow ? 0 : Math.max(beside, MIN_BLOCK_ROOM);
    this.block.resize(this.data, this.theme, width + this.strips.gutter.clientWidth + 10, room);
    this.structure.resize();
  }

  drawOverlays() {
    this.strips.drawOverlay();
    this.block.drawOverlay();
  }

  hover(position, event) {
    if (position === this.hovered && !event) return;
    const moved = position !== this.hovered;
    this.hovered = position;
    if (moved) {
      this.drawOverlays();
      cancelAnimationFrame(this.frame);
      this.frame = requestAnimationFrame(() => this.structure.point());
    }
    this.showTooltip(event);
  }

  pick(position) {
    this.pinned = this.pinned === position ? null : position;
    this.drawOverlays();
    this.structure.point();
    this.showStatus();
    this.tell();
  }

  brush(from, to) {
    this.range = [from, to];
    this.drawOverlays();
    this.structure.zoomTo(this.range);
    this.zoomed = true;
    this.showStatus();
    this.tell();
  }

  clear() {
    const had = this.range;
    this.range = null;
    this.drawOverlays();
    this.showStatus();
    if (!had) return;
    this.structure.zoomTo(null);
    this.zoomed = false;
    this.tell();
  }

  colourBy(index) {
    this.data.colouredRow = index;
    this.strips.setData(this.data, true);
    this.resize();
    this.structure.setData(this.data, this.theme);
    this.showLegend();
    this.tell();
  }

  showLegend() {
    this.legend.replaceChildren();
    const row = this.data.rows[this.data.colouredRow];
    if (row) {
      const colours = [0, 64, 128, 192, 255].map((step) => this.theme.ramp[step]).join(", ");
      element("span", "psv-legend-label", this.legend).textContent = row.note || this.data.scaleNote || "Activation";
      element("span", "psv-number", this.legend).textContent = "0";
      element("span", "psv-ramp", this.legend).style.background = `linear-gradient(90deg, ${colours})`;
      element("span", "psv-number", this.legend).textContent = "≥ " + short(row.scale);
      this.legend.title = `Full colour = ${short(row.scale)} for ${row.label}; every row has its own full-colour value.`;
    }
    if (this.data.structure || this.data.rows.some((r) => r.values.includes(null)))
      this.legendSwatch("psv-hatched", this.data.structure ? "not resolved" : "no value");
    if (this.data.marks.length) this.legendSwatch("psv-outlined", "changed");
  }

  legendSwatch(className, text) {
    const item = element("span", "psv-swatch-item", this.legend);
    element("span", "psv-swatch " + className, item);
    element("span", "", item).textContent = text;
  }

  showStatus() {
    this.status.replaceChildren();
    const say = (text, undo) => {
      const chip = element("span", "psv-chip", this.status);
      element("span", "", chip).textContent = text;
      const cross = element("button", "psv-cross", chip, { type: "button", "aria-label": "Clear", title: "Clear" });
      cross.textContent = "×";
      cross.onclick = undo;
    };
    if (this.pinned) say(this.residueName(this.pinned), () => this.pick(this.pinned));
    if (this.range) say(`${this.range[0]}–${this.range[1]} · ${this.range[1] - this.range[0] + 1} residues`, () => this.clear());
    if (!this.pinned && !this.range) element("span", "psv-hint", this.status).textContent = "Click keeps a residue, drag zooms to a range";
  }

  residueName(position) {
    const letter = this.data.sequence[position - 1];
    return `${NAMES[letter] ?? letter} ${position}`;
  }

  showTooltip(event) {
    const position = this.hovered;
    this.tooltip.hidden = !position || (!event && !this.strips.stage.matches(":focus-visible") && !this.structure.canvasBox.matches(":hover"));
    if (this.tooltip.hidden) return;
    this.tooltip.replaceChildren();
    const line = (text, className = "") => { element("div", className, this.tooltip).textContent = text; };
    line(this.residueName(position), "psv-tooltip-title");
    const rows = this.data.rows.map((row, index) => ({ row, index, value: row.values[position - 1] }));
    const chosen = rows.filter(({ value, index }) => index === this.data.colouredRow || value > 0)
      .sort((a, b) => (b.value ?? 0) / b.row.scale - (a.value ?? 0) / a.row.scale).slice(0, 4);
    for (const { row, value } of chosen)
      line(`${row.label}: ${value === null ? "no value" : `${short(value)} (${Math.round((100 * value) / row.scale)} % of full colour)`}`);
    for (const track of this.data.tracks)
      for (const [start, end, label] of track.regions)
        if (start <= position && position <= end)
          line(`${track.name}${label ? ": " + label : ""}${end > start ? ` (${start}–${end})` : ""}`, "psv-tooltip-track");
    if (this.data.marks.includes(position)) line(this.data.markNote?.[position] || "changed");
    if (this.data.structure) {
      const index = this.structure.indexByPosition?.get(position);
      const number = index === undefined ? null : this.data.structure.numbers[index];
      line(number === null ? `not resolved in ${this.data.structure.short}` : `${this.data.structure.short}: residue ${number ?? index + 1}`, "psv-tooltip-faint");
    }
    this.placeTooltip(event, position);
  }

  placeTooltip(event, position) {
    const frame = this.root.getBoundingClientRect();
    let x, y;
    if (event) [x, y] = [event.clientX - frame.left, event.clientY - frame.top];
    else if (this.structure.canvasBox.matches(":hover")) {
      const box = this.structure.canvasBox.getBoundingClientRect();
      [x, y] = [box.left - frame.left + 8 - 14, box.top - frame.top + 8];
    } else {
      const stage = this.strips.stage.getBoundingClientRect();
      [x, y] = [stage.left - frame.left + this.strips.x(position), stage.top - frame.top + 24];
    }
    const room = frame.width - this.tooltip.offsetWidth - 4;
    this.tooltip.style.left = Math.max(0, x + 14 > room ? Math.min(room, x - this.tooltip.offsetWidth - 14) : x + 14) + "px";
    this.tooltip.style.top = Math.max(0, y + 16) + "px";
  }

  destroy() {
    this.watcher.disconnect();
    this.structure.gone = true;
    this.structure.sleep();
    this.root.remove();
  }
}

function asText({ residue, span, row, style }) {
  return JSON.stringify([residue ?? null, span ?? null, row, style]);
}

function short(value) {
  return Number(value.toPrecision(3)).toString();
}

export default function ({ parentElement, data, setTriggerValue }) {
  if (!data) return undefined;
  let view = VIEWS.get(parentElement);
  if (!view) VIEWS.set(parentElement, (view = new ProteinView(parentElement)));
  view.update(data, setTriggerValue);
  return () => {
    VIEWS.delete(parentElement);
    view.destroy();
  };
}
