// What every 3D panel does beside drawing: say something in its place, and give its WebGL context back.

import { element } from "./pv_theme.js";

// A sentence over the panel, or a button where there is something to do; nothing hides it.
export function sayOver(note, text, action) {
  note.replaceChildren();
  note.hidden = !text;
  if (!text) return;
  const node = element(action ? "button" : "span", action ? "psv-button psv-wake" : "", note);
  node.textContent = text;
  if (action) node.onclick = action;
}

// Browsers hold few contexts at a time, and drop the oldest where a page asks for more.
export function releaseContext(viewer, box) {
  const canvas = box.querySelector("canvas");
  viewer.clear();
  canvas?.getContext("webgl2")?.getExtension("WEBGL_lose_context")?.loseContext();
  box.querySelectorAll("canvas").forEach((node) => node.remove());
}
