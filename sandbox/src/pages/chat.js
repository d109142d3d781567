// The chat page: one person's chat with the bot, kept up to date by server-sent events.
import { bubble, draft, element, typing } from "./bubbles.js";
import { WORDS } from "./words.js";

const $ = (id) => document.getElementById(id);
const query = new URLSearchParams(location.search);
const ACTION_MS = 5000;
const PICTURE_SIDE_MAX = 2560;
/** What scrolls so soon after a wheel, a finger or a key was moved by it. */
const HAND_MS = 1000;

const state = { user: 0, language: "en", chat: null, messages: new Map(), pictures: [], waiting: new Map(), action: null, draft: null, source: null, pinned: true, handled: 0, reply: null, asked: 0 };
let words = WORDS.en;

async function call(path, options) {
  const answer = await fetch(path, options);
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(body.error || `HTTP ${answer.status}`);
  return body;
}
const post = (path, body) => call(path, { method: "POST", body: JSON.stringify(body) });
const put = (path, body) => call(path, { method: "PUT", body: JSON.stringify(body) });

function toast(text) {
  $("toast").textContent = text;
  $("toast").hidden = false;
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => { $("toast").hidden = true; }, 3200);
}

const act = {
  async send(text) {
    // Who says something wants to see the answer.
    pin();
    try { await post(`/people/${state.user}/messages`, { text }); } catch (error) { toast(error.message); }
  },
  async tap(message, data, node) {
    node.classList.add("waiting");
    setTimeout(() => node.classList.remove("waiting"), 8000);
    try {
      const { id } = await post(`/people/${state.user}/taps`, { message_id: message.message_id, data });
      state.waiting.set(id, node);
    } catch (error) { node.classList.remove("waiting"); toast(error.message); }
  },
  async pay(message, node) {
    node.classList.add("waiting");
    try { await post(`/people/${state.user}/payments`, { message_id: message.message_id }); }
    catch (error) { toast(words.declined + error.message); }
    node.classList.remove("waiting");
  },
  view(address) { $("viewer-image").src = address; $("viewer").showModal(); },
};

function nearEnd() {
  const view = $("scroll");
  return view.scrollHeight - view.scrollTop - view.clientHeight < 140;
}
function toEnd() { $("scroll").scrollTop = $("scroll").scrollHeight; }
function pin() { state.pinned = true; toEnd(); }

/** Only a person leaves the end: a view that grows or shrinks scrolls by itself, and says so too late. */
function scrolled() {
  if (nearEnd()) state.pinned = true;
  else if (performance.now() - state.handled < HAND_MS) state.pinned = false;
  $("down").hidden = nearEnd();
}
function handled() { state.handled = performance.now(); }

/** Albums are one bubble: messages with one media_group_id that follow each other. */
function groups() {
  const groups = [];
  for (const message of [...state.messages.values()].sort((a, b) => a.message_id - b.message_id)) {
    const last = groups.at(-1);
    if (message.media_group_id && last?.[0].media_group_id === message.media_group_id) last.push(message);
    else groups.push([message]);
  }
  return groups;
}

function dayOf(seconds) {
  const date = new Date(seconds * 1000);
  if (date.toDateString() === new Date().toDateString()) return words.today;
  return date.toLocaleDateString(state.language, { day: "numeric", month: "long" });
}

function welcome() {
  const start = element("button", "", words.start);
  start.onclick = () => act.send("/start");
  return element("div", "empty", element("div", "", words.hello), start);
}

function draw(freshId) {
  const nodes = [];
  let day = "";
  for (const group of groups()) {
    const today = dayOf(group[0].date);
    if (today !== day) nodes.push(element("div", "day", (day = today)));
    const mine = !group[0].from?.is_bot;
    const node = bubble(group, mine, act, words);
    if (group[0].message_id === freshId) node.classList.add("fresh");
    nodes.push(node);
  }
  if (!nodes.length) nodes.push(welcome());
  if (state.draft) nodes.push(draft(state.draft, act));
  else if (state.action) nodes.push(typing());
  $("messages").replaceChildren(...nodes);
  drawStatus();
}

function drawStatus(text) {
  const status = $("status");
  const action = state.action && (words[state.action] || words.typing);
  status.textContent = text || (state.chat?.blocked ? words.blocked : action || words.bot);
  status.classList.toggle("busy", Boolean(state.action) && !text);
}

function drawKeyboard() {
  const rows = state.chat?.keyboard?.keyboard || [];
  $("keyboard").hidden = !rows.length;
  $("keyboard").replaceChildren(...rows.map((row) => element("div", "", ...row.map((spec) => {
    const node = element("button", "", spec.text || spec);
    node.type = "button";
    node.onclick = () => act.send(spec.text || spec);
    return node;
  }))));
}

