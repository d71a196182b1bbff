// Drawing of the strips on canvas. One fill a residue, or one a pixel (its strongest residue) where residues are
// narrower than a pixel; residues at zero are left to the row's bed, so that long chains stay fast.

import { RAMP_STEPS, fitCanvas, hatch, rampStep } from "./pv_theme.js";

export const ROW = { axis: 20, letters: 18, row: 19, single: 26, bar: 11, lane: 15, gap: 5 };
export const LETTER_WIDTH = 7.5;

// Marked residues have a tick between axis and strips; an outline, too, where they are wide enough to show colour in it.
const MARK = { height: 7, above: 4, width: 4 };

export function drawLines(strips) {
  const pen = fitCanvas(strips.canvas, strips.width, strips.height);
  strips.missingFill ??= hatch(pen, strips.theme);
  const painter = { axis: drawAxis, letters: drawLetters, row: drawRow, structure: drawStructure, track: drawTrack };
  for (const line of strips.lines) painter[line.kind](pen, strips, line);
}

function visible(strips) {
  return [Math.max(1, Math.floor(strips.first) + 1), Math.min(strips.n, Math.ceil(strips.first + strips.span))];
}

function drawAxis(pen, strips, line) {
  const { theme } = strips;
  const step = [1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000].find((s) => s * strips.perResidue >= 46) ?? 1000;
  const [from, to] = visible(strips);
  const base = line.y + line.height + 0.5;
  pen.fillStyle = theme.faint;
  pen.strokeStyle = theme.line;
  pen.lineWidth = 1;
  pen.font = `11px ${theme.font}`;
  pen.textBaseline = "alphabetic";
  for (let position = Math.ceil(from / step) * step; position <= to; position += step)
    tick(pen, strips, position, base);
  if (from === 1 && step > 1) tick(pen, strips, 1, base);
  pen.fillStyle = theme.text;
  for (const position of strips.marks) {
    if (position < from || position > to) continue;
    const { left, width } = cellOf(strips, position, 1);
    const wide = Math.min(width, MARK.width);
    pen.fillRect(left + Math.floor((width - wide) / 2), line.y + line.height - MARK.above, wide, MARK.height);
  }
}

// Whole pixels, so that neighbours look alike; `gap` of them are left free before the next residue.
function cellOf(strips, position, gap) {
  const left = Math.round(strips.x(position));
  return { left, width: Math.max(1, Math.round(strips.x(position + 1)) - left - gap) };
}

function tick(pen, strips, position, base) {
  const x = strips.x(position) + strips.perResidue / 2;
  const text = String(position);
  const half = pen.measureText(text).width / 2;
  pen.textAlign = x < half ? "left" : x > strips.width - half ? "right" : "center";
  pen.fillText(text, Math.max(0, Math.min(strips.width, x)), base - 8);
  pen.beginPath();
  pen.moveTo(x, base - 5);
  pen.lineTo(x, base);
  pen.stroke();
}

function drawLetters(pen, strips, line) {
  const [from, to] = visible(strips);
  letterPen(pen, strips);
  pen.fillStyle = strips.theme.text;
  for (let position = from; position <= to; position++)
    pen.fillText(strips.data.sequence[position - 1], strips.x(position) + strips.perResidue / 2, line.y + line.height / 2 + 1);
  outlineMarks(pen, strips, line);
}

function letterPen(pen, strips) {
  pen.font = `${Math.min(14, Math.max(10, strips.perResidue * 1.15))}px ${strips.theme.mono}`;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
}

function drawRow(pen, strips, line) {
  const { theme } = strips;
  const { values, scale } = strips.data.rows[line.index];
  const per = strips.perResidue;
  const [from, to] = visible(strips);
  pen.fillStyle = theme.zero;
  pen.fillRect(strips.x(from), line.y, strips.x(to + 1) - strips.x(from), line.height);
  const gap = per >= 6 ? 1 : 0;
  if (per >= 1) {
    for (let position = from; position <= to; position++) {
      const left = Math.round(strips.x(position)), right = Math.round(strips.x(position + 1)); // whole pixels: no moiré
      fillCell(pen, strips, values[position - 1], scale, left, Math.max(2, right - left - gap), line);
    }
  } else {
    for (let x = 0; x < strips.width; x++) {
      const a = Math.floor(strips.first + x / per), b = Math.max(a + 1, Math.floor(strips.first + (x + 1) / per));
      fillCell(pen, strips, strongest(values, a, b), scale, x, 2, line); // one wide, a lone residue would be lost
    }
  }
  if (strips.data.rows.length === 1 && per >= LETTER_WIDTH) {
    letterPen(pen, strips);
    for (let position = from; position <= to; position++) {
      pen.fillStyle = theme.inkOn[rampStep(values[position - 1], scale)];
      pen.fillText(strips.data.sequence[position - 1], strips.x(position) + (per - gap) / 2, line.y + line.height / 2 + 1);
    }
  }
  outlineMarks(pen, strips, line);
}

