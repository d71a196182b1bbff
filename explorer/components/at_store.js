// What the parts of the map page share in the browser: the features, which of them the brushes leave, what is marked on
// each map, and what the pointer is on. Each set of features bears a token; it comes once, its parts refer to it.

const ATLASES = (window.__protsaeAtlases ??= new Map());
const ARRIVED = "protsae-atlas-arrived";
const MOST_ATLASES = 2;
export const NO_ROW = -1;

function unpacked(text, Kind) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Kind(bytes.buffer);
}

// Everything of one SAE by row; rows are its features, `features[row]` the number of each.
class Side {
  constructor(sent) {
    this.name = sent.name;
    this.role = sent.role;
    this.features = unpacked(sent.features, Int32Array);
    this.n = this.features.length;
    this.called = unpacked(sent.called, Int32Array);
    this.terms = unpacked(sent.terms, Int32Array);
    this.counterpart = unpacked(sent.counterpart, Int32Array);
    this.clusters = sent.clusters; // by layout: [name, x, y, features], the largest first
    this.places = Object.fromEntries(Object.entries(sent.places).map(([name, text]) => [name, unpacked(text, Float32Array)]));
    this.values = Object.fromEntries(Object.entries(sent.values).map(([name, text]) => [name, unpacked(text, Float32Array)]));
    this.codes = Object.fromEntries(Object.entries(sent.codes).map(([name, text]) => [name, unpacked(text, Uint8Array)]));
    this.visible = new Uint8Array(this.n).fill(1);
    this.marked = null;
  }

  rowsOfTerm(term) {
    if (!this.byTerm) {
      this.byTerm = new Map();
      this.terms.forEach((own, row) => {
        if (own !== NO_ROW) this.byTerm.set(own, [...(this.byTerm.get(own) ?? []), row]);
      });
    }
    return this.byTerm.get(term) ?? [];
  }
}

class Atlas {
  constructor(sent) {
    this.names = sent.names;
    this.axes = sent.axes;
    this.sides = sent.sides.map((side) => new Side(side));
    this.brushes = {};
    this.hovered = null;
    this.listeners = new Set();
  }

  // Called with what changed: "brushes", "marks" or "hover".
  listen(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  tell(what) {
    for (const listener of this.listeners) listener(what);
  }

  hover(side, row) {
    if (this.hovered?.side === side && this.hovered?.row === row) return;
    if (!this.hovered && row === null) return;
    this.hovered = row === null ? null : { side, row };
    this.tell("hover");
  }

  mark(side, marked) {
    this.sides[side].marked = marked;
    this.tell("marks");
  }

  // Rows of the other map's features that fire most alike, for those that are marked on this one; null for no marks.
  counterparts(side) {
    const from = this.sides[side];
    const other = this.sides[1 - side];
    if (!from.marked || !other) return null;
    const found = new Uint8Array(other.n);
    for (let row = 0; row < from.n; row++) {
      if (from.marked[row] && from.visible[row] && from.counterpart[row] !== NO_ROW) found[from.counterpart[row]] = 1;
    }
    return found;
  }

  brush(brushes) {
    this.brushes = brushes;
    for (const side of this.sides) this.leave(side, side.visible, null);
    this.tell("brushes");
  }

  // Write 1 where a row passes every brush but that of the axis `except`.
  leave(side, into, except) {
    into.fill(1);
    for (const axis of this.axes) {
      const brush = this.brushes[axis.name];
      if (!brush || axis.name === except) continue;
      const values = side.values[axis.name];
      const [low, high] = opened(axis, brush);
      for (let row = 0; row < side.n; row++) if (!(values[row] >= low && values[row] <= high)) into[row] = 0;
    }
    return into;
  }
}

// An end of the brush at an end of the axis lets everything beyond it pass; what has no value passes no brush.
function opened(axis, [low, high]) {
  return [low <= axis.low ? -Infinity : low, high >= axis.high ? Infinity : high];
}

// Where a value lies on its axis, 0 to 1, and back.
export function placeOn(axis, value) {
  const scaled = axis.log ? Math.log10(Math.max(value, axis.low) / axis.low) / Math.log10(axis.high / axis.low) : (value - axis.low) / (axis.high - axis.low);
  return Math.min(1, Math.max(0, scaled));
}

export function valueAt(axis, place) {
  const value = axis.log ? axis.low * (axis.high / axis.low) ** place : axis.low + place * (axis.high - axis.low);
  return Number(value.toPrecision(3));
}

export function keepAtlas(sent) {
  if (ATLASES.has(sent.token)) return;
  ATLASES.set(sent.token, new Atlas(sent));
  for (const token of [...ATLASES.keys()].slice(0, -MOST_ATLASES)) ATLASES.delete(token);
  window.dispatchEvent(new Event(ARRIVED));
}

// Call `then` with the atlas now, or as soon as it is there; gives a function that stops the waiting.
export function whenArrived(token, then) {
  const atlas = ATLASES.get(token);
  if (atlas) {
    then(atlas);
    return () => {};
  }
  const look = () => {
    if (!ATLASES.has(token)) return;
    window.removeEventListener(ARRIVED, look);
    then(ATLASES.get(token));
  };
  window.addEventListener(ARRIVED, look);
  return () => window.removeEventListener(ARRIVED, look);
}

export function bits(text, n) {
  if (text === null) return null;
  const packed = unpacked(text, Uint8Array);
  return Uint8Array.from({ length: n }, (_, row) => (packed[row >> 3] >> (row & 7)) & 1);
}
