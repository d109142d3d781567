// Text with the Bot API's entities as DOM nodes. Offsets are UTF-16 units, as JavaScript counts.

const PLAIN = {
  bold: "b", italic: "i", underline: "u", strikethrough: "s", code: "code", pre: "pre",
  blockquote: "blockquote", expandable_blockquote: "blockquote",
};

function wrapper(entity, text, send) {
  const inner = text.slice(entity.offset, entity.offset + entity.length);
  if (PLAIN[entity.type]) return document.createElement(PLAIN[entity.type]);
  const link = document.createElement("a");
  switch (entity.type) {
    case "spoiler": {
      const span = document.createElement("span");
      span.className = "spoiler";
      span.onclick = () => span.classList.toggle("open");
      return span;
    }
    case "bot_command":
      link.href = "#";
      link.onclick = (event) => { event.preventDefault(); send(inner); };
      return link;
    case "text_link": case "url": {
      const address = entity.url || inner;
      if (!/^https?:\/\//i.test(address)) return document.createElement("span");
      link.href = address;
      link.target = "_blank";
      link.rel = "noopener noreferrer";
      return link;
    }
    default: return document.createElement("span");
  }
}

function fill(node, text, entities, from, to, send) {
  let at = from;
  for (let i = 0; i < entities.length; i++) {
    const entity = entities[i];
    if (entity.offset < at || entity.offset >= to) continue;
    const end = Math.min(entity.offset + entity.length, to);
    const inside = wrapper(entity, text, send);
    // A block has its own line: the breaks around it are drawn by it.
    const block = inside.matches("blockquote, pre");
    const before = text.slice(at, entity.offset);
    node.append(block ? before.replace(/\n$/, "") : before);
    fill(inside, text, entities.slice(i + 1), entity.offset, end, send);
    node.append(inside);
    at = block && text[end] === "\n" ? end + 1 : end;
  }
  node.append(text.slice(at, to));
}

export function formatted(text, entities, send) {
  const node = document.createElement("div");
  node.className = "body";
  const sorted = [...(entities || [])].sort((a, b) => a.offset - b.offset || b.length - a.length);
  fill(node, text, sorted, 0, text.length, send);
  return node;
}
