// Several chains laid over each other: stills that wake one 3D view, in which every chain is faint in a tone of its own
// and the residues that were laid over each other are balls on the activation ramp, joined by sticks in that tone.

import { sayOver } from "./pv_say.js";
import { element, rampStep, readTheme } from "./pv_theme.js";
import { AWAKE, MOST_VIEWERS, NO_WEBGL, giveBack, load3Dmol, offersWebGL, takeViewer } from "./pv_viewers.js";

const OVERLAYS = new WeakMap();
const FAINT = 0.85, FAINTEST = 0.15;
const SURE = 0.3, UNSURE = 0.1; // thickness in angstrom

class Overlay {
  constructor(parent) {
    this.root = element("div", "psv ovl", parent);
    this.stills = element("div", "ovl-stills", this.root, { role: "group", "aria-label": "Structures, one at a time" });
    this.toolbar = element("div", "psv-toolbar", this.root, { role: "toolbar", "aria-label": "Superposed structures" });
    this.box = element("div", "psv-3d ovl-box", this.root);
    this.note = element("div", "psv-3d-note", this.box);
    this.chosen = null;
    this.closeButton = this.button("Active residues", () => this.look(true));
    this.wholeButton = this.button("Whole chains", () => this.look(false));
    this.box.addEventListener("wheel", (event) => {
      if (!this.held && !event.ctrlKey) event.stopPropagation();
    }, { capture: true });
    this.box.addEventListener("pointerdown", () => { this.held = true; }, { capture: true });
    this.box.addEventListener("pointerleave", () => { this.held = false; });
  }

  button(text, action) {
    const node = element("button", "psv-button", this.toolbar, { type: "button", title: text });
    node.textContent = text;
    node.onclick = action;
    return node;
  }

  update(data) {
    const said = JSON.stringify(data.chains.map((chain) => chain.text));
    this.data = data;
    this.theme = readTheme(this.root, data.palette);
    if (said !== this.said) {
      this.said = said;
      this.sleep();
      this.chosen = null;
      this.drawStills();
      this.say("Show the superposed structures", () => this.wake());
    }
    this.mark();
    if (this.viewer) this.paint();
  }

  drawStills() {
    this.stills.replaceChildren();
    this.stillButtons = this.data.chains.map((chain, index) => {
      const node = element("button", "ovl-still", this.stills, { type: "button" });
      const picture = element("img", "", node, { alt: "" });
      picture.src = chain.still;
      const name = element("span", "ovl-name", node);
      element("span", "ovl-dot", name).style.background = chain.tone;
      element("span", "", name).textContent = chain.name;
      element("span", "ovl-faint", node).textContent = chain.note;
      node.onclick = () => this.choose(index);
      return node;
    });
  }

  // One chain alone stands out, the others fade; once more, and all are alike.
  choose(index) {
    this.chosen = this.chosen === index ? null : index;
    this.mark();
    if (this.viewer) this.paint();
    else this.wake();
  }

  mark() {
    this.stillButtons.forEach((node, index) => node.setAttribute("aria-pressed", String(index === this.chosen)));
    this.closeButton.setAttribute("aria-pressed", String(!this.whole));
    this.wholeButton.setAttribute("aria-pressed", String(Boolean(this.whole)));
  }

  async wake() {
    if (!offersWebGL()) return this.say(NO_WEBGL);
    this.say("Loading the structures");
    const wanted = this.said;
    try {
      const library = await load3Dmol(this.data.library);
      if (wanted !== this.said || this.viewer || this.gone) return;
      this.viewer = takeViewer(library, this.box, { background: this.theme.background, fog: false });
    } catch (problem) {
      this.say("The 3D viewer could not start (" + (problem?.message ?? String(problem)) + "); the list holds the numbers.");
      return;
    }
    if (!this.viewer) return this.say(NO_WEBGL);
    AWAKE.push(this);
    if (AWAKE.length > MOST_VIEWERS) AWAKE[0].doze();
    this.say("");
    this.models = this.data.chains.map((chain) => this.viewer.addModel(chain.text, "pdb"));
    this.alphas = this.models.map((model) => model.selectedAtoms({ atom: "CA" }));
    const canvas = this.box.querySelector("canvas");
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `${this.data.chains.length} structures superposed on the residues on which the feature fires; the list tells how well they fit.`);
    this.paint();
    this.look(!this.whole);
  }

  paint() {
    this.viewer.removeAllShapes();
    this.models.forEach((model, index) => {
      const chain = this.data.chains[index];
      const faded = this.chosen !== null && this.chosen !== index;
      const alphas = this.alphas[index];
      const trace = { style: "trace", thickness: SURE, color: chain.tone, opacity: faded ? FAINTEST : FAINT, gapcutoff: 5 };
      model.setStyle({}, { cartoon: trace });
      const doubted = alphas.filter((_, place) => chain.doubt[place]).map((atom) => atom.resi);
      if (doubted.length) model.setStyle({ resi: doubted }, { cartoon: { ...trace, thickness: UNSURE } });
      for (const [place, level] of chain.active) {
        const color = this.theme.solidRamp[rampStep(level, 1)];
        const at = alphas[place], next = alphas[place + 1];
        const opacity = faded ? 0.25 : 1;
        this.viewer.addSphere({ center: at, radius: place === chain.peak ? 1.0 : 0.55, color, opacity });
        if (chain.active.some(([other]) => other === place + 1))
          this.viewer.addCylinder({ start: at, end: next, radius: 0.3, color: chain.tone, opacity, fromCap: 1, toCap: 1 });
      }
    });
    this.viewer.setBackgroundColor(this.theme.background, 0);
    this.viewer.render();
  }

  look(closely) {
    this.whole = !closely;
    this.mark();
    if (!this.viewer) return this.wake();
    this.viewer.zoomTo(closely ? { model: this.models[0], resi: this.data.chains[0].active.map(([place]) => this.alphas[0][place].resi) } : {});
    if (closely) this.viewer.zoom(0.75);
    this.viewer.render();
  }

  say(text, action) {
    sayOver(this.note, text, action);
  }

  doze() {
    this.sleep();
    this.say("Show the superposed structures", () => this.wake());
  }

  sleep() {
    const place = AWAKE.indexOf(this);
    if (place >= 0) AWAKE.splice(place, 1);
    if (this.viewer) giveBack(this.viewer);
    this.viewer = this.models = this.alphas = null;
  }

  destroy() {
    this.gone = true;
    this.sleep();
    this.root.remove();
  }
}

export default function ({ parentElement, data }) {
  if (!data) return undefined;
  let overlay = OVERLAYS.get(parentElement);
  if (!overlay) OVERLAYS.set(parentElement, (overlay = new Overlay(parentElement)));
  overlay.update(data);
  return () => {
    OVERLAYS.delete(parentElement);
    overlay.destroy();
  };
}
