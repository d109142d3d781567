// The writer: text, replies, corrections, attachments by button, paste and drop, the command menu.
import { $, KINDS, button, element, summary, toast } from "./dom.js";
import { deeds, isGroup, state } from "./state.js";
import { pin } from "./talk.js";
import { popUp } from "./sheets.js";
import { words } from "./words.js";

const PICTURE_SIDE_MAX = 2560;
const FILES_MAX = 10;

const desk = { reply: null, edit: null, files: [], asFiles: false, asked: 0, chosen: 0 };

export const compose = {
  answer(id, hint) {
    const message = state.messages.get(id);
    desk.edit = null;
    desk.reply = message ? id : null;
    above(message, "↩", message && `${words.replyTo} ${message.from?.first_name || ""}`);
    $("text").placeholder = (message && hint) || words.write;
    if (message) $("text").focus();
  },
  correct(id) {
    const message = state.messages.get(id);
    if (!message) return;
    desk.reply = null;
    desk.edit = id;
    above(message, "✎", words.editing);
    $("text").value = message.text || message.caption || "";
    grow();
    $("text").focus();
  },
  /** Another chat: nothing that was begun goes with it. */
  reset() {
    desk.files = [];
    desk.asked = 0;
    $("text").value = "";
    compose.answer(null);
    drawAttached();
    grow();
  },
  /** What the bot has put below the input, and what it asked. */
  draw() {
    const { view } = state;
    if (!view) return;
    const rows = (!isGroup() && view.keyboard?.keyboard) || [];
    $("keyboard").hidden = !rows.length;
    $("keyboard").replaceChildren(...rows.map((row) => element("div", "", ...row.map((spec) => button("", spec.text || spec, () => { pin(); deeds.write({ text: spec.text || spec }); })))));
    const asked = view.force_reply;
    if (asked && asked.message_id !== desk.asked) {
      desk.asked = asked.message_id;
      compose.answer(asked.message_id, asked.input_field_placeholder);
    }
    wide(view);
  },
};

/** Where nothing can be written, one button says what can be done. */
function wide(view) {
  const [label, does] = view.blocked ? [words.unblock, () => deeds.block(false)]
    : isGroup() && view.group.bot !== "member" ? [words.add, () => deeds.member("member")]
    : !isGroup() && !state.messages.size ? [words.start, () => deeds.write({ text: "/start" })]
    : [null, null];
  $("wide").hidden = !label;
  $("writer").hidden = Boolean(label) && label !== words.add;
  $("wide").textContent = label || "";
  $("wide").onclick = does;
}