/** What is written next answers this message; null: nothing. */
function replyTo(id, hint) {
  const message = state.messages.get(id);
  state.reply = message ? id : null;
  $("reply").hidden = !message;
  $("reply-text").textContent = message ? message.text || message.caption || "📷" : "";
  $("text").placeholder = (message && hint) || words.write;
  if (message) $("text").focus();
}

/** The bot asked for a reply: its question is answered next, unless the person thinks otherwise. */
function drawQuestion() {
  const asked = state.chat?.force_reply;
  if (!asked || asked.message_id === state.asked) return;
  state.asked = asked.message_id;
  replyTo(asked.message_id, asked.input_field_placeholder);
}

function drawMenu(filter = "") {
  const found = (state.chat?.commands || []).filter((command) => command.command.startsWith(filter));
  $("menu").replaceChildren(...found.map((command) => {
    const node = element("button", "", element("b", "", `/${command.command}`), element("span", "", command.description));
    node.type = "button";
    node.onclick = () => { $("menu").hidden = true; $("text").value = ""; act.send(`/${command.command}`); };
    return node;
  }));
  return found.length > 0;
}

function drawWords() {
  document.documentElement.lang = state.language;
  words = WORDS[state.language] || WORDS.en;
  for (const node of document.querySelectorAll("[data-text]")) node.textContent = words[node.dataset.text];
  $("text").placeholder = words.write;
  for (const node of document.querySelectorAll("[data-language]")) {
    node.setAttribute("aria-pressed", String(node.dataset.language === state.language));
  }
}

function setAction(action) {
  state.action = action;
  clearTimeout(setAction.timer);
  if (action) setAction.timer = setTimeout(() => { state.action = null; draw(); }, ACTION_MS);
}

async function reload() {
  const chat = await call(`/people/${state.user}/chat`);
  state.chat = chat;
  state.messages = new Map(chat.messages.map((message) => [message.message_id, message]));
  state.draft = chat.draft;
  setAction(chat.action);
  $("bot-name").textContent = chat.bot.first_name;
  drawKeyboard();
  state.asked = 0;
  replyTo(null);
  drawQuestion();
  state.pinned = true;
  draw();
  toEnd();
}

function answered(answer) {
  state.waiting.get(answer.callback_query_id)?.classList.remove("waiting");
  state.waiting.delete(answer.callback_query_id);
  if (answer.url) window.open(answer.url, "_blank", "noopener");
  if (!answer.text) return;
  if (!answer.show_alert) return toast(answer.text);
  $("alert-text").textContent = answer.text;
  $("alert").showModal();
}

const HANDLERS = {
  message({ message }) {
    state.messages.set(message.message_id, message);
    if (message.from?.is_bot) { setAction(null); state.draft = null; }
    draw(message.message_id);
    if (!message.from?.is_bot) return replyTo(null);
    // A reply keyboard and a question come and go with messages.
    call(`/people/${state.user}/chat`).then((chat) => { state.chat = chat; drawKeyboard(); drawQuestion(); });
  },
  edited({ message }) { state.messages.set(message.message_id, message); draw(); },
  deleted({ message_id }) { state.messages.delete(message_id); draw(); },
  action({ action }) { setAction(action); draw(); },
  draft({ draft }) { state.draft = draft; draw(); },
  callback_answer: answered,
  commands: reload,
  blocked: reload,
  reload,
};

function listen() {
  state.source?.close();
  const source = new EventSource(`/people/${state.user}/events`);
  state.source = source;
  let lost = false;
  source.addEventListener("hello", () => { if (lost) reload(); lost = false; });
  source.onerror = () => { lost = true; drawStatus(words.offline); };
  for (const [name, handle] of Object.entries(HANDLERS)) {
    source.addEventListener(name, (event) => handle(JSON.parse(event.data)));
  }
}

async function people() {
  const { people } = await call("/people");
  const options = people.map((person) => new Option(`${person.first_name} · ${person.id}`, person.id));
  options.push(new Option(words.newcomer, "new"));
  $("person").replaceChildren(...options);
  $("person").value = String(state.user);
}

async function become(user) {
  state.user = user;
  localStorage.setItem("user", user);
  const person = await put(`/people/${user}`, {});
  state.language = person.language_code.startsWith("ru") ? "ru" : "en";
  drawWords();
  await Promise.all([people(), reload()]);
  listen();
}

async function newcomer() {
  const user = 1000 + Math.floor(Math.random() * 900000);
  const names = state.language === "ru" ? ["Аня", "Борис", "Вера", "Глеб", "Даша", "Егор"] : ["Ann", "Boris", "Vera", "Gleb", "Dasha", "Egor"];
  await put(`/people/${user}`, { first_name: names[user % names.length], language_code: state.language });
  await become(user);
}

