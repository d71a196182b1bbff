// The 3D structure, drawn by 3Dmol from this app's own files. Residue k of chain A, in order of appearance, is modelled
// residue k, and `positions[k]` is its place in the sequence (0: not in it); no colour is ever shifted by a gap.

import { joinDoubtful, paintDoubtful, sayDoubt } from "./pv_doubt.js";
import { sayOver } from "./pv_say.js";
import { element, rampStep } from "./pv_theme.js";
import { AWAKE, MOST_VIEWERS, NO_WEBGL, giveBack, load3Dmol, nearTheScreen, offersWebGL, takeViewer } from "./pv_viewers.js";

const FULL_HEIGHT = 420; // pixels; a view that is lower can be made as high
const DRAW = {
  ribbon: { cartoon: { arrows: true, thickness: 0.35, gapcutoff: 5 } },
  tube: { cartoon: { style: "trace", thickness: 0.55 } },
  spheres: { sphere: { radius: 1.9 } },
};

export class Structure {
  constructor(root, events) {
    this.events = events;
    this.panel = element("div", "psv-structure", root);
    this.toolbar = element("div", "psv-toolbar", this.panel, { role: "toolbar", "aria-label": "Structure" });
    this.canvasBox = element("div", "psv-3d", this.panel);
    this.note = element("div", "psv-3d-note", this.canvasBox);
    this.doubted = element("div", "psv-caption psv-doubts", this.panel);
    this.caption = element("div", "psv-caption", this.panel);
    this.style = "ribbon";
    this.styleButtons = Object.fromEntries(["ribbon", "tube", "spheres"].map((name) =>
      [name, this.button(name[0].toUpperCase() + name.slice(1), () => this.restyle(name))]));
    this.spinButton = this.button("Spin", () => this.spin(!this.spinning));
    this.button("Reset", () => { events.clear(); this.reset(); });
    this.button("PNG", () => this.savePicture(), "Save this picture of the structure");
    this.sizeButton = this.button("Larger", () => this.enlarge(!this.large), "A larger view");
    this.canvasBox.addEventListener("wheel", (event) => {
      if (!this.held && !event.ctrlKey) event.stopPropagation(); // the page scrolls until the structure was clicked
    }, { capture: true });
    this.canvasBox.addEventListener("pointerdown", () => { this.held = true; }, { capture: true });
    this.canvasBox.addEventListener("pointerleave", () => { this.held = false; events.hover(null); });
  }

  button(text, action, title = text) {
    const node = element("button", "psv-button", this.toolbar, { type: "button", title });
    node.textContent = text;
    node.onclick = action;
    return node;
  }

  // Load another structure, or leave the one that stands (and its camera) where the text is the same.
  async setData(data, theme) {
    const structure = data.structure;
    this.panel.hidden = !structure;
    if (!structure) {
      this.text = null;
      return this.sleep();
    }
    this.theme = theme;
    this.structure = structure;
    this.data = data;
    this.caption.textContent = structure.title;
    sayDoubt(this.doubted, structure.doubt);
    this.fitBox();
    this.markButtons();
    if (this.text !== structure.pdb) {
      this.sleep();
      this.text = structure.pdb;
      this.indexByPosition = new Map();
      structure.positions.forEach((position, i) => { if (position > 0) this.indexByPosition.set(position, i); });
      if (structure.asleep) return this.say("Show the structure", () => this.wake());
      return this.wake();
    }
    if (this.viewer && this.painted !== this.looks()) this.paint();
  }

  // All that the picture depends on.
  looks() {
    const { rows, colouredRow, marks } = this.data;
    return JSON.stringify([this.style, rows[colouredRow], marks, this.theme.background]);
  }

  async wake() {
    if (!offersWebGL()) return this.say(NO_WEBGL);
    this.say("Loading the structure");
    const wanted = this.text;
    try {
      const [library] = await Promise.all([load3Dmol(this.data.library), nearTheScreen(this.canvasBox)]);
      if (wanted !== this.text || this.viewer || this.gone) return;
      this.viewer = takeViewer(library, this.canvasBox, { background: this.theme.background, fog: true });
    } catch (problem) {
      this.say("The 3D viewer could not start (" + (problem?.message ?? String(problem)) + "); the strip holds the same values.");
      return;
    }
    if (!this.viewer) return this.say(NO_WEBGL);
    AWAKE.push(this);
    if (AWAKE.length > MOST_VIEWERS) AWAKE[0].doze();
    this.say("");
    this.build();
  }

