// Pointer and keyboard on the strips and on the overview.

const DRAG_THRESHOLD = 4;

// Hover, click and brush on anything that can tell a residue from a pointer event.
export function listenToPointer(target, events, positionOf) {
  let pressed = null;
  target.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    pressed = { x: event.clientX, y: event.clientY, position: positionOf(event), dragged: false };
    target.setPointerCapture(event.pointerId);
  });
  target.addEventListener("pointermove", (event) => {
    const position = positionOf(event);
    events.hover(position, event);
    if (!pressed) return;
    if (Math.hypot(event.clientX - pressed.x, event.clientY - pressed.y) > DRAG_THRESHOLD) pressed.dragged = true;
    if (pressed.dragged) events.brushing(...ordered(pressed.position, position));
  });
  target.addEventListener("pointerup", (event) => {
    if (!pressed) return;
    if (pressed.dragged) events.brushed(...ordered(pressed.position, positionOf(event)));
    else events.pick(pressed.position);
    pressed = null;
  });
  target.addEventListener("pointercancel", () => { pressed = null; });
  target.addEventListener("pointerleave", () => { if (!pressed) events.hover(null); });
}

export function listenToStage(strips) {
  const { stage, events } = strips;
  listenToPointer(stage, events, (event) => strips.positionAt(event.clientX - stage.getBoundingClientRect().left));
  stage.addEventListener("dblclick", () => events.clear());
  stage.addEventListener("wheel", (event) => {
    const sideways = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
    if (event.ctrlKey || event.metaKey) {
      strips.zoomBy(Math.exp(event.deltaY * 0.004), event.clientX - stage.getBoundingClientRect().left);
    } else if (sideways && strips.span < strips.n) {
      strips.moveTo(strips.first + sideways / strips.perResidue);
      strips.draw();
    } else return;
    event.preventDefault();
  }, { passive: false });
  let grown = false; // a range grows with each arrow and is done when Shift is let go
  const done = () => {
    if (grown) events.brushed(...events.state().range);
    grown = false;
  };
  stage.addEventListener("keydown", (event) => { grown = onKey(strips, event) || grown; });
  stage.addEventListener("keyup", (event) => { if (event.key === "Shift") done(); });
  stage.addEventListener("blur", () => { done(); events.hover(null); });
}

// Whether the key made a range grow.
function onKey(strips, event) {
  const { events } = strips;
  const { hover, pinned, range } = events.state();
  const current = hover ?? pinned ?? Math.floor(strips.first) + 1;
  const stride = event.ctrlKey || event.metaKey ? 10 : 1;
  const target = {
    ArrowLeft: current - stride, ArrowRight: current + stride, PageUp: current - 50, PageDown: current + 50,
    Home: 1, End: strips.n,
  }[event.key];
  if (target !== undefined) {
    const next = Math.max(1, Math.min(strips.n, target));
    strips.reveal(next);
    events.hover(next);
    if (event.shiftKey) {
      const anchor = range ? (current === range[0] ? range[1] : range[0]) : current;
      events.brushing(...ordered(anchor, next));
    }
  } else if (event.key === "Enter" || event.key === " ") events.pick(current);
  else if (event.key === "Escape") events.clear();
  else if (event.key === "+" || event.key === "=") strips.zoomBy(0.6, strips.x(current));
  else if (event.key === "-") strips.zoomBy(1 / 0.6, strips.x(current));
  else return false;
  event.preventDefault();
  event.stopPropagation(); // the page listens for the same arrows
  return target !== undefined && event.shiftKey;
}

export function listenToOverview(strips) {
  const bar = strips.overview;
  let grip = null;
  const residueAt = (event) => ((event.clientX - bar.getBoundingClientRect().left) / strips.width) * strips.n;
  bar.addEventListener("pointerdown", (event) => {
    const place = residueAt(event);
    const inside = place >= strips.first && place <= strips.first + strips.span && strips.span < strips.n;
    grip = { from: place, offset: inside ? place - strips.first : strips.span / 2, whole: strips.span >= strips.n };
    if (!grip.whole) {
      strips.moveTo(place - grip.offset);
      strips.draw();
    }
    bar.setPointerCapture(event.pointerId);
  });
  bar.addEventListener("pointermove", (event) => {
    if (!grip) return;
    const place = residueAt(event);
    if (grip.whole) {
      grip.to = place; // with the whole chain in view, a drag here chooses the window
      return;
    }
    strips.moveTo(place - grip.offset);
    strips.draw();
  });
  bar.addEventListener("pointerup", () => {
    if (grip?.whole && grip.to !== undefined) {
      const [from, to] = ordered(grip.from, grip.to);
      if (to - from > 4) strips.show(Math.max(1, Math.ceil(from)), Math.min(strips.n, Math.floor(to)));
    }
    grip = null;
  });
  bar.addEventListener("dblclick", () => strips.showAll());
}

function ordered(a, b) {
  return a <= b ? [a, b] : [b, a];
}
