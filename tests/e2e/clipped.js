// Texts that something cuts off: an element with hidden overflow, or one that scrolls sideways without saying so.
// A name that ends in dots may, where a title or a label tells all of it; a table may scroll where it takes the focus.
() => {
  const hides = (style) => style.display === "none" || style.visibility === "hidden" || style.opacity === "0";
  const ancestors = (element) => {
    const found = [];
    for (let node = element; node; node = node.parentElement) found.push(node);
    return found;
  };
  const isShown = (path) => path.every((node) => {
    const box = node.getBoundingClientRect();
    const onlyForReaders = box.width <= 1 && box.height <= 1 && getComputedStyle(node).overflow === "hidden";
    return !hides(getComputedStyle(node)) && !onlyForReaders;
  });
  const CUTS = ["hidden", "clip", "auto", "scroll"];
  const cut = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = texts.nextNode(); text; text = texts.nextNode()) {
    const words = text.textContent.trim();
    const element = text.parentElement;
    if (!words || element.closest("style, script, noscript, canvas")) continue;
    const path = ancestors(element);
    if (!isShown(path) || path.some((node) => node.dataset.testid === "stSidebar" && node.getBoundingClientRect().right <= 0)) continue;
    const range = document.createRange();
    range.selectNodeContents(text);
    const place = range.getBoundingClientRect();
    let isTold = false;
    for (const node of path) {
      isTold ||= Boolean(node.title || node.getAttribute("aria-label"));
      const style = getComputedStyle(node);
      const box = node.getBoundingClientRect();
      const sideways = CUTS.includes(style.overflowX) && (place.right > box.right + 1.5 || place.left < box.left - 1.5);
      const below = ["hidden", "clip"].includes(style.overflowY) && place.bottom > box.bottom + 3;
      if (node.tabIndex === 0 && style.overflowX === "auto") break;
      if ((sideways || below) && !isTold) {
        cut.push(`“${words.slice(0, 50)}” in ${node.tagName.toLowerCase()}.${String(node.className?.baseVal ?? node.className).slice(0, 60)}`);
        break;
      }
    }
  }
  return cut;
}
