// Histograms of both autoencoders, each with a range to brush. What the brushes of the other histograms take away is
// drawn pale. A range is drawn with the pointer, or set by its two sliders, which the keyboard reaches.

import { placeOn, valueAt, whenArrived } from "./at_store.js";
import { element, fitCanvas } from "./pv_theme.js";

const BINS = 40;
const TALL = 58;
const STOPS = 100;

export class Brushes {
  constructor(parent) {
    this.root = element("div", "psa psa-brushes", parent);
    this.plots = [];
    this.watcher = new ResizeObserver(() => this.drawSoon());
    this.watcher.observe(this.root);
  }

  update(data, send) {
    this.data = data;
    this.send = send;
    this.stop?.();
    this.stop = whenArrived(data.token, (atlas) => this.show(atlas));
  }

  show(atlas) {
    if (atlas !== this.atlas) {
      this.forget?.();
      this.atlas = atlas;
      this.root.replaceChildren();
      this.plots = atlas.axes.map((axis) => this.plot(axis));
      this.forget = atlas.listen((what) => what === "brushes" && this.drawSoon());
    }
    this.ends = Object.fromEntries(atlas.axes.map((axis) => {
      const brush = this.data.brushes[axis.name] ?? [axis.low, axis.high];
      return [axis.name, brush.map((value) => Math.round(STOPS * placeOn(axis, value)))];
    }));
    atlas.brush(this.data.brushes);
  }

  plot(axis) {
    const box = element("fieldset", "psa-brush", this.root);
    const head = element("legend", "psa-brush-head", box);
    element("span", "psa-brush-title", head).textContent = axis.title;
    const told = element("span", "psa-brush-told", head);
    const canvas = element("canvas", "psa-brush-bars", box, { "aria-hidden": "true" });
    const rail = element("div", "psa-brush-rail", box);
    const sliders = ["from", "to"].map((end, which) => {
      const slider = element("input", "psa-brush-slider", rail, {
        type: "range", min: "0", max: String(STOPS), step: "1", "aria-label": `${axis.title}, ${end}`,
      });
      slider.oninput = () => this.slide(axis, which, Number(slider.value));
      slider.onchange = () => this.tell(axis);
      return slider;
    });
    const scale = element("div", "psa-brush-scale", box, { "aria-hidden": "true" });
    for (const text of axis.ticks) element("span", "", scale).textContent = text;
    this.listen(axis, canvas);
    const bins = this.atlas.sides.map((side) => binned(axis, side.values[axis.name]));
    return { axis, canvas, sliders, told, bins, all: bins.map((bin) => counted(bin, null)) };
  }

  // A drag over the bars is a new range; a click takes it away.
  listen(axis, canvas) {
    let from = null;
    const stop = (event) => {
      const box = canvas.getBoundingClientRect();
      return Math.min(STOPS, Math.max(0, Math.round((STOPS * (event.clientX - box.left)) / box.width)));
    };
    canvas.addEventListener("pointerdown", (event) => {
      from = stop(event);
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (from === null) return;
      const to = stop(event);
      if (to !== from) this.set(axis, [Math.min(from, to), Math.max(from, to)]);
    });
    canvas.addEventListener("pointerup", (event) => {
      if (from !== null && stop(event) === from) this.set(axis, [0, STOPS]);
      from = null;
      this.tell(axis);
    });
    canvas.addEventListener("pointercancel", () => { from = null; });
  }

  slide(axis, which, stop) {
    const ends = [...this.ends[axis.name]];
    ends[which] = which === 0 ? Math.min(stop, ends[1] - 1) : Math.max(stop, ends[0] + 1);
    this.set(axis, ends);
  }

  set(axis, ends) {
    this.ends[axis.name] = ends;
    const brushes = { ...this.atlas.brushes };
    if (ends[0] === 0 && ends[1] === STOPS) delete brushes[axis.name];
    else brushes[axis.name] = ends.map((stop) => valueAt(axis, stop / STOPS));
    this.atlas.brush(brushes);
  }

  tell(axis) {
    this.send("brushed", { token: this.data.token, axis: axis.name, range: this.atlas.brushes[axis.name] ?? null });
  }

  drawSoon() {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.draw());
  }

  draw() {
    for (const plot of this.plots) this.drawPlot(plot);
  }

  drawPlot({ axis, canvas, sliders, told, bins, all }) {
    const width = canvas.clientWidth;
    if (!width) return;
    const pen = fitCanvas(canvas, width, TALL);
    const [low, high] = this.ends[axis.name];
    const brush = this.atlas.brushes[axis.name];
    told.textContent = brush ? `${shown(axis, brush[0])} to ${shown(axis, brush[1])}` : "";
    sliders[0].value = String(low);
    sliders[1].value = String(high);
    sliders.forEach((slider, which) => slider.setAttribute("aria-valuetext", shown(axis, valueAt(axis, this.ends[axis.name][which] / STOPS))));
    const left = this.atlas.sides.map((side) => this.atlas.leave(side, new Uint8Array(side.n), axis.name));
    const kept = bins.map((bin, i) => counted(bin, left[i]));
    const most = Math.max(1, ...all.flatMap((counts) => [...counts]));
    const step = width / BINS, wide = (step - 1.5) / bins.length;
    for (const [counts, alpha] of [[all, 0.25], [kept, 1]]) {
      counts.forEach((bars, i) => {
        pen.fillStyle = this.data.colours[i];
        for (let bin = 0; bin < BINS; bin++) {
          const chosen = !brush || ((bin + 1) * STOPS > low * BINS && bin * STOPS < high * BINS);
          pen.globalAlpha = chosen ? alpha : alpha * 0.25;
          const tall = Math.sqrt(bars[bin] / most) * (TALL - 3);
          pen.fillRect(bin * step + i * wide, TALL - tall, wide, tall);
        }
      });
    }
    pen.globalAlpha = 1;
    if (!brush) return;
    pen.fillStyle = this.data.ink.link;
    pen.globalAlpha = 0.12;
    pen.fillRect((low / STOPS) * width, 0, ((high - low) / STOPS) * width, TALL);
    pen.globalAlpha = 1;
  }

  leave() {
    this.forget?.();
    this.stop?.();
    this.watcher.disconnect();
    cancelAnimationFrame(this.frame);
  }
}

const NO_BIN = 255;

function binned(axis, values) {
  return Uint8Array.from(values, (value) => (Number.isNaN(value) ? NO_BIN : Math.min(BINS - 1, Math.floor(BINS * placeOn(axis, value)))));
}

function counted(bins, left) {
  const counts = new Int32Array(BINS);
  for (let row = 0; row < bins.length; row++) if (bins[row] !== NO_BIN && (!left || left[row])) counts[bins[row]]++;
  return counts;
}

function shown(axis, value) {
  return axis.percent ? `${Number((100 * value).toPrecision(2))} %` : String(Number(value.toPrecision(2)));
}