function fillCell(pen, strips, value, scale, x, width, line) {
  if (value === null) {
    pen.fillStyle = strips.theme.background;
    pen.fillRect(x, line.y, width, line.height);
    pen.fillStyle = strips.missingFill;
  } else {
    const step = rampStep(value, scale);
    if (step === 0) return;
    pen.fillStyle = strips.theme.ramp[step];
  }
  pen.fillRect(x, line.y, width, line.height);
}

function strongest(values, from, to) {
  let best = 0;
  for (let i = from; i < to && i < values.length; i++) {
    if (values[i] === null) return null;
    if (values[i] > best) best = values[i];
  }
  return best;
}

function outlineMarks(pen, strips, line) {
  if (strips.perResidue < LETTER_WIDTH) return;
  const [from, to] = visible(strips);
  pen.strokeStyle = strips.theme.text;
  pen.lineWidth = 1;
  for (const position of strips.marks) {
    if (position < from || position > to) continue;
    const { left, width } = cellOf(strips, position, 1);
    pen.strokeRect(left + 0.5, line.y + 0.5, width - 1, line.height - 1);
  }
}

function drawStructure(pen, strips, line) {
  const { theme, resolved } = strips;
  const [from, to] = visible(strips);
  const y = line.y + 2, height = line.height - 4;
  for (let start = from; start <= to;) {
    let end = start;
    while (end < to && resolved[end + 1] === resolved[start]) end++;
    const left = strips.x(start), width = Math.max(1, strips.x(end + 1) - left);
    pen.fillStyle = resolved[start] ? theme.track : strips.missingFill;
    pen.fillRect(left, y, width, height);
    start = end + 1;
  }
}

function drawTrack(pen, strips, line) {
  const { theme } = strips;
  pen.font = `10.5px ${theme.font}`;
  pen.textBaseline = "middle";
  pen.textAlign = "left";
  line.lanes.forEach((lane, laneIndex) => {
    const y = line.y + laneIndex * ROW.lane;
    for (const [start, end, label] of lane) {
      const left = strips.x(start), width = Math.max(3, (end - start + 1) * strips.perResidue);
      if (left + width < 0 || left > strips.width) continue;
      pen.fillStyle = theme.track;
      pen.beginPath();
      pen.roundRect(left, y + 1, width, ROW.lane - 3, Math.min(3, width / 2));
      pen.fill();
      const inside = Math.max(left, 0);
      const room = Math.min(left + width, strips.width) - inside - 8;
      const text = label || "";
      if (text && pen.measureText(text).width <= room) {
        pen.fillStyle = theme.onTrack;
        pen.fillText(text, inside + 4, y + ROW.lane / 2);
      }
    }
  });
}

export function drawOverview(strips) {
  const { theme, data, width, n } = strips;
  const height = 30;
  const pen = fitCanvas(strips.overview, width, height);
  const row = data.rows[data.colouredRow];
  const per = width / n;
  pen.fillStyle = theme.zero;
  pen.fillRect(0, 0, width, height - 5);
  if (row) {
    for (let x = 0; x < width; x++) {
      const a = Math.floor(x / per), b = Math.max(a + 1, Math.floor((x + 1) / per));
      const value = strongest(row.values, a, b);
      const step = rampStep(value, row.scale);
      if (step === 0) continue;
      pen.fillStyle = theme.ramp[step];
      const tall = Math.max(3, (step / (RAMP_STEPS - 1)) * (height - 5));
      pen.fillRect(x, height - 5 - tall, 1, tall);
    }
  }
  if (strips.resolved) {
    for (let x = 0; x < width; x++) {
      if (!strips.resolved[Math.min(n, Math.floor(x / per) + 1)]) continue;
      pen.fillStyle = theme.track;
      pen.fillRect(x, height - 3, 1, 3);
    }
  }
  pen.fillStyle = theme.text;
  for (const position of strips.marks) pen.fillRect((position - 0.5) * per - 0.5, 0, 1, 5);
  const left = (strips.first / n) * width, right = ((strips.first + strips.span) / n) * width;
  pen.globalAlpha = 0.62;
  pen.fillStyle = theme.background;
  pen.fillRect(0, 0, left, height);
  pen.fillRect(right, 0, width - right, height);
  pen.globalAlpha = 1;
  if (strips.span < n - 0.5) {
    pen.strokeStyle = theme.text;
    pen.lineWidth = 1.5;
    pen.strokeRect(left + 0.75, 0.75, Math.max(4, right - left - 1.5), height - 1.5);
  }
}
