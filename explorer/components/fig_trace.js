// What stands in a part of the page, traced as SVG: text stays text, shapes stay shapes, canvases and pictures are
// embedded. Nothing but plain SVG 1.1 is written, so that editors for figures open it; scripts, controls and what is
// hidden stay out.

const SVG_SPACE = "http://www.w3.org/2000/svg";
const LEFT_OUT = "button, input, select, textarea, script, style, .modebar-container, .ps-help, .psv-hint, [data-not-saved]";
const PAINTED = [
  "fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray", "stroke-linecap",
  "opacity", "font-family", "font-size", "font-weight", "font-style", "text-anchor", "dominant-baseline",
  "letter-spacing", "visibility", "display",
];
const COLOURED = new Set(["fill", "stroke"]);

let brush;

// Any CSS colour as [#rrggbb, opacity]: the browser itself is asked, for it may compute `oklch(...)` or `color(...)`.
function colourOf(text) {
  brush ??= Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", {
    willReadFrequently: true,
  });
  brush.clearRect(0, 0, 1, 1);
  brush.fillStyle = text;
  brush.fillRect(0, 0, 1, 1);
  const [red, green, blue, alpha] = brush.getImageData(0, 0, 1, 1).data;
  return ["#" + [red, green, blue].map((channel) => channel.toString(16).padStart(2, "0")).join(""), alpha / 255];
}

function shape(name, attributes) {
  const made = document.createElementNS(SVG_SPACE, name);
  for (const [key, value] of Object.entries(attributes)) {
    made.setAttribute(key, typeof value === "number" ? String(Math.round(value * 100) / 100) : value);
  }
  return made;
}

function isShown(node, style) {
  return style.display !== "none" && style.visibility !== "hidden" && Number(style.opacity) > 0;
}

// The element's drawing, its upper left corner at 0, 0.
export function traced(root) {
  const frame = root.getBoundingClientRect();
  const drawing = shape("g", {});
  const kept = { left: frame.left, top: frame.top, definitions: shape("defs", {}), count: 0 };
  drawing.append(kept.definitions);
  trace(root, drawing, kept);
  return { drawing, width: frame.width, height: Math.max(frame.height, root.scrollHeight) };
}

function trace(node, into, kept) {
  if (node.matches(LEFT_OUT)) return;
  const style = getComputedStyle(node);
  if (!isShown(node, style)) return;
  const box = node.getBoundingClientRect();
  const place = { x: box.left - kept.left, y: box.top - kept.top, width: box.width, height: box.height };
  if (node instanceof SVGSVGElement) {
    into.append(copied(node, place));
    return;
  }
  if (node instanceof HTMLCanvasElement || node instanceof HTMLImageElement) {
    const href = pictured(node);
    if (href) into.append(shape("image", { ...place, href, preserveAspectRatio: "none" }));
    return;
  }
  paintBox(style, place, into, kept);
  const inner = style.overflow === "visible" || !place.width ? into : clipped(place, into, kept);
  for (const child of node.childNodes) {
    if (child.nodeType === Node.TEXT_NODE) write(child, style, inner, kept);
    else if (child.nodeType === Node.ELEMENT_NODE) trace(child, inner, kept);
  }
}

function clipped(place, into, kept) {
  const id = `saved-clip-${kept.count++}`;
  const clip = shape("clipPath", { id });
  clip.append(shape("rect", place));
  kept.definitions.append(clip);
  const group = shape("g", { "clip-path": `url(#${id})` });
  into.append(group);
  return group;
}

function paintBox(style, place, into, kept) {
  if (!place.width || !place.height) return;
  const radius = Math.min(parseFloat(style.borderTopLeftRadius) || 0, place.height / 2);
  const fills = [plainFill(style), patternFill(style, place, kept)];
  for (const fill of fills) if (fill) into.append(shape("rect", { ...place, rx: radius, ...fill }));
  for (const side of ["Top", "Right", "Bottom", "Left"]) {
    const width = parseFloat(style[`border${side}Width`]);
    const kind = style[`border${side}Style`];
    const [stroke, opacity] = colourOf(style[`border${side}Color`]);
    if (width > 0 && opacity > 0 && kind !== "none" && kind !== "hidden") {
      into.append(shape("line", {
        ...edge(side, place, width / 2), stroke, "stroke-opacity": opacity, "stroke-width": width,
        ...(kind === "solid" ? {} : { "stroke-dasharray": kind === "dotted" ? `${width} ${width}` : `${3 * width}` }),
      }));
    }
  }
}

function edge(side, { x, y, width, height }, inset) {
  if (side === "Top") return { x1: x, x2: x + width, y1: y + inset, y2: y + inset };
  if (side === "Bottom") return { x1: x, x2: x + width, y1: y + height - inset, y2: y + height - inset };
  const across = side === "Left" ? x + inset : x + width - inset;
  return { x1: across, x2: across, y1: y, y2: y + height };
}

function plainFill(style) {
  const [fill, opacity] = colourOf(style.backgroundColor);
  return opacity > 0 ? { fill, "fill-opacity": opacity } : null;
}

