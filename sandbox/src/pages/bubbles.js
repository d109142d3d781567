// Messages as bubbles: texts, pictures, albums, documents, invoices, all that people send, buttons.
import { KINDS, avatar, button, clock, element, price, size, summary } from "./dom.js";
import { formatted } from "./format.js";
import { words } from "./words.js";

const mmss = (seconds) => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;

function picture(message, act) {
  const largest = message.photo.at(-1);
  const image = element("img");
  image.src = `/files/${largest.file_id}`;
  image.width = largest.width;
  image.height = largest.height;
  image.alt = message.caption || words.photo;
  const node = button("shot", image, () => act.view(message.message_id), message.caption || words.photo);
  node.style.setProperty("--ratio", `${largest.width} / ${largest.height}`);
  return node;
}

function documentCard(file) {
  const picture = /^image\/(png|jpeg)$/.test(file.mime_type || "");
  const shown = picture ? Object.assign(element("img"), { src: `/files/${file.file_id}`, alt: "" }) : "⬇";
  const link = element("a", "document", element("i", picture ? "thumb" : "", shown));
  link.href = `/files/${file.file_id}`;
  link.download = file.file_name || "file";
  const name = file.file_name || words.file;
  link.append(element("span", "", element("b", "", name), element("small", "", size(file.file_size))));
  return link;
}

/** All the rest, by its kind. */
function other(message) {
  const kind = KINDS.find((name) => message[name]);
  const content = message[kind];
  switch (kind) {
    case "sticker": return element("div", "sticker", content.emoji || "🎨");
    case "dice": return element("div", "sticker", content.emoji, element("small", "", content.value));
    case "voice": case "audio": {
      const bars = element("span", "bars", ...Array.from({ length: 22 }, (_, at) => {
        const bar = element("i");
        bar.dataset.high = String((at * 7) % 5);
        return bar;
      }));
      const title = kind === "audio" ? `${content.performer} · ${content.title}` : "";
      return element("div", "sound", element("i", "knob", "▶"), element("span", "", title, bars, element("small", "", mmss(content.duration))));
    }
    case "video": case "animation": case "video_note":
      return element("div", kind === "video_note" ? "film round-film" : "film", element("i", "knob", "▶"), element("small", "", mmss(content.duration)));
    case "poll":
      return element("div", "poll", element("b", "", content.question), ...content.options.map((option) => element("span", "", `○ ${option.text}`)));
    case "location":
      return element("div", "place", element("i", "", "📍"), element("small", "", `${content.latitude}, ${content.longitude}`));
    case "contact":
      return element("div", "document", avatar(content.user_id || 0, content.first_name), element("span", "", element("b", "", content.first_name), element("small", "", content.phone_number)));
    default: return null;
  }
}

/** What a paid invoice has instead of its Pay button: the way to the line that says so. */
function receipt(message, act) {
  return button("receipt", `✓ ${words.receipt}`, () => act.goTo(message.receipt_message_id));
}

function key(spec, message, act) {
  if (spec.pay && message.receipt_message_id) return receipt(message, act);
  if (spec.url) {
    const link = element("a", `${spec.style || ""} link`, spec.text);
    link.href = /^(https?|tg):\/\//i.test(spec.url) ? spec.url : `http://${spec.url}`;
    link.target = "_blank";
    link.rel = "noopener noreferrer";
    link.onclick = (event) => act.browse(event, link.href);
    return link;
  }
  // Its words are the app's own, unless the bot gives others.
  const label = spec.pay && /^Pay [⭐\d]/u.test(spec.text) ? `${words.pay} ${price(message.invoice.total_amount, message.invoice.currency)}` : spec.text;
  const node = button(spec.pay ? "pay" : spec.style || "", label, () => {
    if (spec.callback_data !== undefined) act.tap(message, spec.callback_data, node);
    else if (spec.pay) act.pay(message);
    else if (spec.copy_text) act.copy(spec.copy_text.text);
  });
  if (spec.callback_data !== undefined) node.dataset.data = spec.callback_data;
  return node;
}

function keys(message, act) {
  const rows = message.reply_markup?.inline_keyboard;
  if (!rows) return null;
  return element("div", "buttons", ...rows.map((row) => element("div", "", ...row.map((spec) => key(spec, message, act)))));
}

