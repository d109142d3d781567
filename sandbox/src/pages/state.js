// What the page knows: chats, who is looked at, what was read; and the deeds of the person.
import { $, attempt, call, post, put } from "./dom.js";
import { words } from "./words.js";

export const state = {
  /** By id: `{id, person | group, last, unread}`. */
  chats: new Map(),
  current: 0,
  /** Who writes in groups. */
  writer: 0,
  view: null,
  messages: new Map(),
  /** What was told of this chat since it was opened: an answer that was asked for before that knows nothing of it. */
  told: { chat: 0, messages: new Map(), deleted: new Set() },
  action: null,
  draft: null,
  /** Buttons that wait for the bot, by query. */
  waiting: new Map(),
  read: JSON.parse(localStorage.getItem("read") || "{}"),
};

export const isGroup = () => state.current < 0;
export const user = () => (isGroup() ? state.writer : state.current);
export const person = (id = user()) => state.chats.get(id)?.person;
export const inChat = (body) => (isGroup() ? { ...body, chat: state.current } : body);

export async function loadChats() {
  const { chats } = await call("/chats");
  for (const chat of chats) {
    const unread = chat.recent_bot_ids.filter((id) => id > (state.read[chat.id] || 0)).length;
    state.chats.set(chat.id, { ...chat, unread });
  }
}

export function seen() {
  const chat = state.chats.get(state.current);
  if (!chat || document.hidden) return;
  const newest = Math.max(0, ...state.messages.keys());
  if (newest > (state.read[state.current] || 0)) {
    state.read[state.current] = newest;
    localStorage.setItem("read", JSON.stringify(state.read));
  }
  chat.unread = 0;
}

/** Of the chat that is looked at; a message is there or gone. */
export function hear(message_id, message) {
  if (state.told.chat !== state.current) state.told = { chat: state.current, messages: new Map(), deleted: new Set() };
  if (message) state.told.messages.set(message_id, message); else state.told.deleted.add(message_id);
  keep(message_id, message);
}

function keep(message_id, message) {
  if (message) state.messages.set(message_id, message); else state.messages.delete(message_id);
}

export async function loadView() {
  const id = state.current;
  const view = await call(isGroup() ? `/groups/${id}/chat` : `/people/${id}/chat`);
  if (id !== state.current) return;
  state.view = view;
  state.messages = new Map(view.messages.map((message) => [message.message_id, message]));
  if (state.told.chat === id) {
    for (const [message_id, message] of state.told.messages) keep(message_id, message);
    for (const message_id of [...state.told.deleted, ...view.deleted]) keep(message_id, null);
  }
  state.draft = view.draft;
  state.action = view.action;
}

export const deeds = {
  write: (body) => attempt(() => post(`/people/${user()}/messages`, inChat(body))),
  upload(form) {
    if (isGroup()) form.append("chat", state.current);
    return attempt(() => call(`/people/${user()}/messages`, { method: "POST", body: form }));
  },
  edit: (message_id, field, text) => attempt(() => post(`/people/${user()}/edits`, inChat({ message_id, [field]: text }))),
  async tap(message, data, node) {
    node.classList.add("waiting");
    setTimeout(() => node.classList.remove("waiting"), 10_000);
    const query = await attempt(() => post(`/people/${user()}/taps`, inChat({ message_id: message.message_id, data })));
    if (query) state.waiting.set(query.id, node);
    else node.classList.remove("waiting");
  },
  pay: (body) => post(`/people/${user()}/payments`, body),
  change: (id, body) => attempt(() => put(`/people/${id}`, body)),
  block: (blocked) => attempt(() => post(`/people/${state.current}/${blocked ? "block" : "unblock"}`)),
  member: (bot) => attempt(() => put(`/groups/${state.current}`, { by: state.writer, bot })),
};

const NAMES = { ru: ["Аня", "Борис", "Вера", "Глеб", "Даша", "Егор", "Женя", "Зоя"], en: ["Ann", "Boris", "Vera", "Gleb", "Dasha", "Egor", "Eva", "Zoe"] };

export async function newPerson(language = document.documentElement.lang) {
  const taken = new Set([...state.chats.values()].map((chat) => chat.person?.first_name));
  const names = NAMES[language] || NAMES.en;
  const name = names.find((name) => !taken.has(name)) || `${names[0]} ${state.chats.size + 1}`;
  const id = 1000 + Math.floor(Math.random() * 900_000);
  await put(`/people/${id}`, { first_name: name, language_code: language });
  await loadChats();
  return id;
}

export async function newGroup() {
  const by = user() || [...state.chats.keys()].find((id) => id > 0);
  if (!by) return null;
  const id = -1_000_000_000_000 - Math.floor(Math.random() * 1_000_000_000);
  const title = `${words.group[0].toUpperCase()}${words.group.slice(1)} ${[...state.chats.keys()].filter((id) => id < 0).length + 1}`;
  await attempt(() => put(`/groups/${id}`, { by, title }));
  await loadChats();
  return id;
}

export function setStatus(text, busy) {
  $("status").textContent = text;
  $("status").classList.toggle("busy", Boolean(busy));
}