// Legends are gradients from left to right, missing values are hatched: the two patterns that the style sheet has.
function patternFill(style, place, kept) {
  const image = style.backgroundImage;
  const colours = image.match(/(?:rgba?|color|oklch|oklab|hsla?)\([^)]*\)/gi);
  if (!image.includes("gradient") || !colours) return null;
  const id = `saved-fill-${kept.count++}`;
  if (image.startsWith("repeating")) {
    const pattern = shape("pattern", {
      id, width: 4, height: 4, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)",
    });
    const [stroke, opacity] = colours.map(colourOf).find(([, alpha]) => alpha > 0) ?? ["none", 0];
    pattern.append(shape("line", { x1: 0, x2: 0, y1: 0, y2: 4, stroke, "stroke-opacity": opacity, "stroke-width": 3 }));
    kept.definitions.append(pattern);
  } else {
    const gradient = shape("linearGradient", { id });
    colours.forEach((text, at) => {
      const [colour, opacity] = colourOf(text);
      const offset = at / Math.max(colours.length - 1, 1);
      gradient.append(shape("stop", { offset, "stop-color": colour, "stop-opacity": opacity }));
    });
    kept.definitions.append(gradient);
  }
  return { fill: `url(#${id})` };
}

// Line by line, as the browser has broken it.
function write(node, style, into, kept) {
  if (!node.data.trim()) return;
  const range = document.createRange();
  let line = null;
  const lines = [];
  for (let at = 0; at < node.length; at++) {
    range.setStart(node, at);
    range.setEnd(node, at + 1);
    const box = range.getClientRects()[0];
    if (!box || !box.width) continue;
    if (line && Math.abs(line.top - box.top) < 2) {
      line.text += node.data[at];
      line.right = box.right;
    } else {
      line = { text: node.data[at], left: box.left, top: box.top, right: box.right };
      lines.push(line);
    }
  }
  const [fill, opacity] = colourOf(style.color);
  for (const { text, left, top, right } of lines) {
    if (!text.trim()) continue;
    const written = shape("text", {
      x: left - kept.left, y: top - kept.top + ascent(style), fill, "fill-opacity": opacity,
      "font-family": style.fontFamily.replaceAll('"', "'"), "font-size": style.fontSize,
      "font-weight": style.fontWeight, "font-style": style.fontStyle,
      textLength: right - left, lengthAdjust: "spacingAndGlyphs",
    });
    written.textContent = text;
    into.append(written);
  }
}

const ASCENTS = new Map();

function ascent(style) {
  const font = `${style.fontStyle} ${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
  if (!ASCENTS.has(font)) {
    const pen = document.createElement("canvas").getContext("2d");
    pen.font = font;
    ASCENTS.set(font, pen.measureText("Mg").fontBoundingBoxAscent);
  }
  return ASCENTS.get(font);
}

// A drawing that is SVG already, its style written into it.
function copied(drawn, place) {
  const copy = drawn.cloneNode(true);
  const originals = drawn.querySelectorAll("*");
  copy.querySelectorAll("*").forEach((part, at) => inline(originals[at], part));
  for (const part of copy.querySelectorAll(".modebar, .hoverlayer, title + title")) part.remove();
  const inner = drawn.viewBox.baseVal;
  copy.removeAttribute("class");
  copy.removeAttribute("style");
  const size = inner?.width ? inner : { x: 0, y: 0, ...place, width: place.width, height: place.height };
  copy.setAttribute("viewBox", inner?.width ? `${inner.x} ${inner.y} ${inner.width} ${inner.height}`
    : `0 0 ${size.width} ${size.height}`);
  for (const [key, value] of Object.entries(place)) copy.setAttribute(key, String(Math.round(value * 100) / 100));
  return copy;
}

function inline(original, copy) {
  const style = getComputedStyle(original);
  for (const name of PAINTED) {
    const value = style.getPropertyValue(name);
    if (!value) continue;
    if (COLOURED.has(name) && value !== "none" && !value.startsWith("url")) {
      const [colour, opacity] = colourOf(value);
      copy.setAttribute(name, colour);
      if (opacity < 1) copy.setAttribute(`${name}-opacity`, String(opacity * Number(style.getPropertyValue(`${name}-opacity`) || 1)));
    } else if (!name.endsWith("-opacity") || !copy.hasAttribute(name)) {
      copy.setAttribute(name, value.replaceAll('"', "'").replace(/url\('?[^)#]*#/g, "url(#"));
    }
  }
  for (const name of ["clip-path", "mask", "filter"]) {
    const value = copy.getAttribute(name);
    if (value?.includes("url")) copy.setAttribute(name, value.replace(/url\(["']?[^)#]*#([^"')]*)["']?\)/, "url(#$1)"));
  }
  copy.removeAttribute("style");
}

function pictured(picture) {
  try {
    if (picture instanceof HTMLCanvasElement) return picture.width ? picture.toDataURL("image/png") : "";
    if (picture.src.startsWith("data:")) return picture.src;
    const canvas = document.createElement("canvas");
    canvas.width = picture.naturalWidth;
    canvas.height = picture.naturalHeight;
    canvas.getContext("2d").drawImage(picture, 0, 0);
    return picture.naturalWidth ? canvas.toDataURL("image/png") : "";
  } catch {
    return "";
  }
}
