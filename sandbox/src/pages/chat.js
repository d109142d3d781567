// The chat page: several people's chats side by side, kept up to date by server-sent events.
import { $, avatar, button, clock, dayOf, element, summary, toast } from "./dom.js";
import { compose, wireCompose } from "./compose.js";
import { act, draw, drawHead, pin, wireTalk } from "./talk.js";
import { deeds, hear, isGroup, loadChats, loadView, newGroup, newPerson, person, seen, setStatus, state, user } from "./state.js";
import { editPerson, popUp } from "./sheets.js";
import { speak, words } from "./words.js";

const ACTION_MS = 5000;
const DRAFT_MS = 30_000;

function when(message) {
  if (!message) return "";
  const day = dayOf(message.date);
  return day === words.today ? clock(message.date) : day;
}

function drawChats() {
  const newest = (chat) => chat.last?.date * 1e9 + chat.last?.message_id || 0;
  const all = [...state.chats.values()].sort((a, b) => newest(b) - newest(a) || a.id - b.id);
  $("chats").replaceChildren(...all.map((chat) => {
    const name = chat.group?.title || chat.person.first_name;
    const last = chat.last;
    const own = last && !last.from?.is_bot && !chat.group ? `${words.you}: ` : "";
    const text = element("span", "last", element("i", "", own), chat.blocked ? words.blocked : last ? summary(last) : words.empty);
    const node = button("entry", avatar(chat.id, name, chat.group), () => look(chat.id));
    const count = element("span", "unread", chat.unread > 98 ? "99+" : String(chat.unread || ""));
    count.hidden = !chat.unread;
    node.append(element("span", "lines", element("span", "line-1", element("b", "", name), element("time", "", when(last))), element("span", "line-2", text, count)));
    node.ariaCurrent = String(chat.id === state.current);
    node.ariaLabel = chat.unread ? `${name}, ${chat.unread} ${words.unread}` : name;
    node.dataset.chat = chat.id;
    return node;
  }));
  if (!all.length) $("chats").append(element("p", "none", words.nobody));
  const unread = all.reduce((sum, chat) => sum + chat.unread, 0);
  document.title = `${unread ? `(${unread}) ` : ""}Plantain · sandbox`;
}

function setAction(action, for_ms = ACTION_MS) {
  state.action = action;
  clearTimeout(setAction.timer);
  if (action) setAction.timer = setTimeout(() => { state.action = null; draw(); }, for_ms);
}

function setDraft(draft) {
  state.draft = draft;
  clearTimeout(setDraft.timer);
  if (draft) setDraft.timer = setTimeout(() => { state.draft = null; draw(); }, DRAFT_MS);
}

async function reload(still = true) {
  await loadView();
  setAction(state.action);
  setDraft(state.draft);
  draw(still);
  compose.draw();
  seen();
  drawChats();
}

