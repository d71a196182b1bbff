// Save a figure of the page as SVG or PNG at the widths that journals ask for. The figure is laid out anew at that
// width first, so that its letters come out at about 7 points in each.

import { traced } from "./fig_trace.js";

const PX_PER_MM = 96 / 25.4;
const LAYOUT = 1.39; // 13 px, the page's small letters, become 7 points
const DPI = 300;
const STILL_MS = 120;
const MOST_WAITS = 25;
const NOTE_PX = 11;
const FAMILY = "Helvetica, Arial, sans-serif";

export default function ({ data, parentElement }) {
  let root = parentElement.querySelector(".ps-save");
  if (!root) {
    root = document.createElement("details");
    root.className = "ps-save";
    root.dataset.notSaved = "";
    parentElement.append(root);
  }
  root.saving = data;
  if (root.childElementCount) return;
  const summary = document.createElement("summary");
  summary.textContent = "Save figure";
  const status = document.createElement("span");
  status.setAttribute("role", "status");
  root.append(summary, ...["SVG", "PNG"].map((kind) => row(root, kind, data.widths, status)), status);
}

function row(root, kind, widths, status) {
  const line = document.createElement("div");
  const label = document.createElement("span");
  label.textContent = kind === "SVG" ? "SVG" : `PNG, ${DPI} dpi`;
  line.append(label);
  for (const width of widths) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = `${width} mm`;
    button.setAttribute("aria-label", `Save as ${kind}, ${width} mm wide`);
    button.addEventListener("click", () => save(root.saving, kind, width, status));
    line.append(button);
  }
  return line;
}

async function save(data, kind, width, status) {
  const target = document.querySelector(data.target);
  if (!target) {
    status.textContent = "The figure is not on the page any more.";
    return;
  }
  status.textContent = "Drawing …";
  const before = target.getAttribute("style");
  target.dataset.saving = ""; // what is of no use on paper may go without leaving a gap
  Object.assign(target.style, {
    width: `${width * PX_PER_MM * LAYOUT}px`, maxWidth: "none", minWidth: "0", flex: "none",
  });
  try {
    await settled(target);
    const text = figureText(target, data, width);
    const blob = kind === "SVG" ? new Blob([text], { type: "image/svg+xml" }) : await rastered(text, width);
    const name = `${data.name}_${width}mm.${kind.toLowerCase()}`;
    download(blob, name);
    status.textContent = `Saved ${name}`;
  } catch (error) {
    status.textContent = `The browser could not draw it (${error.message}); try the other format.`;
  } finally {
    delete target.dataset.saving;
    if (before === null) target.removeAttribute("style");
    else target.setAttribute("style", before);
  }
}

// Charts follow a new width a moment later.
async function settled(target) {
  let last = "";
  for (let wait = 0; wait < MOST_WAITS; wait++) {
    await new Promise((done) => setTimeout(done, STILL_MS));
    const sizes = [target, ...target.querySelectorAll("svg, canvas")].map((part) => {
      const { width, height } = part.getBoundingClientRect();
      return `${Math.round(width)}x${Math.round(height)}`;
    });
    const now = sizes.join();
    if (now === last && wait > 2) return;
    last = now;
  }
}

function figureText(target, { title, note, facts }, width) {
  const { drawing, width: across, height } = traced(target);
  const lines = broken(note, across);
  const full = height + 8 + lines.length * (NOTE_PX + 3);
  const escape = (text) => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
  const paper = getComputedStyle(document.querySelector(".stApp")).backgroundColor;
  const ink = getComputedStyle(target).color;
  const noted = lines.map((line, at) =>
    `<text x="0" y="${height + 8 + (at + 0.8) * (NOTE_PX + 3)}" font-family="${FAMILY}" font-size="${NOTE_PX}" ` +
    `fill="${ink}" fill-opacity="0.75">${escape(line)}</text>`);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}mm" height="${(width * full / across).toFixed(2)}mm" ` +
      `viewBox="0 0 ${across} ${full}">`,
    `<title>${escape(title)}</title><desc>${escape(note)}</desc>`,
    `<metadata>${escape(JSON.stringify(facts))}</metadata>`,
    `<rect width="100%" height="100%" fill="${paper}"/>`,
    new XMLSerializer().serializeToString(drawing),
    ...noted,
    "</svg>",
  ].join("\n");
}

function broken(text, across) {
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = `${NOTE_PX}px ${FAMILY}`;
  const lines = [""];
  for (const word of text.split(" ")) {
    const longer = lines.at(-1) ? `${lines.at(-1)} ${word}` : word;
    if (pen.measureText(longer).width <= across || !lines.at(-1)) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

async function rastered(text, width) {
  const picture = new Image();
  picture.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  await picture.decode();
  const canvas = document.createElement("canvas");
  canvas.width = Math.round((width / 25.4) * DPI);
  canvas.height = Math.round((canvas.width * picture.naturalHeight) / picture.naturalWidth);
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  const plain = await new Promise((done) => canvas.toBlob(done, "image/png"));
  if (!plain) throw new Error("the picture is too large");
  return new Blob([withResolution(new Uint8Array(await plain.arrayBuffer()))], { type: "image/png" });
}

// The chunk pHYs behind the header: pixels a metre, so that a word processor places it at its true width.
function withResolution(bytes) {
  const chunk = new Uint8Array(21);
  const view = new DataView(chunk.buffer);
  const perMetre = Math.round(DPI / 0.0254);
  view.setUint32(0, 9);
  chunk.set([112, 72, 89, 115], 4);
  view.setUint32(8, perMetre);
  view.setUint32(12, perMetre);
  chunk[16] = 1;
  view.setUint32(17, checksum(chunk.subarray(4, 17)));
  const header = 33;
  const whole = new Uint8Array(bytes.length + chunk.length);
  whole.set(bytes.subarray(0, header));
  whole.set(chunk, header);
  whole.set(bytes.subarray(header), header + chunk.length);
  return whole;
}

function checksum(bytes) {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  }
  return (sum ^ 0xffffffff) >>> 0;
}

function download(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
