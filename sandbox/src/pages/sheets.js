// What lies over the chat: pictures at full size, the payment sheet, the provider's page, who a person is.
import { $, button, element, price, toast } from "./dom.js";
import { deeds, loadChats, person, state, user } from "./state.js";
import { words } from "./words.js";

/** Pictures of the chat, one after the other. */
export function view(id) {
  const dialog = $("viewer");
  const shots = [...state.messages.values()].filter((message) => message.photo).sort((a, b) => a.message_id - b.message_id);
  let at = shots.findIndex((message) => message.message_id === id);
  const show = (step) => {
    at = Math.max(0, Math.min(shots.length - 1, at + step));
    const message = shots[at];
    const image = element("img");
    image.src = `/files/${message.photo.at(-1).file_id}`;
    image.alt = message.caption || words.photo;
    image.onclick = () => dialog.close();
    const before = button("turn before", "‹", () => show(-1), words.previous);
    const after = button("turn after", "›", () => show(1), words.next);
    before.hidden = at === 0;
    after.hidden = at === shots.length - 1;
    const close = button("turn close", "×", () => dialog.close(), words.close);
    dialog.replaceChildren(image, before, after, close, element("p", "", message.caption || ""));
  };
  show(0);
  dialog.onkeydown = ({ key }) => { if (key === "ArrowLeft") show(-1); else if (key === "ArrowRight") show(1); };
  dialog.showModal();
}

export async function copy(text) {
  await navigator.clipboard?.writeText(text);
  toast(words.copied);
}

const field = (label, input) => element("label", "field", element("span", "", label), input);

function input(type, value) {
  const node = element("input");
  node.type = type;
  node.value = value;
  return node;
}

/** Telegram's own sheet: Stars, or a card by the provider. */
export function payFor(message) {
  const dialog = $("pay");
  const { title, description, total_amount, currency } = message.invoice;
  const stars = currency === "XTR";
  const sum = price(total_amount, currency);
  const email = input("email", `${user()}@example.org`);
  const said = element("p", "said");
  said.role = "status";
  const settle = async (more) => {
    for (const node of dialog.querySelectorAll("button")) node.disabled = true;
    said.className = "said";
    said.textContent = words.paying;
    try {
      await deeds.pay({ message_id: message.message_id, ...(stars ? {} : { email: email.value }), ...more });
      dialog.replaceChildren(element("div", "mark", "✓"), element("h2", "", words.paidDone), element("p", "sum", sum));
      setTimeout(() => dialog.close(), 1100);
    } catch (error) {
      said.className = "said bad";
      said.textContent = words.declined + error.message;
      for (const node of dialog.querySelectorAll("button")) node.disabled = false;
    }
  };
  const card = element("div", stars ? "way stars" : "way", element("i", "", stars ? "⭐" : "💳"), element("span", "", stars ? words.stars : words.card, element("small", "", stars ? "" : "•••• 4242 · SANDBOX")));
  dialog.replaceChildren(
    element("h2", "", title), element("p", "what", description), element("p", "sum", sum), card,
    ...(stars ? [] : [field(words.email, email)]),
    said,
    button("big", `${words.pay} ${sum}`, () => settle({})),
    ...(stars ? [] : [button("big quiet", words.payFail, () => settle({ declined: "insufficient_funds" }))]),
    button("big quiet", words.cancel, () => dialog.close()),
  );
  dialog.showModal();
}

/** The provider's page opens over the chat, as in Telegram's own browser; other links in a tab. */
export function browse(event, address) {
  const url = new URL(address, location.href);
  if (url.origin !== location.origin || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  const dialog = $("browser");
  const frame = element("iframe");
  frame.src = url.href;
  frame.title = url.host;
  const outside = element("a", "round", "↗");
  Object.assign(outside, { href: url.href, target: "_blank", rel: "noopener noreferrer", ariaLabel: words.open, title: words.open });
  frame.onload = () => {
    // Back to the chat is where we are.
    if (!frame.contentWindow.location.pathname.startsWith(url.pathname.split("/").slice(0, 2).join("/"))) return dialog.close();
    frame.contentDocument.addEventListener("click", (click) => {
      const link = click.target.closest("a[href]");
      if (link) { click.preventDefault(); dialog.close(); }
    });
  };
  dialog.replaceChildren(element("header", "top", button("round", "×", () => dialog.close(), words.close), element("div", "who", element("div", "name", url.host), element("div", "status", url.pathname)), outside), frame);
  dialog.onclose = () => dialog.replaceChildren();
  dialog.showModal();
}

/** Name and language. */
export function editPerson(done) {
  const dialog = $("person-dialog");
  const who = person();
  if (!who) return;
  const name = input("text", who.first_name);
  name.maxLength = 64;
  name.required = true;
  const language = element("select");
  for (const [code, label] of [["ru", "Русский"], ["en", "English"], ["de", "Deutsch"], ["uz", "Oʻzbekcha"]]) language.append(new Option(label, code));
  if (![...language.options].some((option) => option.value === who.language_code)) language.append(new Option(who.language_code, who.language_code));
  language.value = who.language_code;
  const form = element("form", "", element("h2", "", words.editPerson), field(words.name, name), field(words.language, language));
  const save = element("button", "big", words.save);
  form.append(save, button("big quiet", words.cancel, () => dialog.close()));
  form.onsubmit = async (event) => {
    event.preventDefault();
    if (!await deeds.change(who.id, { first_name: name.value.trim(), language_code: language.value })) return;
    await loadChats();
    dialog.close();
    done();
  };
  dialog.replaceChildren(form);
  dialog.showModal();
  name.select();
}

/** A small menu under its button; Escape and a click elsewhere close it. */
export function popUp(menu, opener, items) {
  if (!menu.hidden) return close();
  const close_ = (event) => { if (!menu.contains(event.target) && event.target !== opener) close(); };
  const keys = (event) => {
    const all = [...menu.children];
    const to = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") { event.stopPropagation(); close(); opener.focus(); }
    if (to) { event.preventDefault(); all[(all.indexOf(document.activeElement) + to + all.length) % all.length].focus(); }
  };
  function close() {
    menu.hidden = true;
    opener.ariaExpanded = "false";
    document.removeEventListener("pointerdown", menu.away);
  }
  menu.replaceChildren(...items.map(([mark, label, does, style]) => {
    const node = button(style || "", element("span", "", element("i", "", mark), label), () => { close(); does(); });
    node.role = "menuitem";
    return node;
  }));
  menu.onkeydown = keys;
  menu.away = close_;
  document.addEventListener("pointerdown", close_);
  menu.hidden = false;
  opener.ariaExpanded = "true";
  menu.firstChild?.focus();
}