/** Opens a chat; on a small screen it takes the list's place. */
async function look(id, pane = "talk") {
  const other = id !== state.current;
  state.current = id;
  if (isGroup() && !state.writer) state.writer = [...state.chats.keys()].find((one) => one > 0) || 0;
  if (!isGroup()) state.writer = id;
  localStorage.setItem("user", id);
  if (pane === "talk" && $("panes").dataset.pane !== "talk") history.pushState({ pane }, "", "");
  $("panes").dataset.pane = pane;
  speak(person()?.language_code || navigator.language);
  if (other) compose.reset();
  await reload(other);
  if (pane === "talk" && matchMedia("(min-width: 761px)").matches) $("text").focus();
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

/** What happens in the chat that is looked at. */
const HERE = {
  message({ message }) {
    hear(message.message_id, message);
    if (message.from?.is_bot) { setAction(null); setDraft(null); }
    draw();
    if (!message.from?.is_bot) return compose.draw();
    // A reply keyboard and a question come and go with messages.
    refreshView();
  },
  edited({ message }) { hear(message.message_id, message); draw(); },
  deleted({ message_id }) { hear(message_id, null); draw(); },
  action({ action }) { setAction(action); draw(); },
  draft({ draft }) { setDraft(draft); draw(); },
  callback_answer: answered,
  commands: () => refreshView(),
  blocked: () => reload(false),
  person: () => {},
  reload: () => anew(),
};

/** Whatever was told before may be old by now. */
async function anew() {
  state.told.chat = 0;
  await loadChats();
  await reload(false);
}

async function refreshView() {
  const { action, draft } = state;
  await loadView();
  Object.assign(state, { action, draft });
  compose.draw();
}

/** What a list shows of any chat. */
async function elsewhere(name, chat, data) {
  const known = state.chats.get(chat);
  if (!known || name === "person" || name === "blocked" || name === "reload" || name === "deleted") {
    await loadChats();
  } else if (name === "message" || (name === "edited" && known.last?.message_id === data.message.message_id)) {
    known.last = data.message;
    if (name === "message" && data.message.from?.is_bot && (chat !== state.current || document.hidden)) known.unread += 1;
  } else return;
  if (chat === state.current) seen();
  drawChats();
}

function listen() {
  const source = new EventSource("/events");
  // What happened since the page asked is not told either.
  let lost = true;
  source.addEventListener("hello", async () => { if (lost) await anew(); lost = false; });
  source.onerror = () => { lost = true; setStatus(words.offline); };
  for (const name of Object.keys(HERE)) {
    source.addEventListener(name, (event) => {
      const { chat, data } = JSON.parse(event.data);
      const answer = name === "callback_answer" && chat === user();
      if (chat === state.current || chat === 0 || answer) HERE[name](data);
      elsewhere(name, chat, data);
    });
  }
}

function moreMenu() {
  const group = isGroup();
  const blocked = state.view?.blocked;
  const inside = state.view?.group?.bot === "member";
  const writers = group ? [...state.chats.values()].filter((chat) => chat.person) : [];
  popUp($("more-menu"), $("more"), [
    ["✎", words.editPerson, () => editPerson(renamed)],
    ...(group
      ? [[inside ? "⊘" : "+", inside ? words.kick : words.add, () => deeds.member(inside ? "kicked" : "member").then(() => reload(false))]]
      : [["⊘", blocked ? words.unblock : words.block, () => deeds.block(!blocked), blocked ? "" : "danger"]]),
    ...writers.map(({ id, person: one }) => [id === state.writer ? "●" : "○", `${words.writes}: ${one.first_name}`, () => { state.writer = id; renamed(); }]),
  ]);
}

function renamed() {
  speak(person()?.language_code);
  drawChats();
  draw();
  drawHead();
  compose.draw();
}

function wire() {
  wireTalk();
  wireCompose();
  $("new-person").onclick = async () => look(await newPerson());
  $("new-group").onclick = async () => { const id = await newGroup(); if (id) look(id); };
  $("back").onclick = () => history.state?.pane === "talk" ? history.back() : showList();
  addEventListener("popstate", showList);
  $("more").onclick = moreMenu;
  $("me").onclick = () => editPerson(renamed);
  $("theme").onclick = () => {
    const theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    localStorage.setItem("theme", theme);
  };
  $("chats").onkeydown = (event) => {
    const all = [...$("chats").children];
    const to = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (to) { event.preventDefault(); all[all.indexOf(document.activeElement) + to]?.focus(); }
  };
  addEventListener("focus", () => { seen(); drawChats(); });
}

function showList() {
  $("panes").dataset.pane = "list";
  drawChats();
}

async function begin() {
  const query = new URLSearchParams(location.search);
  wire();
  speak(navigator.language);
  await loadChats();
  const asked = Number(query.get("user"));
  if (asked && !state.chats.has(asked)) { await deeds.change(asked, {}); await loadChats(); }
  const kept = Number(localStorage.getItem("user"));
  const known = asked || (state.chats.has(kept) ? kept : 0) || [...state.chats.keys()].find((id) => id > 0);
  const id = known || await newPerson();
  // A small screen begins with the list, unless somebody was asked for or nobody else is there.
  await look(id, asked || state.chats.size < 2 ? "talk" : "list");
  listen();
  // A deep link, as https://t.me/<bot>?start=<payload> opens.
  if (query.get("start")) {
    await act.send(`/start ${query.get("start")}`);
    history.replaceState(null, "", "/chat");
  }
  pin();
}

begin().catch((error) => toast(error.message));