function service(message) {
  const paid = message.successful_payment || message.refunded_payment;
  const told = paid || message.new_chat_members || message.left_chat_member;
  if (!told) return null;
  const node = element("div", "service");
  if (paid) node.append(message.successful_payment ? words.paid : words.refunded, " ", element("b", "", price(paid.total_amount, paid.currency)));
  else node.append(summary(message));
  node.dataset.id = message.message_id;
  return node;
}

function quote(message, act) {
  const to = message.reply_to_message;
  if (!to) return null;
  const who = to.from?.is_bot ? to.from.first_name : to.from?.first_name || words.you;
  const node = button("quote", element("span", "", element("b", "", who), summary(to)), () => act.goTo(to.message_id), `${words.replyTo} ${who}`);
  if (to.photo) {
    const thumb = element("img");
    thumb.src = `/files/${to.photo[0].file_id}`;
    thumb.alt = "";
    node.prepend(thumb);
  }
  return node;
}

function forwarded(origin) {
  if (!origin) return null;
  const name = origin.sender_user?.first_name || origin.sender_user_name || "?";
  return element("div", "origin", `${words.forwarded} `, element("b", "", name));
}

function invoice({ title, description, total_amount, currency }) {
  return element("div", "invoice", element("b", "", title), element("div", "price", price(total_amount, currency)), element("span", "", description));
}

function tools(first, mine, act) {
  const node = element("div", "tools", button("", "↩", () => act.reply(first.message_id), words.reply));
  if (mine && (first.text || first.caption)) node.append(button("", "✎", () => act.edit(first.message_id), words.edit));
  return node;
}

/** One message, or the messages of an album. `named`: who says it is shown, as in groups. */
export function bubble(messages, mine, named, act) {
  const first = messages[0];
  const line = service(first);
  if (line) return line;
  const inside = element("div", "bubble");
  if (named && !mine) inside.append(element("div", "from", first.from?.first_name || ""));
  inside.append(...[forwarded(first.forward_origin), quote(first, act)].filter(Boolean));
  const photos = messages.filter((message) => message.photo);
  if (photos.length) {
    const grid = element("div", photos.length > 1 ? "pictures many" : "pictures", ...photos.map((message) => picture(message, act)));
    grid.dataset.count = String(Math.min(photos.length, 4));
    inside.append(grid);
  }
  for (const message of messages) {
    if (message.document && !message.animation) inside.append(documentCard(message.document));
  }
  const more = other(first);
  if (more) inside.append(more);
  if (first.invoice) inside.append(invoice(first.invoice));
  const said = messages.find((message) => message.text || message.caption);
  const meta = element("span", "meta", (first.edit_date ? `${words.edited} ` : "") + clock(first.date), mine ? element("i", "ticks", " ✓✓") : null);
  if (said) {
    const body = formatted(said.text || said.caption, said.entities || said.caption_entities, act.send);
    body.append(meta);
    inside.append(body);
  } else {
    if (!photos.length && !more && !first.document && !first.invoice) inside.append(element("div", "body unknown", words.unknown));
    inside.classList.add("bare");
    if (photos.length) inside.classList.add("over");
    if (first.sticker || first.dice) inside.classList.add("clear");
    inside.append(meta);
  }
  const row = element("article", mine ? "row mine" : "row", element("div", "line", inside, tools(first, mine, act)));
  row.dataset.id = first.message_id;
  row.tabIndex = -1;
  const below = keys(first, act);
  if (below) row.append(below);
  return row;
}

const dots = () => element("div", "dots", element("i"), element("i"), element("i"));

export function typing(text) {
  const node = element("div", "row ghost", element("div", "line", element("div", "bubble", dots())));
  if (text) node.querySelector(".bubble").append(element("small", "", text));
  return node;
}

/** What the bot is about to say, as far as it is. */
export function draft(value, act) {
  if (!value.text) return typing(words.thinking);
  const body = formatted(value.text, value.entities, act.send);
  body.append(element("span", "caret"));
  return element("div", "row ghost draft", element("div", "line", element("div", "bubble", body)));
}
