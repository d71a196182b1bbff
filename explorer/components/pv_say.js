// A sentence over a 3D panel, or a button where there is something to do; nothing hides it.

import { element } from "./pv_theme.js";

export function sayOver(note, text, action) {
  note.replaceChildren();
  note.hidden = !text;
  if (!text) return;
  const node = element(action ? "button" : "span", action ? "psv-button psv-wake" : "", note);
  node.textContent = text;
  if (action) node.onclick = action;
}
