// Which colour each point has, and in which order they are drawn: the most telling last, so that it lies on top.
//
// A categorical colouring has one colour for each code; a ramp has steps between two values, and grey for none. Rows are
// sorted by colour without comparing, so that each colour is set up once.

const STEPS = 24;

// Rows in the order of drawing; those of colours[i] lie from starts[i] to starts[i + 1].
export function inOrder(side, colouring) {
  const colours = colouring.kind === "codes" ? colouring.colours : [colouring.missing, ...steps(colouring.ramp)];
  const colourOf = new Uint16Array(side.n);
  if (colouring.kind === "codes") {
    colourOf.set(side.codes[colouring.name]);
  } else {
    const values = side.values[colouring.name];
    for (let row = 0; row < side.n; row++) colourOf[row] = stepOf(values[row], colouring);
  }
  const starts = new Int32Array(colours.length + 1);
  for (const colour of colourOf) starts[colour + 1]++;
  for (let i = 0; i < colours.length; i++) starts[i + 1] += starts[i];
  const rows = new Int32Array(side.n);
  const filled = starts.slice();
  for (let row = 0; row < side.n; row++) rows[filled[colourOf[row]]++] = row;
  return { colours, rows, starts };
}

function stepOf(value, { low, high, log }) {
  if (Number.isNaN(value)) return 0;
  const level = log ? Math.log(Math.max(value, low) / low) / Math.log(high / low) : (value - low) / (high - low);
  return 1 + Math.min(STEPS - 1, Math.max(0, Math.floor(level * STEPS)));
}

function steps(stops) {
  const anchors = stops.map((text) => [1, 3, 5].map((i) => parseInt(text.slice(i, i + 2), 16)));
  return Array.from({ length: STEPS }, (_, step) => {
    const place = (step / (STEPS - 1)) * (anchors.length - 1);
    const low = Math.min(Math.floor(place), anchors.length - 2);
    const rgb = anchors[low].map((channel, i) => Math.round(channel + (anchors[low + 1][i] - channel) * (place - low)));
    return "#" + rgb.map((channel) => channel.toString(16).padStart(2, "0")).join("");
  });
}