  build() {
    this.model = this.viewer.addModel(this.text, "pdb");
    this.residues = [];
    let previous = null, stretch = 0;
    for (const atom of this.model.selectedAtoms({ chain: "A" })) {
      if (previous === null || atom.resi !== previous) {
        if (previous !== null && atom.resi > previous + 1) stretch += 1;
        this.residues.push({ resi: atom.resi, alpha: atom });
        previous = atom.resi;
      }
      if (atom.atom === "CA") this.residues[this.residues.length - 1].alpha = atom;
      atom.hetflag = false;
      atom.reschain = stretch;
      atom.protsaeIndex = this.residues.length - 1;
    }
    joinDoubtful(this.residues, this.structure.doubt);
    this.nameCanvas();
    this.viewer.setHoverable({ chain: "A" }, true,
      (atom) => this.events.hover(this.positionOf(atom), null), () => this.events.hover(null));
    this.viewer.setClickable({ chain: "A" }, true, (atom) => {
      const position = this.positionOf(atom);
      if (position) this.events.pick(position);
    });
    this.paint();
    this.viewer.zoomTo({ chain: "A" });
    this.faceThePeak();
    this.viewer.zoom(this.roomToFill());
    this.point();
  }

  // What a screen reader says of a picture that it cannot see.
  nameCanvas() {
    const canvas = this.canvasBox.querySelector("canvas");
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `${this.structure.short} in 3D, coloured by activation; the strip tells the same values residue by residue.`);
  }

  positionOf(atom) {
    const position = this.structure.positions[atom.protsaeIndex];
    return position > 0 ? position : null;
  }

  colourOf(atom) {
    const position = this.structure.positions[atom.protsaeIndex] ?? 0;
    const row = this.data.rows[this.data.colouredRow];
    const value = position > 0 && row ? row.values[position - 1] : null;
    if (value === null || value === undefined) return row ? this.theme.missing : this.theme.solidRamp[0];
    return this.theme.solidRamp[rampStep(value, row.scale)];
  }

  // Colours and style; the camera stays.
  paint() {
    this.painted = this.looks();
    const style = structuredClone(DRAW[this.style]);
    for (const part of Object.values(style)) part.colorfunc = (atom) => this.colourOf(atom);
    const chain = this.style === "spheres" ? { chain: "A", atom: "CA" } : { chain: "A" };
    this.viewer.setStyle({ chain: "A" }, {});
    this.viewer.setStyle(chain, style);
    paintDoubtful(this.viewer, this.residues, this.structure.doubt, style, (atom) => this.colourOf(atom));
    const { carbon, elements } = this.theme;
    const ligands = { not: { chain: "A" } };
    this.viewer.setStyle(ligands, { stick: { radius: 0.18, colorscheme: { prop: "elem", map: { ...elements, C: carbon } } } });
    for (const atom of this.model.selectedAtoms(ligands))
      if (!atom.bonds.length) this.viewer.setStyle({ index: atom.index },
        { sphere: { radius: 1.0, color: elements[atom.elem] ?? carbon } });
    this.viewer.setBackgroundColor(this.theme.background, 0);
    this.showMarks();
    this.viewer.render();
  }

  restyle(name) {
    this.style = name;
    this.markButtons();
    if (this.viewer) this.paint();
    this.events.restyled();
  }

  markButtons() {
    for (const [name, node] of Object.entries(this.styleButtons)) node.setAttribute("aria-pressed", String(name === this.style));
    this.spinButton.setAttribute("aria-pressed", String(Boolean(this.spinning)));
    this.sizeButton.setAttribute("aria-pressed", String(Boolean(this.large)));
    this.sizeButton.hidden = !this.isLow;
  }

  spin(on) {
    this.spinning = on;
    this.viewer?.spin(on ? "y" : false, 0.6);
    this.markButtons();
  }

  // zoomTo fits a sphere around the protein; its flat side, which faces the reader, leaves room in one direction.
  roomToFill() {
    const half = (axis) => Math.max(1, ...this.residues.map(({ alpha }) => Math.abs(alpha[axis])));
    const radius = Math.max(...this.residues.map(({ alpha }) => Math.hypot(alpha.x, alpha.y, alpha.z)));
    const aspect = this.canvasBox.clientWidth / this.canvasBox.clientHeight;
    return Math.max(0.6, Math.min(1.5, 0.95 * Math.min(radius / half("y"), (aspect * radius) / half("x"))));
  }

  faceThePeak() {
    const row = this.data.rows[this.data.colouredRow];
    if (!row) return;
    let depth = 0, weight = 0;
    this.residues.forEach(({ alpha }, i) => {
      const value = row.values[this.structure.positions[i] - 1] || 0;
      depth += value * alpha.z;
      weight += value;
    });
    if (weight > 0 && depth < 0) this.viewer.rotate(180, "y");
  }

  zoomTo(range) {
    if (!this.viewer) return;
    if (!range) return this.reset();
    const chosen = [];
    for (let position = range[0]; position <= range[1]; position++) {
      const index = this.indexByPosition.get(position);
      if (index !== undefined) chosen.push(this.residues[index].resi);
    }
    if (!chosen.length) return;
    this.viewer.zoomTo({ chain: "A", resi: chosen }, 450);
  }

  reset() { this.viewer?.zoomTo({ chain: "A" }, 450); }

  showMarks() {
    for (const shape of this.markShapes ?? []) this.viewer.removeShape(shape);
    this.markShapes = [];
    for (const position of this.data.marks) {
      const alpha = this.residues?.[this.indexByPosition.get(position)]?.alpha;
      if (alpha) this.markShapes.push(this.viewer.addSphere({
        center: { x: alpha.x, y: alpha.y, z: alpha.z }, radius: 1.6, wireframe: true, quality: 1, color: this.theme.text, alpha: 0.9,
      }));
    }
  }

  // The residue under the pointer and the kept one, in all places at once.
  point() {
    if (!this.viewer || !this.residues) return;
    const { hover, pinned } = this.events.state();
    for (const shape of this.pointers ?? []) this.viewer.removeShape(shape);
    this.pointers = [];
    for (const [position, radius, alpha] of [[pinned, 1.5, 0.85], [hover, 1.9, 0.6]]) {
      const atom = position && this.residues[this.indexByPosition.get(position)]?.alpha;
      if (atom) this.pointers.push(this.viewer.addSphere({
        center: { x: atom.x, y: atom.y, z: atom.z }, radius, color: this.theme.cursor, alpha,
      }));
    }
    this.viewer.render();
  }

  savePicture() {
    if (!this.viewer) return;
    this.viewer.drawNow();
    const link = document.createElement("a");
    link.href = this.viewer.pngURI();
    link.download = [this.data.name, this.structure.short, this.data.rows[this.data.colouredRow]?.code]
      .filter(Boolean).join(" ").replace(/\W+/g, "_") + ".png";
    link.click();
  }

  say(text, action) {
    sayOver(this.note, text, action);
  }

  // Give the WebGL context back but leave a picture that wakes on click.
  doze() {
    this.viewer.drawNow();
    const still = this.viewer.pngURI();
    this.sleep();
    this.say("Show the structure", () => { this.canvasBox.style.backgroundImage = ""; this.wake(); });
    this.canvasBox.style.backgroundImage = `url(${still})`;
  }

  sleep() {
    const place = AWAKE.indexOf(this);
    if (place >= 0) AWAKE.splice(place, 1);
    if (this.viewer) giveBack(this.viewer);
    this.viewer = this.model = this.residues = null;
    this.pointers = this.markShapes = null;
    this.canvasBox.style.backgroundImage = "";
  }

  get isLow() { return this.data !== undefined && this.data.height < FULL_HEIGHT; }

  enlarge(on) {
    this.large = on;
    this.markButtons();
    this.fitBox();
  }

  // A portrait box would cut a wide protein off: on narrow screens it is no taller than wide.
  fitBox() {
    const wanted = this.large ? Math.max(this.data.height, FULL_HEIGHT) : this.data.height;
    this.canvasBox.style.height = Math.min(wanted, Math.max(260, this.panel.clientWidth * 0.95)) + "px";
  }

  resize() {
    if (this.structure) this.fitBox();
  }
}
