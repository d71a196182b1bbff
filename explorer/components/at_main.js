// The map page's canvas parts: features that come once, histograms to brush, maps. What is pointed at goes from map to
// map in the browser; Python hears of what is brushed, drawn around and opened.

import { Brushes } from "./at_brush.js";
import { FeatureMap } from "./at_map.js";
import { keepAtlas } from "./at_store.js";

const PARTS = { brushes: Brushes, map: FeatureMap };
const DRAWN = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  if (data.part === "features") {
    keepAtlas(data);
    return;
  }
  let part = DRAWN.get(parentElement);
  if (!part) {
    part = new PARTS[data.part](parentElement);
    DRAWN.set(parentElement, part);
  }
  part.update(data, setTriggerValue);
  return () => {
    part.leave();
    part.root.remove();
    DRAWN.delete(parentElement);
  };
}
