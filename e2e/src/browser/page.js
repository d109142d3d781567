// What a test sees of the page: elements by a selector and words, also in the provider's page over the chat.
(() => {
  const documents = () => {
    const frames = [...document.querySelectorAll("iframe")].map((frame) => ({ root: frame.contentDocument, frame }));
    return [...frames.filter(({ root }) => root), { root: document, frame: null }];
  };
  const says = (node, words) => `${node.textContent} ${node.ariaLabel || ""}`.replace(/\s+/g, " ").includes(words);
  const seen = (node) => node.getClientRects().length > 0 && getComputedStyle(node).visibility !== "hidden";
  const all = (selector, words = "") => documents().flatMap(({ root, frame }) =>
    [...root.querySelectorAll(selector)].filter((node) => seen(node) && says(node, words)).map((node) => ({ node, root, frame })));
  const place = ({ node, frame }) => {
    const box = node.getBoundingClientRect();
    const off = frame ? frame.getBoundingClientRect() : { x: 0, y: 0 };
    return { x: off.x + box.x + box.width / 2, y: off.y + box.y + box.height / 2, inner: { x: box.x + box.width / 2, y: box.y + box.height / 2 } };
  };
  // What is aimed at, and whether the click came there: a page that moves in between is clicked once more.
  let aim = null;
  let hit = false;
  const heard = new WeakSet();
  const hear = (root) => {
    if (heard.has(root)) return;
    heard.add(root);
    // One click may cause another, as on a field for files.
    root.addEventListener("click", (event) => { hit ||= Boolean(aim?.contains(event.target)); }, true);
  };
  globalThis.eyes = {
    hit: () => hit,
    count: (selector, words) => all(selector, words).length,
    texts: (selector) => all(selector).map(({ node }) => node.innerText),
    /** Where the last such element can be clicked; null while it moves or something lies over it. */
    async spot(selector, words) {
      const found = all(selector, words).at(-1);
      if (!found || !eyes.still()) return null;
      found.node.scrollIntoView({ block: "center", behavior: "instant" });
      const before = place(found);
      await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
      const now = place(found);
      if (Math.abs(now.x - before.x) + Math.abs(now.y - before.y) > 0.5 || found.node.disabled) return null;
      if (!found.node.contains(found.root.elementFromPoint(now.inner.x, now.inner.y))) return null;
      hear(found.root);
      aim = found.node;
      hit = false;
      return { x: now.x, y: now.y };
    },
    /** What sticks out of the window to the right. */
    overflow: () => document.documentElement.scrollWidth - innerWidth,
    /** Nothing moves but what moves for ever. */
    still: () => document.getAnimations().every((one) => one.effect.getTiming().iterations === Infinity),
    /** Pictures that are there and drawn. */
    drawn: (selector) => all(selector).filter(({ node }) => node.complete && node.naturalWidth > 0).length,
  };
})();