function above(message, mark, who) {
  $("above").hidden = !message;
  if (!message) return;
  $("above-mark").textContent = mark;
  $("above-who").textContent = who;
  $("above-text").textContent = summary(message);
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

async function attach(files, asFiles) {
  for (const file of files) {
    if (desk.files.length >= FILES_MAX) { toast(words.tooMany); break; }
    let small = null;
    if (file.type.startsWith("image/")) { try { small = await shrunk(file); } catch { /* no picture: it goes as it is */ } }
    desk.files.push({ file, small });
  }
  desk.asFiles ||= asFiles;
  drawAttached();
  $("text").focus();
}

/** An album is of pictures or of files. */
const allFiles = () => desk.asFiles || desk.files.some(({ small }) => !small);

function drawAttached() {
  const root = $("attached");
  root.hidden = !desk.files.length;
  if (!desk.files.length) desk.asFiles = false;
  const figures = desk.files.map(({ file, small }, at) => {
    const shown = small ? Object.assign(element("img"), { src: URL.createObjectURL(small), alt: file.name }) : element("span", "paper", file.name);
    return element("figure", "", shown, button("", "×", () => { desk.files.splice(at, 1); drawAttached(); }, words.remove));
  });
  const choice = element("input");
  choice.type = "checkbox";
  choice.checked = allFiles();
  choice.disabled = desk.files.some(({ small }) => !small);
  choice.onchange = () => { desk.asFiles = choice.checked; };
  root.replaceChildren(...figures, element("label", "choice", choice, words.asFiles));
}

async function submit() {
  const text = $("text").value.trim();
  const { files, reply, edit } = desk;
  if (!text && !files.length) return;
  let done;
  if (edit) {
    done = await deeds.edit(edit, state.messages.get(edit)?.text ? "text" : "caption", text);
  } else if (files.length) {
    const form = new FormData();
    for (const { file, small } of files) {
      if (allFiles()) form.append("document", file, file.name);
      else form.append("photo", small, "picture.jpg");
    }
    if (text) form.append("caption", text);
    if (reply) form.append("reply_to", reply);
    done = await deeds.upload(form);
  } else {
    done = await deeds.write(reply ? { text, reply_to: reply } : { text });
  }
  if (!done) return;
  desk.files = [];
  $("text").value = "";
  compose.answer(null);
  drawAttached();
  grow();
  pin();
}

function drawMenu(filter) {
  const found = (state.view?.commands || []).filter(({ command }) => command.startsWith(filter));
  desk.chosen = Math.min(desk.chosen, Math.max(0, found.length - 1));
  $("menu").replaceChildren(...found.map(({ command, description }, at) => {
    const node = button("", element("span", "", element("b", "", `/${command}`), description), () => choose(command));
    node.role = "option";
    node.ariaSelected = String(at === desk.chosen);
    return node;
  }));
  $("menu").hidden = !found.length;
  $("commands").ariaExpanded = String(!$("menu").hidden);
}

function choose(command) {
  hideMenu();
  $("text").value = "";
  grow();
  pin();
  deeds.write({ text: isGroup() ? `/${command}@${state.view.bot.username}` : `/${command}` });
}

function hideMenu() {
  $("menu").hidden = true;
  desk.chosen = 0;
  $("commands").ariaExpanded = "false";
}

function grow() {
  const text = $("text");
  text.style.height = "auto";
  text.style.height = `${text.scrollHeight}px`;
  const command = /^\/(\w*)$/.exec(text.value);
  if (command) drawMenu(command[1]); else hideMenu();
}

function keys(event) {
  const options = [...$("menu").children];
  const open = !$("menu").hidden;
  const to = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (open && to) {
    event.preventDefault();
    desk.chosen = (desk.chosen + to + options.length) % options.length;
    options.forEach((node, at) => { node.ariaSelected = String(at === desk.chosen); });
    options[desk.chosen]?.scrollIntoView({ block: "nearest" });
  } else if (open && event.key === "Tab") { event.preventDefault(); options[desk.chosen]?.click(); }
  else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    if (open && options[desk.chosen]) options[desk.chosen].click(); else submit();
  } else if (event.key === "Escape") {
    if (open) hideMenu(); else if (desk.edit) { $("text").value = ""; grow(); compose.answer(null); } else compose.answer(null);
  } else if (event.key === "ArrowUp" && !$("text").value) {
    event.preventDefault();
    [...document.querySelectorAll("#messages .row[data-id]")].at(-1)?.focus();
  }
}

function attachMenu() {
  const made = ["sticker", "voice", "location", "contact", "poll"].filter((kind) => KINDS.includes(kind));
  const marks = { sticker: "🎨", voice: "🎤", location: "📍", contact: "👤", poll: "📊", unknown: "❔" };
  popUp($("attach-menu"), $("attach"), [
    ["🖼", words.photos, () => $("photos").click()],
    ["📄", words.files, () => $("files").click()],
    ...[...made, "unknown"].map((kind) => [marks[kind], words[kind], () => { pin(); deeds.write({ kind }); }]),
  ]);
}

export function wireCompose() {
  $("writer").onsubmit = (event) => { event.preventDefault(); submit(); };
  $("text").oninput = grow;
  $("text").onkeydown = keys;
  $("text").onpaste = (event) => {
    const files = [...event.clipboardData.files];
    if (files.length) { event.preventDefault(); attach(files, false); }
  };
  $("photos").onchange = ({ target }) => { attach([...target.files], false); target.value = ""; };
  $("files").onchange = ({ target }) => { attach([...target.files], true); target.value = ""; };
  $("attach").onclick = attachMenu;
  $("commands").onclick = () => { if ($("menu").hidden) { drawMenu(""); $("text").focus(); } else hideMenu(); };
  $("above-end").onclick = () => { if (desk.edit) $("text").value = ""; grow(); compose.answer(null); };
  let over = 0;
  document.addEventListener("dragenter", (event) => { if (event.dataTransfer?.types.includes("Files")) { over += 1; $("drop").hidden = false; } });
  document.addEventListener("dragleave", () => { over = Math.max(0, over - 1); if (!over) $("drop").hidden = true; });
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => { event.preventDefault(); over = 0; $("drop").hidden = true; attach([...event.dataTransfer.files], false); });
}
