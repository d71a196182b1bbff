// One map on a canvas: all points once for each view, and above them what changes with the pointer.
//
// A second canvas holds rings, outlines and names, so that pointing draws no point anew. No WebGL.

import { inOrder } from "./at_colours.js";
import { Grid, isEnclosed } from "./at_grid.js";
import { listenToMap } from "./at_input.js";
import { Raster } from "./at_raster.js";
import { NO_ROW, bits, whenArrived } from "./at_store.js";
import { element, fitCanvas } from "./pv_theme.js";

const MARGIN = 18;
const REACH = 9;
const FADED = 0.12;
const USUAL = 0.75;
const MOST_RINGS = 400;
const MOST_ALIKE = 60;
const LONGEST_NAME = 34;
const CLUSTER_REACH = 16;
const SETTLES_MS = 600;
const ICONS = { move: "Move", lasso: "Lasso", box: "Box" };

export class FeatureMap {
  constructor(parent) {
    this.root = element("div", "psa psa-map", parent);
    this.bar = element("div", "psa-bar", this.root);
    this.stage = element("div", "psa-stage", this.root);
    this.canvas = element("canvas", "psa-points", this.stage, { role: "img" });
    this.overlay = element("canvas", "psa-overlay", this.stage, { "aria-hidden": "true" });
    this.tooltip = element("div", "psa-tooltip", this.stage, { "aria-hidden": "true" });
    this.tooltip.hidden = true;
    this.view = { x: 0, y: 0, zoom: 1 };
    this.raster = new Raster();
    this.tool = "move";
    this.drawing = null;
    this.buttons();
    listenToMap(this);
    this.watcher = new ResizeObserver(() => this.drawSoon());
    this.watcher.observe(this.stage);
  }

  buttons() {
    const add = (text, name, action) => {
      const node = element("button", "psa-button", this.bar, { type: "button" });
      node.textContent = text;
      if (name) node.setAttribute("aria-label", name);
      node.onclick = action;
      return node;
    };
    this.tools = Object.fromEntries(Object.entries(ICONS).map(([tool, text]) => [tool, add(text, "", () => this.use(tool))]));
    add("+", "Zoom in", () => this.zoomBy(1.6));
    add("−", "Zoom out", () => this.zoomBy(1 / 1.6));
    add("All", "", () => this.showAll());
    this.clearing = add("Clear marks", "", () => this.marked([]));
    this.use("move");
  }

  use(tool) {
    this.tool = tool;
    for (const [name, node] of Object.entries(this.tools)) node.setAttribute("aria-pressed", String(name === tool));
    this.stage.classList.toggle("psa-drawing", tool !== "move");
  }

  update(data, send) {
    this.send = send;
    this.stop?.();
    this.data = data;
    this.stage.style.height = data.height + "px";
    this.canvas.setAttribute("aria-label", data.alt);
    this.clearing.hidden = data.marked === null;
    this.stop = whenArrived(data.token, (atlas) => this.show(atlas));
  }

  show(atlas) {
    const { data } = this;
    if (atlas !== this.atlas) {
      this.forget?.();
      this.forget = atlas.listen((what) => (what === "hover" ? this.point() : this.drawSoon()));
    }
    const side = atlas.sides[data.side];
    if (atlas !== this.atlas || data.layout !== this.layout) {
      this.grid = new Grid(side.places[data.layout]);
      this.layout = data.layout;
      this.known = undefined;
    }
    this.see(data.seen);
    this.atlas = atlas;
    this.side = side;
    this.order = inOrder(side, data.colouring);
    atlas.mark(data.side, bits(data.marked, side.n));
  }

  get whole() {
    return { x: this.grid.box.left + this.grid.width / 2, y: this.grid.box.low + this.grid.height / 2, zoom: 1 };
  }

  // Look at what the address says, unless it says what it was last told from here: a reader may have moved on.
  see(seen) {
    const said = JSON.stringify(seen);
    if (said === this.known) return;
    this.known = said;
    clearTimeout(this.settling);
    this.view = seen ? { x: seen[0], y: seen[1], zoom: seen[2] } : this.whole;
  }

