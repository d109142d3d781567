// The conversation: its messages drawn in place, so that only what changed moves.
import { $, avatar, button, dayOf, element } from "./dom.js";
import { bubble, draft, typing } from "./bubbles.js";
import { deeds, isGroup, person, setStatus, state, user } from "./state.js";
import { browse, copy, payFor, view } from "./sheets.js";
import { compose } from "./compose.js";
import { words } from "./words.js";

const SHOWN_AT_ONCE = 150;
const GONE_MS = 260;
/** What scrolls so soon after a wheel, a finger or a key was moved by it. */
const HAND_MS = 1000;
/** A finger that goes so far to the left answers the message. */
const SWIPE_PX = 60;

const eye = { pinned: true, handled: 0, shown: SHOWN_AT_ONCE };

export const act = {
  async send(text) {
    // Who says something wants to see the answer.
    pin();
    await deeds.write({ text });
  },
  tap: deeds.tap,
  pay: (message) => payFor(message),
  view: (id) => view(id),
  browse,
  copy,
  reply: (id) => compose.answer(id),
  edit: (id) => compose.correct(id),
  goTo,
};

const nearEnd = () => $("scroll").scrollHeight - $("scroll").scrollTop - $("scroll").clientHeight < 120;
const toEnd = () => { $("scroll").scrollTop = $("scroll").scrollHeight; };
export function pin() { eye.pinned = true; toEnd(); }

export function goTo(id) {
  const row = document.querySelector(`#messages [data-id="${id}"]`);
  row?.scrollIntoView({ behavior: "smooth", block: "center" });
  row?.classList.add("lit");
  setTimeout(() => row?.classList.remove("lit"), 1200);
}

/** Albums are one bubble: messages with one media_group_id that follow each other. */
function groups() {
  const groups = [];
  const all = [...state.messages.values()].sort((a, b) => a.message_id - b.message_id);
  for (const message of all.slice(-eye.shown)) {
    const last = groups.at(-1);
    if (message.media_group_id && last?.[0].media_group_id === message.media_group_id) last.push(message);
    else groups.push([message]);
  }
  return groups;
}

/** What should stand there, top to bottom: a key, what it depends on, and how it is made. */
function wanted() {
  const lang = document.documentElement.lang;
  const parts = [];
  let day = "";
  let before = null;
  if (state.messages.size > eye.shown) {
    parts.push({ key: "earlier", of: lang, make: () => button("earlier", words.earlier, () => { eye.shown += SHOWN_AT_ONCE; draw(); }) });
  }
  for (const group of groups()) {
    const first = group[0];
    const today = dayOf(first.date);
    if (today !== day) {
      day = today;
      before = null;
      parts.push({ key: `day ${today}`, of: lang, make: () => element("div", "day", today) });
    }
    const mine = isGroup() ? first.from?.id === user() : !first.from?.is_bot;
    const follows = before && before.from?.id === first.from?.id && first.date - before.date < 300;
    // A service line belongs to nobody.
    before = first.new_chat_members || first.left_chat_member || first.successful_payment ? null : first;
    parts.push({
      key: `m${first.message_id}`,
      of: JSON.stringify([lang, mine, follows, group]),
      make() {
        const node = bubble(group, mine, isGroup() && !follows, act);
        node.classList.toggle("follows", Boolean(follows));
        return node;
      },
    });
  }
  if (!parts.length) parts.push({ key: "empty", of: lang, make: () => element("div", "empty", element("div", "wave", "👋"), words.empty) });
  if (state.draft) parts.push({ key: "ghost", of: JSON.stringify(state.draft), make: () => draft(state.draft, act) });
  else if (state.action) parts.push({ key: "ghost", of: state.action, make: () => typing() });
  return parts;
}

/** `still`: another chat is shown, nothing is news. */
export function draw(still) {
  const root = $("messages");
  const there = new Map([...root.children].filter((node) => !node.classList.contains("gone")).map((node) => [node.dataset.key, node]));
  if (still) { root.replaceChildren(); there.clear(); eye.shown = SHOWN_AT_ONCE; }
  let at = null;
  for (const part of wanted()) {
    let node = there.get(part.key);
    there.delete(part.key);
    if (!node || node.dataset.of !== part.of) {
      const fresh = part.make();
      fresh.dataset.key = part.key;
      fresh.dataset.of = part.of;
      if (node) node.replaceWith(fresh);
      else if (!still) fresh.classList.add("fresh");
      node = fresh;
    }
    const place = at ? at.nextSibling : root.firstChild;
    if (place !== node) root.insertBefore(node, place);
    at = node;
  }
  for (const node of there.values()) leave(node);
  drawHead();
  if (still) pin();
}

