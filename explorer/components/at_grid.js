// Points sorted into square cells, so that the one under the pointer is found without looking at all of them.

const PER_CELL = 2;

export class Grid {
  // `places` holds x and y of each row in turn, NaN where a row has none.
  constructor(places) {
    this.places = places;
    const n = places.length / 2;
    this.box = { left: Infinity, right: -Infinity, low: Infinity, high: -Infinity };
    for (let row = 0; row < n; row++) {
      const x = places[2 * row], y = places[2 * row + 1];
      if (Number.isNaN(x)) continue;
      this.box.left = Math.min(this.box.left, x);
      this.box.right = Math.max(this.box.right, x);
      this.box.low = Math.min(this.box.low, y);
      this.box.high = Math.max(this.box.high, y);
    }
    this.width = Math.max(this.box.right - this.box.left, 1e-6);
    this.height = Math.max(this.box.high - this.box.low, 1e-6);
    this.cell = Math.sqrt((this.width * this.height * PER_CELL) / Math.max(1, n));
    this.columns = Math.floor(this.width / this.cell) + 1;
    this.lines = Math.floor(this.height / this.cell) + 1;
    this.start = new Int32Array(this.columns * this.lines + 1);
    const cellOf = new Int32Array(n);
    for (let row = 0; row < n; row++) {
      cellOf[row] = Number.isNaN(places[2 * row]) ? -1 : this.line(places[2 * row + 1]) * this.columns + this.column(places[2 * row]);
      if (cellOf[row] >= 0) this.start[cellOf[row] + 1]++;
    }
    for (let cell = 0; cell < this.start.length - 1; cell++) this.start[cell + 1] += this.start[cell];
    this.rows = new Int32Array(this.start[this.start.length - 1]);
    const filled = this.start.slice();
    for (let row = 0; row < n; row++) if (cellOf[row] >= 0) this.rows[filled[cellOf[row]]++] = row;
  }

  column(x) {
    return Math.min(this.columns - 1, Math.max(0, Math.floor((x - this.box.left) / this.cell)));
  }

  line(y) {
    return Math.min(this.lines - 1, Math.max(0, Math.floor((y - this.box.low) / this.cell)));
  }

  // The nearest row within `reach` for which `counts(row)` holds, null where there is none.
  nearest(x, y, reach, counts) {
    let found = null;
    let least = reach * reach;
    for (let line = this.line(y - reach); line <= this.line(y + reach); line++) {
      const from = this.start[line * this.columns + this.column(x - reach)];
      const to = this.start[line * this.columns + this.column(x + reach) + 1];
      for (let place = from; place < to; place++) {
        const row = this.rows[place];
        const away = (this.places[2 * row] - x) ** 2 + (this.places[2 * row + 1] - y) ** 2;
        if (away <= least && counts(row)) {
          least = away;
          found = row;
        }
      }
    }
    return found;
  }
}

// Whether a ray to the right from a place crosses the outline an odd number of times; two corners are those of a box.
export function isEnclosed(corners, x, y) {
  if (corners.length === 2) {
    const [[x0, y0], [x1, y1]] = corners;
    return x >= Math.min(x0, x1) && x <= Math.max(x0, x1) && y >= Math.min(y0, y1) && y <= Math.max(y0, y1);
  }
  let inside = false;
  for (let i = 0, j = corners.length - 1; i < corners.length; j = i++) {
    const [x0, y0] = corners[i], [x1, y1] = corners[j];
    if (y0 > y !== y1 > y && x < x0 + ((y - y0) * (x1 - x0)) / (y1 - y0)) inside = !inside;
  }
  return inside;
}
