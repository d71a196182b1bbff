// The strips: an overview of the whole chain, and below it axis, letters, activation rows, structure and annotations
// of the residues in the window. Positions are 1-based everywhere; `first` and `span` count residues from 0.

import { LETTER_WIDTH, ROW, drawLines, drawOverview } from "./pv_draw.js";
import { listenToOverview, listenToStage } from "./pv_input.js";
import { element, fitCanvas } from "./pv_theme.js";

export class Strips {
  constructor(root, events) {
    this.events = events;
    this.first = 0;
    this.span = 1;
    this.overviewGutter = element("div", "psv-gutter-label psv-overview-label", root);
    this.overviewGutter.textContent = "Whole chain";
    this.overview = element("canvas", "psv-overview", root, { "aria-hidden": "true" });
    this.gutter = element("div", "psv-gutter", root, { role: "radiogroup", "aria-label": "Row that colours the structure" });
    this.stage = element("div", "psv-stage", root, {
      tabindex: "0", role: "application",
      "aria-label": "Sequence. Left and right move the residue, Shift extends the range, Enter keeps it, plus and minus zoom.",
    });
    this.canvas = element("canvas", "psv-base", this.stage, { "aria-hidden": "true" });
    this.overlay = element("canvas", "psv-overlay", this.stage, { "aria-hidden": "true" });
    listenToStage(this);
    listenToOverview(this);
  }

  setData(data, keepWindow) {
    this.data = data;
    this.n = data.sequence.length;
    this.marks = new Set(data.marks);
    this.resolved = null;
    if (data.structure) {
      this.resolved = new Uint8Array(this.n + 1);
      for (const position of data.structure.positions) if (position > 0) this.resolved[position] = 1;
    }
    if (!keepWindow) this.span = 0;
    this.layOut();
  }

  // A line of letters is laid only while they can be read; with a single row they stand in its cells.
  layOut() {
    this.lettered = this.data.rows.length !== 1 && this.span > 0 && this.perResidue >= LETTER_WIDTH;
    this.lines = this.layLines();
    this.fillGutter();
    this.stage.style.height = this.height + "px";
  }

  layLines() {
    const { rows, tracks } = this.data;
    const lines = [{ kind: "axis", height: ROW.axis }];
    if (this.lettered) lines.push({ kind: "letters", height: ROW.letters, label: "Sequence" });
    rows.forEach((row, index) =>
      lines.push({ kind: "row", index, height: rows.length === 1 ? ROW.single : ROW.row, label: row.label }));
    if (this.resolved) lines.push({ kind: "structure", height: ROW.bar, label: this.data.structure.short });
    tracks.forEach((track) => {
      const lanes = packLanes(track.regions);
      lines.push({ kind: "track", track, lanes, height: Math.max(1, lanes.length) * ROW.lane, label: track.name });
    });
    let y = 0;
    for (const line of lines) {
      line.y = y;
      y += line.height + ROW.gap;
    }
    this.height = y;
    return lines;
  }

  fillGutter() {
    this.gutter.replaceChildren();
    this.gutter.style.height = this.height + "px";
    for (const line of this.lines) {
      if (!line.label && line.kind !== "axis") continue;
      const cell = element("div", "psv-gutter-label", this.gutter);
      cell.style.top = line.y + "px";
      cell.style.height = (line.kind === "track" ? ROW.lane : line.height) + "px";
      if (line.kind === "row" && this.data.rows.length > 1) {
        const dot = element("button", "psv-dot", cell, { role: "radio", type: "button" });
        dot.title = "Colour the structure by " + line.label;
        dot.setAttribute("aria-label", dot.title);
        dot.setAttribute("aria-checked", String(line.index === this.data.colouredRow));
        dot.onclick = () => this.events.colourBy(line.index);
      }
      const href = line.kind === "row" ? this.data.rows[line.index].href : null;
      const text = element(href ? "a" : "span", "psv-gutter-text", cell);
      if (href) {
        text.href = href;
        text.target = "_self";
      }
      if (line.kind === "axis") {
        this.windowText = text;
        continue;
      }
      text.textContent = line.label;
      text.title = line.label;
    }
  }

