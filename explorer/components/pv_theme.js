// Colours of the protein viewer: those of protsae/palette.py, which come with the data, and the page's own theme.
//
// One ramp for strips and structures: neutral at zero, deep violet (light theme) or bright violet (dark theme) at the
// row's full scale. Values are linear in the ramp; nothing is stretched per protein.

export const RAMP_STEPS = 256;

function parseColour(text) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.fillStyle = text;
  pen.fillRect(0, 0, 1, 1);
  return Array.from(pen.getImageData(0, 0, 1, 1).data.slice(0, 3));
}

function luminance([red, green, blue]) {
  return (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255;
}

function buildRamp(stops) {
  const anchors = stops.map(parseColour);
  return Array.from({ length: RAMP_STEPS }, (_, step) => {
    const place = (step / (RAMP_STEPS - 1)) * (anchors.length - 1);
    const low = Math.min(Math.floor(place), anchors.length - 2);
    return anchors[low].map((channel, i) => Math.round(channel + (anchors[low + 1][i] - channel) * (place - low)));
  });
}

function toHex(rgb) {
  return "#" + rgb.map((channel) => channel.toString(16).padStart(2, "0")).join("");
}

export function readTheme(element, palette) {
  const style = getComputedStyle(element);
  const read = (name, fallback) => style.getPropertyValue(name).trim() || fallback;
  const background = read("--st-background-color", palette.light.background);
  const dark = luminance(parseColour(background)) < 0.5;
  const own = dark ? palette.dark : palette.light;
  const ramp = buildRamp(own.ramp);
  return {
    ...own,
    background,
    text: read("--st-text-color", own.text),
    zero: toHex(ramp[0]),
    font: read("--st-font", "sans-serif"),
    mono: read("--st-code-font", "monospace"),
    ramp: ramp.map(toHex),
    solidRamp: buildRamp(own.solidRamp).map(toHex),
    inkOn: ramp.map((rgb) => (luminance(rgb) > palette.paleFrom ? own.inkOnPale : own.inkOnDeep)),
    elements: palette.elements,
  };
}

export function rampStep(value, scale) {
  if (!(scale > 0) || !(value > 0)) return 0;
  return Math.min(RAMP_STEPS - 1, Math.round((value / scale) * (RAMP_STEPS - 1)));
}

export function hatch(pen, theme) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 6;
  const ink = tile.getContext("2d");
  ink.strokeStyle = theme.missing;
  ink.lineWidth = 1.1;
  for (const offset of [-6, 0, 6]) {
    ink.beginPath();
    ink.moveTo(offset, 6);
    ink.lineTo(offset + 6, 0);
    ink.stroke();
  }
  return pen.createPattern(tile, "repeat");
}

// A canvas sized in CSS pixels, sharp on any screen.
export function fitCanvas(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.width = width + "px";
    canvas.style.height = height + "px";
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  return pen;
}

export function element(tag, className, parent, attributes = {}) {
  const node = document.createElement(tag);
  node.className = className;
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  parent?.appendChild(node);
  return node;
}
