// What the page itself says.
export const WORDS = {
  en: {
    strip: "nothing here is real", person: "Person", write: "Message", bot: "bot", typing: "is typing…",
    upload_photo: "is sending a picture…", upload_document: "is sending a file…", edited: "edited", paid: "You paid",
    refunded: "Refunded", newcomer: "+ New person", hello: "This chat is empty.", start: "Start", blocked: "you blocked the bot",
    offline: "connection lost, trying again…", declined: "The payment did not go through: ", today: "Today",
    tooMany: "At most 10 pictures at once", receipt: "Receipt",
  },
  ru: {
    strip: "здесь всё понарошку", person: "Человек", write: "Сообщение", bot: "бот", typing: "печатает…",
    upload_photo: "отправляет картинку…", upload_document: "отправляет файл…", edited: "изменено", paid: "Вы оплатили",
    refunded: "Возвращено", newcomer: "+ Новый человек", hello: "Здесь пока пусто.", start: "Начать",
    blocked: "вы заблокировали бота", offline: "связь потеряна, пробую снова…", declined: "Оплата не прошла: ",
    today: "Сегодня", tooMany: "Не больше 10 картинок сразу", receipt: "Чек",
  },
};
