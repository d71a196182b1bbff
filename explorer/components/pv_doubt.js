// Residues that a predicted model places with little confidence, drawn so that they look it: a thin rod where pLDDT is 50
// to 70, beads on a thread below 50. Their colours stay those of activation. `doubt` is a number a residue, in order of
// appearance: 0 sure, 1 low, 2 very low; it is empty for an experiment.

import { element } from "./pv_theme.js";

const ROD = [0, 0.2, 0.07]; // radius in angstrom, by doubt
const BALL = [0, 0.9, 0.42];
const ALONE = 0.5;
const MEANING = [
  ["psv-rod", "thin: low confidence (pLDDT 50 to 70)"],
  ["psv-beads", "beads: very low (below 50), its place is a guess"],
];

const follows = (residues, i) => i >= 0 && i + 1 < residues.length && residues[i + 1].resi === residues[i].resi + 1;

// Bonds between consecutive C-alphas where either is in doubt: files have none of them, and rods follow bonds.
export function joinDoubtful(residues, doubt) {
  residues.forEach(({ alpha }, i) => {
    if (!follows(residues, i) || !(doubt[i] || doubt[i + 1])) return;
    const next = residues[i + 1].alpha;
    for (const [one, other] of [[alpha, next], [next, alpha]]) {
      one.bonds.push(other.index);
      one.bondOrder.push(1);
    }
  });
}

// How the C-alpha of residue i is drawn; null where its own style stands. A sure residue beside one in doubt holds the
// end of the rod, and one without a sure neighbour is too short for a ribbon.
export function doubtfulStyle(residues, doubt, i, shape) {
  const own = doubt[i] ?? 0;
  const before = follows(residues, i - 1) ? doubt[i - 1] : null;
  const after = follows(residues, i) ? doubt[i + 1] : null;
  if (!own && !before && !after) return null;
  const style = { stick: { radius: ROD[Math.max(own, after) || before] } };
  if (own === 2 || (own === 1 && shape.sphere)) style.sphere = { radius: BALL[own] };
  if (own) return style;
  const isAlone = before !== 0 && after !== 0 && !shape.sphere;
  return { ...shape, ...style, ...(isAlone ? { sphere: { radius: ALONE } } : {}) };
}

// Over the style of the whole chain; `colour` is that of an atom.
export function paintDoubtful(viewer, residues, doubt, shape, colour) {
  if (!doubt.some(Boolean)) return;
  residues.forEach(({ resi, alpha }, i) => {
    const style = doubtfulStyle(residues, doubt, i, shape);
    if (!style) return;
    for (const part of Object.values(style)) part.colorfunc = colour;
    if (doubt[i]) viewer.setStyle({ chain: "A", resi }, {});
    viewer.setStyle({ index: alpha.index }, style);
  });
}

// What the drawing means, for the structures that have it.
export function sayDoubt(node, doubt) {
  node.replaceChildren();
  for (const [tier, [sample, text]] of MEANING.entries()) {
    if (!doubt.includes(tier + 1)) continue;
    const item = element("span", "psv-doubt", node);
    element("span", "psv-sample " + sample, item);
    element("span", "", item).textContent = text;
  }
}
