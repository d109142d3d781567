// Messages as bubbles: text, pictures, documents, invoices, service lines, buttons.
import { formatted } from "./format.js";

export function element(tag, className, ...content) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...content);
  return node;
}

const clock = (seconds) => new Date(seconds * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false });

export function price(amount, currency) {
  if (currency === "XTR") return `⭐ ${amount}`;
  return new Intl.NumberFormat(document.documentElement.lang, { style: "currency", currency }).format(amount / 100);
}

function size(bytes) {
  return bytes > 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.ceil(bytes / 1000)} KB`;
}

function picture(message, act) {
  const largest = message.photo.at(-1);
  const image = element("img");
  image.src = `/files/${largest.file_id}`;
  image.width = largest.width;
  image.height = largest.height;
  image.alt = message.caption || "";
  image.loading = "lazy";
  image.onclick = () => act.view(image.src);
  return image;
}

function document_(file) {
  const link = element("a", "document", element("i", "", "⬇"));
  link.href = `/files/${file.file_id}`;
  link.download = file.file_name || "file";
  link.append(element("div", "", file.file_name || "file", element("small", "", size(file.file_size))));
  return link;
}

/** What a paid invoice has instead of its Pay button: the way to the line that says so. */
function receipt(message, words) {
  const node = element("button", "receipt", `✓ ${words.receipt}`);
  node.type = "button";
  node.onclick = () => document.querySelector(`[data-id="${message.receipt_message_id}"]`)?.scrollIntoView({ behavior: "smooth", block: "center" });
  return node;
}

function button(spec, message, act, words) {
  if (spec.pay && message.receipt_message_id) return receipt(message, words);
  if (spec.url) {
    const link = element("a", spec.style || "", spec.text);
    link.href = /^(https?|tg):\/\//i.test(spec.url) ? spec.url : `http://${spec.url}`;
    link.target = "_blank";
    link.rel = "noopener noreferrer";
    return link;
  }
  const node = element("button", spec.pay ? "pay" : spec.style || "", spec.text);
  node.type = "button";
  node.onclick = () => {
    if (spec.callback_data !== undefined) act.tap(message, spec.callback_data, node);
    else if (spec.pay) act.pay(message, node);
    else if (spec.copy_text) navigator.clipboard?.writeText(spec.copy_text.text);
  };
  return node;
}

function buttons(message, act, words) {
  const rows = message.reply_markup?.inline_keyboard;
  if (!rows) return null;
  return element("div", "buttons", ...rows.map((row) => element("div", "", ...row.map((b) => button(b, message, act, words)))));
}

function service(message, words) {
  const paid = message.successful_payment || message.refunded_payment;
  if (!paid) return null;
  const node = element("div", "service");
  const what = message.successful_payment ? words.paid : words.refunded;
  node.append(what, " ", element("b", "", price(paid.total_amount, paid.currency)));
  node.dataset.id = message.message_id;
  return node;
}

function quote(message) {
  const to = message.reply_to_message;
  return to ? element("div", "quote", to.text || to.caption || to.invoice?.title || "📷") : null;
}

/** One message, or the messages of an album. */
export function bubble(messages, mine, act, words) {
  const first = messages[0];
  const line = service(first, words);
  if (line) return line;
  const inside = element("div", "bubble");
  const replied = quote(first);
  if (replied) inside.append(replied);
  const photos = messages.filter((message) => message.photo);
  if (photos.length) {
    inside.append(element("div", photos.length > 1 ? "pictures many" : "pictures", ...photos.map((m) => picture(m, act))));
  }
  for (const message of messages) {
    if (message.document) inside.append(document_(message.document));
  }
  if (first.invoice) {
    const { title, description, total_amount, currency } = first.invoice;
    inside.append(element("div", "invoice", element("b", "", title), element("div", "price", price(total_amount, currency)), description));
  }
  const said = messages.find((message) => message.text || message.caption);
  const meta = element("span", "meta", (first.edit_date ? `${words.edited} ` : "") + clock(first.date));
  if (said) {
    inside.append(formatted(said.text || said.caption, said.entities || said.caption_entities, act.send));
    inside.lastChild.append(meta);
  } else {
    inside.classList.add("bare");
    inside.append(meta);
  }
  const row = element("div", mine ? "row mine" : "row", inside);
  row.dataset.id = first.message_id;
  const keys = buttons(first, act, words);
  if (keys) row.append(keys);
  return row;
}

export function typing() {
  return element("div", "row", element("div", "bubble", element("div", "dots", element("i"), element("i"), element("i"))));
}

export function draft(value, act) {
  if (!value.text) return typing();
  return element("div", "row draft", element("div", "bubble", formatted(value.text, value.entities, act.send)));
}