/** What was deleted closes up. */
function leave(node) {
  if (node.dataset.key === "ghost" || !node.dataset.key.startsWith("m")) return node.remove();
  node.style.height = `${node.offsetHeight}px`;
  node.classList.add("gone");
  setTimeout(() => node.remove(), GONE_MS);
  requestAnimationFrame(() => { node.style.height = "0"; });
}

export function drawHead() {
  const { view: shown } = state;
  if (!shown) return;
  $("title").textContent = isGroup() ? shown.group.title : shown.bot.first_name;
  $("face").replaceChildren(isGroup() ? avatar(state.current, shown.group.title, true) : Object.assign(element("img", "avatar"), { src: "/favicon.ico", alt: "" }));
  const me = person();
  $("me").replaceChildren(...(me ? [element("span", "as", `${words.chatWith} `), me.first_name] : []));
  if (shown.blocked) return setStatus(words.blocked);
  const action = state.draft ? words.typing : state.action && (words[state.action] || words.typing);
  setStatus(action ? `${action}…` : isGroup() ? words.group : words.bot, action);
}

/** Only a person leaves the end: a view that grows or shrinks scrolls by itself, and says so too late. */
function scrolled() {
  if (nearEnd()) eye.pinned = true;
  else if (performance.now() - eye.handled < HAND_MS) eye.pinned = false;
  $("down").hidden = nearEnd();
}
const handled = () => { eye.handled = performance.now(); };

function swipes(scroll) {
  let begun = null;
  scroll.addEventListener("touchstart", (event) => {
    const row = event.target.closest(".row[data-id]");
    begun = row && { row, x: event.touches[0].clientX, y: event.touches[0].clientY, by: 0 };
  }, { passive: true });
  scroll.addEventListener("touchmove", (event) => {
    if (!begun) return;
    const { clientX, clientY } = event.touches[0];
    if (Math.abs(clientY - begun.y) > 30) { begun.row.style.translate = ""; begun = null; return; }
    begun.by = Math.max(-90, Math.min(0, clientX - begun.x));
    if (begun.by < -10) begun.row.style.translate = `${begun.by}px 0`;
  }, { passive: true });
  scroll.addEventListener("touchend", () => {
    if (!begun) return;
    begun.row.style.translate = "";
    if (begun.by < -SWIPE_PX) act.reply(Number(begun.row.dataset.id));
    begun = null;
  });
}

/** Up and down go from message to message, R answers, E corrects. */
function keysInTalk(event) {
  const row = document.activeElement?.closest?.(".row[data-id]");
  if (!row) return;
  const rows = [...document.querySelectorAll("#messages .row[data-id]")];
  const to = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (to) {
    event.preventDefault();
    const next = rows[rows.indexOf(row) + to];
    if (next) next.focus(); else if (to > 0) $("text").focus();
  } else if (event.key === "r" || event.key === "к") { event.preventDefault(); act.reply(Number(row.dataset.id)); }
  else if ((event.key === "e" || event.key === "у") && row.classList.contains("mine")) { event.preventDefault(); act.edit(Number(row.dataset.id)); }
}

export function wireTalk() {
  const scroll = $("scroll");
  scroll.onscroll = scrolled;
  for (const moved of ["wheel", "touchmove", "keydown"]) scroll.addEventListener(moved, handled, { passive: true });
  // Its bar; a button in it is no scrolling.
  scroll.onpointerdown = scroll.onpointermove = (event) => { if (event.target === scroll && event.buttons) handled(); };
  // Who is at the end stays there, whatever grows: new bubbles, pictures that arrive, the menu.
  const follow = new ResizeObserver(() => { if (eye.pinned) toEnd(); });
  follow.observe($("messages"));
  follow.observe(scroll);
  $("down").onclick = pin;
  $("messages").ondblclick = (event) => {
    const row = event.target.closest(".row[data-id]");
    if (row) { getSelection().removeAllRanges(); act.reply(Number(row.dataset.id)); }
  };
  $("messages").onkeydown = keysInTalk;
  swipes(scroll);
}

