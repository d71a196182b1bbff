// 3Dmol's viewers: loaded once, few, and used again. A viewer keeps its compiled shaders, and it never takes its
// listeners off the page; so one that a page has done with waits for the next page instead of being made anew. Each
// draws once a frame at most, however often it is told to, and only near the screen.

import { element } from "./pv_theme.js";

export const MOST_VIEWERS = 6; // browsers drop the oldest WebGL context at sixteen a page
export const AWAKE = (window.__protsaeViewersAwake ??= []);
export const NO_WEBGL = "This browser offers no WebGL, so there is no 3D view; the strip holds the same values.";
const RESTING = (window.__protsaeViewersResting ??= []);
const NEAR_PX = 400;
const AS_MADE = [0, 0, 0, 0, 0, 0, 0, 1];

export function load3Dmol(address) {
  window.__protsae3Dmol ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = address;
    script.onload = () => (window.$3Dmol ? resolve(window.$3Dmol) : reject(new Error("no 3Dmol in " + address)));
    script.onerror = () => reject(new Error("not found: " + address));
    document.head.appendChild(script);
  });
  return window.__protsae3Dmol;
}

// A canvas that gives no context: WebGL is off, or the machine has no graphics that the browser trusts.
export function offersWebGL() {
  if (window.__protsaeWebGL === undefined) {
    const context = document.createElement("canvas").getContext("webgl2") ?? document.createElement("canvas").getContext("webgl");
    window.__protsaeWebGL = Boolean(context);
    context?.getExtension("WEBGL_lose_context")?.loseContext();
  }
  return window.__protsaeWebGL;
}

// Once the box is on the screen or nearly so; never where it is gone before.
export function nearTheScreen(box) {
  return new Promise((resolve) => {
    const watcher = new IntersectionObserver((seen) => {
      if (!seen.some((one) => one.isIntersecting)) return;
      watcher.disconnect();
      resolve();
    }, { rootMargin: `${NEAR_PX}px` });
    watcher.observe(box);
  });
}

// A viewer in the box, empty and as if new; undefined where 3Dmol offers none.
export function takeViewer(library, box, { background, fog }) {
  const rested = RESTING.pop();
  const viewer = rested ?? made(library, box, background);
  if (!viewer) return undefined;
  viewer.config.disableFog = !fog;
  delete viewer.container.dataset.drawn;
  if (rested) {
    box.append(viewer.container);
    fit(viewer);
  }
  return viewer;
}

// One that still moves would go on moving what it is given next.
export function giveBack(viewer) {
  viewer.spin(false);
  viewer.clear();
  viewer.setView(AS_MADE);
  viewer.current_hover = null;
  viewer.container.remove();
  if (!viewer.isAnimated() && RESTING.length < MOST_VIEWERS) RESTING.push(viewer);
}

function made(library, box, background) {
  const host = element("div", "psv-host", box);
  const viewer = library.createViewer(host, {
    backgroundColor: background, backgroundAlpha: 0, antialias: true, hoverDuration: 40,
  });
  if (!viewer) return undefined;
  drawOnceAFrame(viewer, host);
  // 3Dmol's own would draw anew whenever they are called, whether anything is another or not
  viewer.divwatcher.disconnect();
  viewer.intwatcher.disconnect();
  new ResizeObserver(() => fit(viewer)).observe(host);
  return viewer;
}

function drawOnceAFrame(viewer, host) {
  const draw = viewer.show.bind(viewer);
  let frame = 0, near = false, waits = false;
  viewer.drawNow = () => {
    cancelAnimationFrame(frame);
    frame = 0;
    waits = false;
    if (viewer.renderer.isLost()) viewer.resize();
    draw();
    host.dataset.drawn = "";
  };
  viewer.show = () => {
    waits = true;
    if (near) frame ||= requestAnimationFrame(() => {
      frame = 0;
      if (host.isConnected) viewer.drawNow();
    });
  };
  new IntersectionObserver((seen) => {
    near = seen.at(-1).isIntersecting;
    if (near && waits) viewer.show();
  }, { rootMargin: `${NEAR_PX}px` }).observe(host);
}

function fit(viewer) {
  const { offsetWidth, offsetHeight } = viewer.container;
  if (offsetWidth && (offsetWidth !== viewer.WIDTH || offsetHeight !== viewer.HEIGHT)) viewer.resize();
}