/** Clients shrink pictures before they send them; whatever the browser reads becomes JPEG. */
async function shrunk(file) {
  const bitmap = await createImageBitmap(file);
  const scale = Math.min(1, PICTURE_SIDE_MAX / Math.max(bitmap.width, bitmap.height));
  const canvas = element("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => { canvas.toBlob(resolve, "image/jpeg", 0.9); });
}

function drawAttached() {
  $("attached").hidden = !state.pictures.length;
  $("attached").replaceChildren(...state.pictures.map((blob, at) => {
    const image = element("img");
    image.src = URL.createObjectURL(blob);
    const remove = element("button", "", "×");
    remove.type = "button";
    remove.onclick = () => { state.pictures.splice(at, 1); drawAttached(); };
    return element("figure", "", image, remove);
  }));
}

async function attach(files) {
  for (const file of files) {
    if (state.pictures.length >= 10) { toast(words.tooMany); break; }
    try { state.pictures.push(await shrunk(file)); } catch { toast(`${file.name}: ?`); }
  }
  drawAttached();
  $("text").focus();
}

async function submit() {
  const text = $("text").value.trim();
  const pictures = state.pictures;
  if (!text && !pictures.length) return;
  try {
    if (pictures.length) {
      const form = new FormData();
      pictures.forEach((blob, at) => form.append("photo", blob, `picture-${at + 1}.jpg`));
      if (text) form.append("caption", text);
      if (state.reply) form.append("reply_to", state.reply);
      await call(`/people/${state.user}/messages`, { method: "POST", body: form });
    } else {
      await post(`/people/${state.user}/messages`, state.reply ? { text, reply_to: state.reply } : { text });
    }
  } catch (error) { return toast(error.message); }
  state.pictures = [];
  $("text").value = "";
  grow();
  drawAttached();
  pin();
}

function grow() {
  const text = $("text");
  text.style.height = "auto";
  text.style.height = `${text.scrollHeight}px`;
  const command = /^\/(\w*)$/.exec(text.value);
  $("menu").hidden = !command || !drawMenu(command[1]);
}

function wire() {
  $("writer").onsubmit = (event) => { event.preventDefault(); submit(); };
  $("text").oninput = grow;
  $("text").onkeydown = (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); submit(); }
  };
  $("text").onpaste = (event) => {
    const files = [...event.clipboardData.files].filter((file) => file.type.startsWith("image/"));
    if (files.length) { event.preventDefault(); attach(files); }
  };
  $("files").onchange = (event) => { attach([...event.target.files]); event.target.value = ""; };
  document.ondragover = (event) => event.preventDefault();
  document.ondrop = (event) => { event.preventDefault(); attach([...event.dataTransfer.files]); };
  $("commands").onclick = () => { $("menu").hidden = !$("menu").hidden || !drawMenu(); };
  $("person").onchange = (event) => event.target.value === "new" ? newcomer() : become(Number(event.target.value));
  for (const node of document.querySelectorAll("[data-language]")) {
    node.onclick = async () => {
      await put(`/people/${state.user}`, { language_code: node.dataset.language });
      await become(state.user);
    };
  }
  $("theme").onclick = () => {
    const theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    localStorage.setItem("theme", theme);
  };
  $("scroll").onscroll = scrolled;
  for (const moved of ["wheel", "touchmove", "keydown"]) $("scroll").addEventListener(moved, handled, { passive: true });
  // Its bar; a button in it is no scrolling.
  $("scroll").onpointerdown = $("scroll").onpointermove = (event) => { if (event.target === $("scroll") && event.buttons) handled(); };
  // Who is at the end stays there, whatever grows: new bubbles, pictures that arrive, the menu.
  const follow = new ResizeObserver(() => { if (state.pinned) toEnd(); });
  follow.observe($("messages"));
  follow.observe($("scroll"));
  $("down").onclick = pin;
  $("reply-end").onclick = () => replyTo(null);
  $("messages").ondblclick = (event) => {
    const row = event.target.closest(".row[data-id]");
    if (row) { getSelection().removeAllRanges(); replyTo(Number(row.dataset.id)); }
  };
  $("viewer").onclick = () => $("viewer").close();
}

async function begin() {
  wire();
  const preferred = navigator.language?.startsWith("ru") ? "ru" : "en";
  state.language = preferred;
  drawWords();
  const user = Number(query.get("user")) || Number(localStorage.getItem("user"));
  if (user) await become(user); else await newcomer();
  // A deep link, as https://t.me/<bot>?start=<payload> opens.
  if (query.get("start")) {
    await act.send(`/start ${query.get("start")}`);
    history.replaceState(null, "", "/chat");
  }
}

begin().catch((error) => toast(error.message));