  // Fit the canvases to the room there is; a chain opens whole.
  resize(width) {
    const letters = Math.max(1, Math.floor(width));
    const changed = this.width !== letters;
    this.width = letters;
    if (this.span <= 0) {
      this.span = this.n;
      this.first = 0;
    } else if (changed) this.moveTo(this.first);
  }

  get perResidue() { return this.width / this.span; }
  x(position) { return (position - 1 - this.first) * this.perResidue; }
  positionAt(x) { return Math.max(1, Math.min(this.n, Math.floor(this.first + x / this.perResidue) + 1)); }
  moveTo(first) { this.first = Math.max(0, Math.min(this.n - this.span, first)); }

  zoomBy(factor, aroundX = this.width / 2) {
    const anchor = this.first + aroundX / this.perResidue;
    this.span = Math.max(Math.min(this.n, 12), Math.min(this.n, this.span * factor));
    this.moveTo(anchor - aroundX / this.perResidue);
    this.draw();
  }

  show(from, to) {
    const room = Math.max(4, (to - from + 1) * 0.08);
    this.span = Math.min(this.n, Math.max(12, to - from + 1 + 2 * room));
    this.moveTo((from + to) / 2 - this.span / 2);
    this.draw();
  }

  showAll() {
    this.span = this.n;
    this.first = 0;
    this.draw();
  }

  // Which residues are seen, while that is not the whole chain.
  windowName() {
    if (this.span > this.n - 0.5) return "";
    return `${Math.floor(this.first) + 1} to ${Math.min(this.n, Math.ceil(this.first + this.span))} of ${this.n}`;
  }

  reveal(position) {
    if (position - 1 < this.first || position > this.first + this.span) {
      this.moveTo(position - this.span / 2);
      this.draw();
    }
  }

  draw() {
    if (!this.width || !this.theme) return;
    if (this.lettered !== (this.data.rows.length !== 1 && this.perResidue >= LETTER_WIDTH)) this.layOut();
    this.windowText.textContent = this.windowText.title = this.windowName();
    drawOverview(this);
    drawLines(this);
    this.drawOverlay();
  }

  drawOverlay() {
    const { hover, pinned, range } = this.events.state();
    const pen = fitCanvas(this.overlay, this.width, this.height);
    const per = this.perResidue;
    if (range) {
      pen.fillStyle = this.theme.cursor + "22";
      pen.strokeStyle = this.theme.cursor;
      const left = this.x(range[0]), wide = (range[1] - range[0] + 1) * per;
      pen.fillRect(left, 0, wide, this.height);
      pen.strokeRect(left + 0.5, 0.5, Math.max(1, wide - 1), this.height - 1);
    }
    for (const [position, weight] of [[pinned, 2], [hover, 1.25]]) {
      if (!position) continue;
      const wide = Math.max(per, 3), left = this.x(position) + per / 2 - wide / 2;
      pen.strokeStyle = this.theme.cursor;
      pen.lineWidth = weight;
      pen.strokeRect(left, 1, wide, this.height - 2);
      if (weight === 2) {
        pen.fillStyle = this.theme.cursor;
        pen.beginPath();
        pen.moveTo(left + wide / 2 - 5, 0);
        pen.lineTo(left + wide / 2 + 5, 0);
        pen.lineTo(left + wide / 2, 7);
        pen.fill();
      }
    }
  }
}

function packLanes(regions) {
  const lanes = [];
  for (const region of [...regions].sort((a, b) => a[0] - b[0])) {
    const free = lanes.find((lane) => lane[lane.length - 1][1] < region[0]);
    if (free) free.push(region);
    else if (lanes.length < 3) lanes.push([region]);
    else lanes[lanes.length - 1].push(region);
  }
  return lanes;
}
