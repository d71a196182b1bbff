// Pointer and wheel on a map. The wheel alone scrolls the page; with Ctrl or Cmd, as a pinch sends it, it zooms.

const TOO_NEAR = 4;
const LEAST_DRAG = 4;

export function listenToMap(map) {
  const { stage } = map;
  let pressed = null;
  const place = (event) => {
    const box = stage.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  stage.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !map.side) return;
    pressed = { from: place(event), last: place(event), dragged: false };
    if (map.tool !== "move") map.drawing = [pressed.from, pressed.from];
    stage.setPointerCapture(event.pointerId);
  });
  stage.addEventListener("pointermove", (event) => {
    if (!map.side) return;
    const now = place(event);
    if (!pressed) {
      map.tapped = false;
      map.atlas.hover(map.data.side, map.rowAt(...now));
      return;
    }
    pressed.dragged ||= Math.hypot(now[0] - pressed.from[0], now[1] - pressed.from[1]) > LEAST_DRAG;
    if (!pressed.dragged) return;
    if (map.tool === "move") map.moveBy(now[0] - pressed.last[0], now[1] - pressed.last[1]);
    else draw(map, now);
    pressed.last = now;
  });
  stage.addEventListener("pointerup", (event) => {
    if (!pressed) return;
    const { dragged } = pressed;
    const outline = map.drawing;
    pressed = map.drawing = null;
    if (!dragged) pick(map, event, place(event));
    else if (outline && map.tool !== "move") map.marked(outline);
  });
  stage.addEventListener("pointercancel", () => {
    pressed = map.drawing = null;
    map.point();
  });
  stage.addEventListener("pointerleave", (event) => {
    if (!pressed && event.pointerType !== "touch") map.atlas?.hover(map.data.side, null);
  });
  stage.addEventListener("dblclick", (event) => map.side && map.rowAt(...place(event)) === null && map.zoomBy(2, place(event)));
  stage.addEventListener("wheel", (event) => {
    if (!map.side || !(event.ctrlKey || event.metaKey)) return;
    map.zoomBy(Math.exp(-event.deltaY * 0.004), place(event));
    event.preventDefault();
  }, { passive: false });
}

function draw(map, now) {
  const last = map.drawing[map.drawing.length - 1];
  if (map.tool === "box") map.drawing = [map.drawing[0], now];
  else if (Math.hypot(now[0] - last[0], now[1] - last[1]) > TOO_NEAR) map.drawing.push(now);
  map.point();
}

// A click opens a feature; a finger has nothing to hover with, so its first tap tells and the second one opens.
function pick(map, event, now) {
  const row = map.rowAt(...now);
  const { hovered } = map.atlas;
  const known = hovered?.side === map.data.side && hovered.row === row;
  if (row !== null && (event.pointerType !== "touch" || (known && map.tapped))) {
    map.open(row);
    return;
  }
  map.tapped = row !== null;
  map.atlas.hover(map.data.side, row);
  map.point();
}
