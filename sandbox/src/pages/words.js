// What the page itself says.
export const WORDS = {
  en: {
    strip: "nothing here is real", chats: "Chats", talk: "Conversation", write: "Message", bot: "bot", person: "Person",
    theme: "Light or dark", newPerson: "New person", newGroup: "New group", back: "Back to chats", more: "More",
    down: "To the newest", commands: "Commands", attach: "Attach", send: "Send", cancel: "Cancel", drop: "Drop pictures here",
    typing: "typing", upload_photo: "sending a photo", upload_document: "sending a file", thinking: "Thinking…",
    edited: "edited", paid: "You paid", refunded: "Returned to you", receipt: "Receipt", start: "Start", empty: "Say hello to the bot.",
    nobody: "No chats yet.", blocked: "You have blocked the bot", block: "Block the bot", unblock: "Unblock the bot",
    editPerson: "Name and language", name: "Name", language: "Language", save: "Save", offline: "connection lost, trying again…",
    declined: "The payment did not go through: ", today: "Today", yesterday: "Yesterday", tooMany: "At most 10 files at once",
    reply: "Reply", edit: "Edit", editing: "Editing", replyTo: "Reply to", photo: "Photo", file: "File", album: "Album", sticker: "Sticker",
    voice: "Voice message", video: "Video", video_note: "Video message", animation: "GIF", audio: "Music", poll: "Poll", location: "Location",
    contact: "Contact", dice: "Dice", unknown: "A message no app knows yet", photos: "Photos", files: "Files", asFiles: "Send as files",
    remove: "Remove", forwarded: "Forwarded from", you: "You", pay: "Pay", payFail: "Let the bank decline", email: "E-mail for the receipt",
    paying: "Waiting for the bot…", paidDone: "Paid", close: "Close", open: "Open in a tab", copied: "Copied", joined: "added the bot",
    left: "The bot left", earlier: "Earlier messages", next: "Next", previous: "Previous", group: "group", kicked: "The bot is not here",
    stars: "Telegram Stars", card: "Bank card", writes: "Writes here", wentWrong: "That did not work: ",
    add: "Add the bot", kick: "Remove the bot", unread: "unread", sent: "sent", chatWith: "as",
  },
  ru: {
    strip: "здесь всё понарошку", chats: "Чаты", talk: "Переписка", write: "Сообщение", bot: "бот", person: "Человек",
    theme: "Светлая или тёмная", newPerson: "Новый человек", newGroup: "Новая группа", back: "К списку чатов", more: "Ещё",
    down: "К новым", commands: "Команды", attach: "Прикрепить", send: "Отправить", cancel: "Отменить", drop: "Отпустите картинки здесь",
    typing: "печатает", upload_photo: "отправляет фото", upload_document: "отправляет файл", thinking: "Думаю…",
    edited: "изменено", paid: "Вы оплатили", refunded: "Вам вернули", receipt: "Чек", start: "Начать", empty: "Поздоровайтесь с ботом.",
    nobody: "Пока нет чатов.", blocked: "Вы заблокировали бота", block: "Заблокировать бота", unblock: "Разблокировать бота",
    editPerson: "Имя и язык", name: "Имя", language: "Язык", save: "Сохранить", offline: "связь потеряна, пробую снова…",
    declined: "Оплата не прошла: ", today: "Сегодня", yesterday: "Вчера", tooMany: "Не больше 10 файлов сразу",
    reply: "Ответить", edit: "Изменить", editing: "Изменение", replyTo: "Ответ на", photo: "Фото", file: "Файл", album: "Альбом", sticker: "Стикер",
    voice: "Голосовое сообщение", video: "Видео", video_note: "Видеосообщение", animation: "GIF", audio: "Музыка", poll: "Опрос", location: "Геопозиция",
    contact: "Контакт", dice: "Кубик", unknown: "Сообщение, которого ещё никто не знает", photos: "Фото", files: "Файлы", asFiles: "Отправить файлами",
    remove: "Убрать", forwarded: "Переслано от", you: "Вы", pay: "Оплатить", payFail: "Банк отказывает", email: "Почта для чека",
    paying: "Ждём ответа бота…", paidDone: "Оплачено", close: "Закрыть", open: "Открыть во вкладке", copied: "Скопировано", joined: "добавляет бота",
    left: "Бот вышел", earlier: "Более ранние", next: "Дальше", previous: "Назад", group: "группа", kicked: "Бота здесь нет",
    stars: "Telegram Stars", card: "Банковская карта", writes: "Пишет здесь", wentWrong: "Не получилось: ",
    add: "Добавить бота", kick: "Убрать бота", unread: "непрочитанных", sent: "отправлено", chatWith: "как",
  },
};

/** The words now in use; `speak` exchanges them. */
export let words = WORDS.en;

export function speak(language) {
  const known = language?.startsWith("ru") ? "ru" : "en";
  words = WORDS[known];
  document.documentElement.lang = known;
  // Whoever pays reads the provider's page in the same language.
  document.cookie = `lang=${known}; path=/checkout; SameSite=Lax`;
  for (const node of document.querySelectorAll("[data-text]")) node.textContent = words[node.dataset.text];
  for (const node of document.querySelectorAll("[data-label]")) {
    node.ariaLabel = words[node.dataset.label];
    if (node.tagName === "BUTTON") node.title = node.ariaLabel;
    if (node.placeholder !== undefined) node.placeholder = words[node.dataset.label];
  }
}
