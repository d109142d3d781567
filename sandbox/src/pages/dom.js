// Small helpers: elements, calls, what a message is in a few words.
import { words } from "./words.js";

export const $ = (id) => document.getElementById(id);

export function element(tag, className, ...content) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...content.filter((part) => part !== null && part !== undefined));
  return node;
}

/** A button that says what it does, also to those who don't see it. */
export function button(className, content, does, label) {
  const node = element("button", className, content);
  node.type = "button";
  node.onclick = does;
  if (label) node.ariaLabel = node.title = label;
  return node;
}

export async function call(path, options) {
  const answer = await fetch(path, options);
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(body.error || `HTTP ${answer.status}`);
  return body;
}
export const post = (path, body) => call(path, { method: "POST", body: JSON.stringify(body ?? {}) });
export const put = (path, body) => call(path, { method: "PUT", body: JSON.stringify(body ?? {}) });

export function toast(text) {
  $("toast").textContent = text;
  $("toast").hidden = false;
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => { $("toast").hidden = true; }, 3600);
}

/** Does it, and says so when it did not work. */
export async function attempt(deed, before = words.wentWrong) {
  try { return await deed(); } catch (error) { toast(before + error.message); return null; }
}

const two = { hour: "2-digit", minute: "2-digit", hour12: false };
export const clock = (seconds) => new Date(seconds * 1000).toLocaleTimeString([], two);

export function dayOf(seconds) {
  const date = new Date(seconds * 1000);
  const now = new Date();
  if (date.toDateString() === now.toDateString()) return words.today;
  now.setDate(now.getDate() - 1);
  if (date.toDateString() === now.toDateString()) return words.yesterday;
  return date.toLocaleDateString(document.documentElement.lang, { day: "numeric", month: "long" });
}

export function price(amount, currency) {
  if (currency === "XTR") return `⭐ ${amount}`;
  return new Intl.NumberFormat(document.documentElement.lang, { style: "currency", currency, maximumFractionDigits: amount % 100 ? 2 : 0 }).format(amount / 100);
}

export function size(bytes) {
  return bytes > 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.max(1, Math.round(bytes / 1000))} KB`;
}

export const KINDS = ["sticker", "voice", "video", "video_note", "animation", "audio", "poll", "location", "contact", "dice"];
const MARKS = { photo: "🖼", sticker: "", voice: "🎤", video: "🎬", video_note: "🎥", animation: "🎞", audio: "🎵", poll: "📊", location: "📍", contact: "👤", dice: "🎲" };

/** A message in a line: for the list, for quotes. */
export function summary(message) {
  if (!message) return "";
  const said = message.text || message.caption;
  const paid = message.successful_payment || message.refunded_payment;
  if (paid) return `${message.successful_payment ? words.paid : words.refunded} ${price(paid.total_amount, paid.currency)}`;
  if (message.invoice) return `💳 ${message.invoice.title}`;
  if (message.photo) return `${MARKS.photo} ${said || words.photo}`;
  const kind = KINDS.find((name) => message[name]);
  if (kind === "sticker") return `${message.sticker.emoji || "🎨"} ${words.sticker}`;
  if (kind) return `${MARKS[kind]} ${said || words[kind]}`;
  if (message.document) return `📄 ${said || message.document.file_name || words.file}`;
  if (message.new_chat_members) return `${message.from.first_name} ${words.joined}`;
  if (message.left_chat_member) return words.left;
  return said || words.unknown;
}

/** A circle with somebody's initials, always of the same colour. */
export function avatar(id, name, group) {
  const letters = group ? "👥" : name.split(/\s+/).map((part) => [...part][0] || "").join("").slice(0, 2).toUpperCase();
  const node = element("span", "avatar letters", letters || "?");
  node.dataset.hue = String(Math.abs(id) % 8);
  node.ariaHidden = "true";
  return node;
}