  // Tell the address what is in view, once it has not moved for a moment.
  tellSoon() {
    clearTimeout(this.settling);
    this.settling = setTimeout(() => {
      const { x, y, zoom } = this.view;
      const whole = this.whole;
      const view = zoom === 1 && x === whole.x && y === whole.y ? null : [Number(x.toFixed(3)), Number(y.toFixed(3)), Number(zoom.toFixed(2))];
      if (JSON.stringify(view) === this.known) return;
      this.known = JSON.stringify(view);
      this.send("seen", { side: this.data.side, token: this.data.token, layout: this.layout, view });
    }, SETTLES_MS);
  }

  showAll() {
    this.view = this.whole;
    this.tellSoon();
    this.drawSoon();
  }

  // Zoom about a place of the stage, in pixels; about its middle where none is given.
  zoomBy(factor, at = [this.width / 2, this.height / 2]) {
    const [x, y] = this.at(...at);
    this.view.zoom = Math.min(60, Math.max(0.7, this.view.zoom * factor));
    const [movedX, movedY] = this.at(...at);
    this.view.x += x - movedX;
    this.view.y += y - movedY;
    this.tellSoon();
    this.drawSoon();
  }

  moveBy(dx, dy) {
    this.view.x -= dx / this.scale;
    this.view.y += dy / this.scale;
    this.tellSoon();
    this.drawSoon();
  }

  get scale() {
    const fits = Math.min((this.width - 2 * MARGIN) / this.grid.width, (this.height - 2 * MARGIN) / this.grid.height);
    return fits * this.view.zoom;
  }

  // Pixels of the stage to a place on the map, and back.
  at(left, top) {
    return [this.view.x + (left - this.width / 2) / this.scale, this.view.y - (top - this.height / 2) / this.scale];
  }

  pixels(x, y) {
    return [(x - this.view.x) * this.scale + this.width / 2, (this.view.y - y) * this.scale + this.height / 2];
  }

  on(row) {
    const places = this.side.places[this.layout];
    return this.pixels(places[2 * row], places[2 * row + 1]);
  }

  get radius() {
    const base = this.side.n > 20000 ? 1.6 : this.side.n > 2000 ? 2.3 : 3.4;
    return Math.min(6, base * this.view.zoom ** 0.3);
  }

