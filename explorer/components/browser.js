// What the server cannot do to the browser's address and scroll by itself. Each order bears a token, so that a rerun
// that repeats it does nothing: `search` completes the address without a step of the history, `follow` clicks a link
// that was just drawn, `land` brings what an opened link changed into view, `centre` scrolls a box to one of its columns.
// `mode` bears none: it has the page run again once its theme is another.

const DONE = (window.__protsaeOrders ??= new Set());
const WATCHED = new WeakMap();
const PATIENCE_MS = 15_000;
const SETTLING_MS = 1_500;
const BY_HAND = ["wheel", "touchstart", "pointerdown", "keydown"];

export default function ({ data, parentElement, setTriggerValue }) {
  if (data?.mode) return watchTheme(parentElement, data.mode, setTriggerValue);
  if (!data?.token || DONE.has(data.token)) return;
  DONE.add(data.token);
  if (data.search) complete(data.page, data.search);
  if (data.follow) whenThere(data.follow, (link) => link.click());
  if (data.land) whenThere(data.land, (place) => hold(place, () => place.scrollIntoView()));
  if (data.centre) whenThere(data.centre, (column) => hold(column, () => centre(column)), overflows);
}

// Tell once that the theme is another one than the server drew for; Streamlit puts a theme into the app's classes.
function watchTheme(parent, drawn, tell) {
  const known = WATCHED.get(parent);
  if (known) {
    Object.assign(known, { drawn, tell });
    return known.stop;
  }
  const watch = { drawn, tell };
  const app = document.querySelector("[data-testid=stApp]");
  const look = () => {
    const now = isDark(getComputedStyle(app).backgroundColor) ? "dark" : "light";
    if (now === watch.drawn) return;
    watch.drawn = now;
    watch.tell("turned", now);
  };
  const observer = new MutationObserver(() => requestAnimationFrame(look));
  observer.observe(app, { attributes: true, attributeFilter: ["class"] });
  watch.stop = () => {
    observer.disconnect();
    WATCHED.delete(parent);
  };
  WATCHED.set(parent, watch);
  return watch.stop;
}

function isDark(colour) {
  const [red, green, blue] = colour.match(/[\d.]+/g).map(Number);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue < 127.5;
}

// Only where the address still is the one that lacked it.
function complete(page, search) {
  const here = window.location;
  if (here.pathname.split("/").pop() === page && !here.search) {
    window.history.replaceState(window.history.state, "", `${here.pathname}?${search}`);
  }
}

function whenThere(selector, then, ready = () => true) {
  const until = performance.now() + PATIENCE_MS;
  const look = () => {
    const found = document.querySelector(selector);
    if (found && ready(found)) then(found);
    else if (performance.now() < until) requestAnimationFrame(look);
  };
  look();
}

function overflows(column) {
  const box = column.closest("[data-scrolls]");
  return box.scrollWidth > box.clientWidth;
}

// Names that stay at the left of the box cover a part of it.
function centre(column) {
  const box = column.closest("[data-scrolls]");
  const names = box.querySelector(".who")?.offsetWidth ?? 0;
  const inside = column.getBoundingClientRect().left - box.getBoundingClientRect().left + box.scrollLeft;
  box.scrollLeft = inside - names - (box.clientWidth - names) / 2;
}

// What is still being drawn above it would push it away again, until the reader takes over.
function hold(target, act) {
  const until = performance.now() + SETTLING_MS;
  let taken = false;
  const take = () => { taken = true; };
  for (const event of BY_HAND) window.addEventListener(event, take, { capture: true, passive: true });
  const keep = () => {
    if (!taken && target.isConnected && performance.now() < until) {
      act();
      requestAnimationFrame(keep);
      return;
    }
    for (const event of BY_HAND) window.removeEventListener(event, take, { capture: true });
  };
  keep();
}
