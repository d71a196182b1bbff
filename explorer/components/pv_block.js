// The whole sequence as letters in lines of ten-residue groups, coloured by the chosen row; shown where there is room
// for all of it, so that nobody must zoom to read.

import { listenToPointer } from "./pv_input.js";
import { element, fitCanvas, hatch, rampStep } from "./pv_theme.js";

const BLOCK = { cell: 10.5, line: 21, gutter: 38, gap: 6, group: 10 };

export class LetterBlock {
  constructor(root, events) {
    this.events = events;
    this.box = element("div", "psv-block", root);
    this.canvas = element("canvas", "psv-base", this.box, { "aria-hidden": "true" });
    this.overlay = element("canvas", "psv-overlay", this.box, { "aria-hidden": "true" });
    listenToPointer(this.box, events, (event) => this.positionOf(event));
  }

  // Lay the letters out in `width`; nothing is drawn where they would take more than `room` pixels of height.
  resize(data, theme, width, room) {
    this.data = data;
    this.theme = theme;
    const group = BLOCK.group * BLOCK.cell + BLOCK.gap;
    this.groups = Math.max(1, Math.floor((width - BLOCK.gutter + BLOCK.gap) / group));
    this.perLine = this.groups * BLOCK.group;
    this.width = width;
    this.height = Math.ceil(data.sequence.length / this.perLine) * BLOCK.line + 2;
    this.box.hidden = this.height > room;
    if (this.box.hidden) return;
    this.box.style.height = this.height + "px";
    this.draw();
  }

  place(position) {
    const column = (position - 1) % this.perLine;
    return {
      x: BLOCK.gutter + column * BLOCK.cell + Math.floor(column / BLOCK.group) * BLOCK.gap,
      y: Math.floor((position - 1) / this.perLine) * BLOCK.line + 1,
    };
  }

  positionOf(event) {
    const box = this.box.getBoundingClientRect();
    const line = Math.max(0, Math.floor((event.clientY - box.top) / BLOCK.line));
    const x = Math.max(0, event.clientX - box.left - BLOCK.gutter);
    const group = Math.min(this.groups - 1, Math.floor(x / (BLOCK.group * BLOCK.cell + BLOCK.gap)));
    const within = Math.floor((x - group * (BLOCK.group * BLOCK.cell + BLOCK.gap)) / BLOCK.cell);
    const position = line * this.perLine + group * BLOCK.group + Math.min(BLOCK.group - 1, within) + 1;
    return Math.min(position, this.data.sequence.length);
  }

  draw() {
    const pen = fitCanvas(this.canvas, this.width, this.height);
    const row = this.data.rows[this.data.colouredRow];
    const high = BLOCK.line - 4;
    pen.textBaseline = "middle";
    for (let position = 1; position <= this.data.sequence.length; position++) {
      const { x, y } = this.place(position);
      if ((position - 1) % this.perLine === 0) {
        pen.font = `11px ${this.theme.font}`;
        pen.textAlign = "right";
        pen.fillStyle = this.theme.faint;
        pen.fillText(String(position), BLOCK.gutter - 8, y + high / 2 + 1);
        pen.font = `12.5px ${this.theme.mono}`;
        pen.textAlign = "center";
      }
      const value = row ? row.values[position - 1] : 0;
      const step = rampStep(value, row?.scale);
      if (value === null || step > 0) {
        pen.fillStyle = value === null ? hatch(pen, this.theme) : this.theme.ramp[step];
        pen.fillRect(x, y, BLOCK.cell, high);
      }
      pen.fillStyle = step > 0 ? this.theme.inkOn[step] : this.theme.text;
      pen.fillText(this.data.sequence[position - 1], x + BLOCK.cell / 2, y + high / 2 + 1);
    }
    pen.strokeStyle = this.theme.text;
    pen.lineWidth = 1;
    for (const position of this.data.marks) {
      const { x, y } = this.place(position);
      pen.strokeRect(x + 0.5, y + 0.5, BLOCK.cell - 1, high - 1);
    }
    this.drawOverlay();
  }

  drawOverlay() {
    if (this.box.hidden || !this.theme) return;
    const { hover, pinned, range } = this.events.state();
    const pen = fitCanvas(this.overlay, this.width, this.height);
    const high = BLOCK.line - 4;
    if (range) {
      pen.fillStyle = this.theme.cursor + "33";
      for (let position = range[0]; position <= range[1]; position++) {
        const { x, y } = this.place(position);
        pen.fillRect(x, y - 1, BLOCK.cell, high + 2);
      }
    }
    pen.strokeStyle = this.theme.cursor;
    for (const [position, weight] of [[pinned, 2.5], [hover, 1.5]]) {
      if (!position) continue;
      const { x, y } = this.place(position);
      pen.lineWidth = weight;
      pen.strokeRect(x, y, BLOCK.cell, high);
    }
  }
}