  drawSoon() {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.draw());
  }

  draw() {
    this.width = this.stage.clientWidth;
    this.height = this.stage.clientHeight;
    if (!this.side || !this.width) return;
    const { marked, visible } = this.side;
    const { colours, rows, starts } = this.order;
    const places = this.side.places[this.layout];
    const { scale, raster } = this;
    raster.begin(this.canvas, this.width, this.height, this.data.ink.surface);
    for (const [want, alpha] of marked ? [[0, FADED], [1, 1]] : [[0, USUAL]]) {
      raster.aim(this.width / 2 - this.view.x * scale, this.height / 2 + this.view.y * scale, scale, this.radius, alpha);
      colours.forEach((colour, i) => raster.discs(colour, places, rows, starts[i], starts[i + 1], visible, marked, want));
    }
    raster.end();
    this.point();
  }

  // The row under a place of the stage, null where there is none.
  rowAt(left, top) {
    if (!this.side) return null;
    const places = this.side.places[this.layout];
    return this.grid.nearest(...this.at(left, top), REACH / this.scale, (row) => this.side.visible[row] && !Number.isNaN(places[2 * row]));
  }

  point() {
    if (!this.side || !this.width) return;
    const pen = fitCanvas(this.overlay, this.width, this.height);
    this.drawMarks(pen);
    if (!this.side.marked) this.drawClusters(pen);
    const names = [];
    const here = this.data.here;
    if (here) names.push(this.ringed(pen, here.row, 10, this.data.ink.link, here.name));
    if (this.drawing) this.drawOutline(pen);
    const hovered = this.atlas.hovered;
    const own = hovered?.side === this.data.side;
    if (hovered && own) this.ringed(pen, hovered.row, 7, this.data.ink.text);
    if (hovered && !own) this.drawCounterpart(pen, this.atlas.sides[hovered.side], hovered.row);
    for (const name of names) name?.();
    this.showTooltip(hovered, own);
    this.stage.classList.toggle("psa-over", Boolean(own && hovered));
  }

  // Names of what lies together, as many as have room; zooming in makes room.
  drawClusters(pen) {
    pen.font = `600 11px ${getComputedStyle(this.root).fontFamily}`;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.lineJoin = "round";
    pen.lineWidth = 3.5;
    const taken = [];
    for (const [name, x, y] of this.side.clusters[this.layout]) {
      const text = name.length > LONGEST_NAME ? name.slice(0, LONGEST_NAME - 1).trimEnd() + "…" : name;
      const half = pen.measureText(text).width / 2 + 4;
      const [left, below] = this.pixels(x, y);
      const top = below - 12;
      const box = [left - half, top - 8, left + half, top + 8];
      if (this.grid.nearest(x, y, CLUSTER_REACH / this.scale, (row) => this.side.visible[row]) === null) continue;
      const fits = box[0] > 0 && box[1] > 0 && box[2] < this.width && box[3] < this.height;
      if (!fits || taken.some((other) => box[0] < other[2] && box[2] > other[0] && box[1] < other[3] && box[3] > other[1])) continue;
      taken.push(box);
      pen.strokeStyle = this.data.ink.surface;
      pen.strokeText(text, left, top);
      pen.fillStyle = this.data.ink.text;
      pen.fillText(text, left, top);
    }
  }

  drawMarks(pen) {
    const { marked, visible, n } = this.side;
    if (!marked) {
      const near = this.atlas.sides.length > 1 && this.atlas.counterparts(1 - this.data.side);
      if (near) this.rings(pen, near, this.data.ink.link, (x, y) => pen.rect(x - 5, y - 5, 10, 10));
      return;
    }
    const both = new Uint8Array(n);
    for (let row = 0; row < n; row++) both[row] = marked[row] & visible[row];
    this.rings(pen, both, this.data.ink.text, (x, y) => pen.arc(x, y, this.radius + 2.5, 0, 2 * Math.PI));
  }

  rings(pen, chosen, colour, shape) {
    const rows = [];
    for (let row = 0; row < chosen.length && rows.length <= MOST_RINGS; row++) if (chosen[row] && this.side.visible[row]) rows.push(row);
    if (rows.length > MOST_RINGS) return;
    pen.strokeStyle = colour;
    pen.lineWidth = 1.5;
    for (const row of rows) {
      const [x, y] = this.on(row);
      if (Number.isNaN(x)) continue;
      pen.beginPath();
      shape(x, y);
      pen.stroke();
    }
  }

  // A ring around a row; gives a function that writes its name, so that names lie above all rings.
  ringed(pen, row, radius, colour, name = "") {
    const [x, y] = this.on(row);
    if (Number.isNaN(x)) return null;
    pen.strokeStyle = colour;
    pen.lineWidth = 2.2;
    pen.beginPath();
    pen.arc(x, y, radius, 0, 2 * Math.PI);
    pen.stroke();
    return name ? () => this.write(pen, name, x, y - radius - 12, colour) : null;
  }

  write(pen, text, x, y, colour) {
    pen.font = `600 12px ${getComputedStyle(this.root).fontFamily}`;
    let shown = text;
    while (shown.length > 8 && pen.measureText(shown).width > this.width - 24) shown = shown.slice(0, -2).trimEnd() + "…";
    const half = pen.measureText(shown).width / 2 + 6;
    const centre = Math.min(Math.max(x, half + 2), this.width - half - 2);
    pen.fillStyle = this.data.ink.surface;
    pen.strokeStyle = colour;
    pen.lineWidth = 1;
    pen.beginPath();
    pen.rect(centre - half, y - 10, 2 * half, 20);
    pen.fill();
    pen.stroke();
    pen.fillStyle = this.data.ink.text;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.fillText(shown, centre, y + 0.5);
  }

  drawCounterpart(pen, from, row) {
    const term = from.terms[row];
    pen.setLineDash([2, 3]);
    if (term !== NO_ROW) for (const alike of this.side.rowsOfTerm(term).slice(0, MOST_ALIKE)) this.ringed(pen, alike, 6, this.data.ink.soft);
    pen.setLineDash([]);
    if (from.counterpart[row] !== NO_ROW) this.ringed(pen, from.counterpart[row], 8, this.data.ink.text);
  }

  drawOutline(pen) {
    const corners = this.drawing;
    pen.beginPath();
    if (this.tool === "box") {
      const [[x0, y0], [x1, y1]] = corners;
      pen.rect(x0, y0, x1 - x0, y1 - y0);
    } else {
      corners.forEach(([x, y], i) => (i ? pen.lineTo(x, y) : pen.moveTo(x, y)));
      pen.closePath();
    }
    pen.fillStyle = this.data.ink.link + "22";
    pen.strokeStyle = this.data.ink.link;
    pen.lineWidth = 1.5;
    pen.fill();
    pen.stroke();
  }

  showTooltip(hovered, own) {
    const from = hovered && this.atlas.sides[hovered.side];
    const row = !hovered ? NO_ROW : own ? hovered.row : from.counterpart[hovered.row];
    const [x, y] = row === NO_ROW ? [NaN, NaN] : this.on(row);
    this.tooltip.hidden = Number.isNaN(x) || x < 0 || y < 0 || x > this.width || y > this.height;
    if (this.tooltip.hidden) return;
    this.tooltip.replaceChildren();
    element("div", "psa-title", this.tooltip).textContent = this.atlas.names[this.side.called[row]];
    for (const line of own ? this.facts(row) : this.likeness(from, hovered.row, row)) element("div", "", this.tooltip).textContent = line;
    const box = this.tooltip.getBoundingClientRect();
    this.tooltip.style.left = Math.max(4, Math.min(x - box.width / 2, this.width - box.width - 4)) + "px";
    this.tooltip.style.top = (y + box.height + 18 > this.height ? y - box.height - 14 : y + 14) + "px";
  }

  facts(row) {
    const { f1, density } = this.side.values;
    const score = Number.isNaN(f1[row]) ? "" : `, held-out F1 ${f1[row].toFixed(2)}`;
    const family = this.side.values.family?.[row];
    return [
      `feature ${this.side.features[row]}${score}`,
      `fires on ${share(density[row])} of residues${family >= 0 ? `, family ${family + 1}` : ""}`,
      ...(this.tapped ? ["Tap again to open it"] : []),
    ];
  }

  likeness(from, row, own) {
    const correlation = from.values.correlation?.[row];
    const alike = from.terms[row] === NO_ROW ? 0 : this.side.rowsOfTerm(from.terms[row]).length;
    return [
      `feature ${this.side.features[own]} fires most alike${Number.isNaN(correlation) ? "" : `, correlation ${correlation.toFixed(2)}`}`,
      ...(alike ? [`dashed: ${alike} called by the same term`] : []),
    ];
  }

  // An outline was drawn, in pixels of the stage; none clears the marks.
  marked(outline) {
    const corners = outline.map(([left, top]) => this.at(left, top));
    const places = this.side.places[this.layout];
    const inside = corners.length ? new Uint8Array(this.side.n) : null;
    for (let row = 0; inside && row < this.side.n; row++) inside[row] = this.side.visible[row] && isEnclosed(corners, places[2 * row], places[2 * row + 1]) ? 1 : 0;
    this.atlas.mark(this.data.side, inside?.some(Boolean) ? inside : null);
    this.send("drawn", { side: this.data.side, token: this.data.token, layout: this.layout, corners });
  }

  open(row) {
    this.send("opened", { side: this.data.side, token: this.data.token, row });
  }

  leave() {
    this.forget?.();
    this.stop?.();
    this.watcher.disconnect();
    cancelAnimationFrame(this.frame);
    clearTimeout(this.settling);
  }
}

function share(value) {
  const percent = 100 * value;
  return percent < 0.01 ? "less than 0.01 %" : `${percent.toPrecision(2)} %`;
}
