# Тексты бота. HTML Telegram: <b>, <i>, <code>. Значения подставляются уже экранированными.
# Слова с числом ($credits, $pictures …) приходят готовыми из count-credits и count-pictures (хватит на…).
# Баланс — то, что есть у человека; счёт — то, что он оплачивает.

count-credits = { $n ->
    [one] { $n } кредит
    [few] { $n } кредита
   *[many] { $n } кредитов
}
count-pictures = { $n ->
    [one] { $n } картинку
    [few] { $n } картинки
   *[many] { $n } картинок
}
count-photos = { $n ->
    [one] { $n } фото
    [few] { $n } фото
   *[many] { $n } фото
}
count-people = { $n ->
    [one] { $n } человек
    [few] { $n } человека
   *[many] { $n } человек
}
count-answers = { $n ->
    [one] { $n } ответ
    [few] { $n } ответа
   *[many] { $n } ответов
}

welcome =
    👋 <b>Привет! Я рисую по описанию, меняю фотографии и отвечаю на вопросы.</b>

    Вам в подарок — <b>{ $credits }</b>.
welcome-bare = 👋 <b>Привет! Я рисую по описанию, меняю фотографии и отвечаю на вопросы.</b>
welcome-back =
    👋 <b>С возвращением!</b>

    На балансе <b>{ $available }</b>.

enough-for = Картинка стоит { $price }: хватит на { $pictures }.

short-by = Картинка стоит { $price }. Чтобы на неё хватило, пополните баланс хотя бы на { $missing }: /topup

help =
    <b>Что я умею</b>

    🎨 <b>Картинки</b>
    /prompt <i>описание</i> или «нарисуй …» — картинка, { $price }
    /refs — ваши фото, чтобы лицо было похоже
    Фото с подписью или ответ на мою картинку — изменю её
    /settings — модель, форма, размер, язык
    /history — всё, что сделано; пришлю ещё раз бесплатно

    💬 <b>Беседа</b>
    Просто напишите. /clear — забыть, о чём говорили

    💳 <b>Кредиты</b>
    /balance, /topup, /referral — кредиты за друзей

    /support — написать людям · /paysupport — об оплате
    /terms · /privacy · /delete_me · /cancel

    Кредиты списываются, только когда всё готово. Не получилось — вернутся на баланс.

balance =
    💳 <b>На балансе { $available }</b>
balance-reserved = ⏳ Ещё { $reserved } отложено на картинки, которые рисуются
balance-debt = ⚠️ Долг после возврата платежа: { $debt }. Он спишется из следующего пополнения.

topup-choose =
    💳 На балансе <b>{ $available }</b>

    Выберите пакет:
topup-closed = 😔 Пополнить баланс сейчас нельзя. Попробуйте немного позже.
topup-way =
    🧾 <b>{ $credits } за { $price }</b>

    Как удобнее оплатить?

receipt-to = ✉️ Чек придёт на { $email }

email-ask = ✉️ К платежу в рублях полагается чек. На какой e-mail его прислать?
email-ask-hint = name@example.org
email-wrong = 🤔 Это не похоже на e-mail. Нужен адрес вида <code>name@example.org</code>, без пробелов.

choice-made = Этот счёт уже выставлен выше. Нужен ещё один — /topup

invoice-title = { $credits }
invoice-description = Пополнение баланса: { $credits } на картинки. Кредиты придут сразу после оплаты.

payment-preparing =
    ⏳ Готовлю ссылку на оплату…

    { $credits } за { $price }
payment-ready =
    🧾 <b>{ $credits } за { $price }</b>

    Нажмите кнопку, чтобы оплатить. Кредиты придут сразу после оплаты.
payment-paid = ✅ Оплачено: { $credits } за { $price }
payment-receipt =
    ✅ <b>Платёж получен: { $price }</b>

    Начислено: { $credits }
    На балансе: <b>{ $available }</b>
payment-canceled =
    ❌ Платёж на { $price } не состоялся, деньги не списаны.

    Можно попробовать ещё раз.
payment-expired =
    ⌛ Счёт на { $price } закрыт: его не оплатили вовремя. Деньги не списаны.

    Можно получить новый.
payment-put-aside =
    🔎 Деньги получены ({ $price }), но в платеже что-то не сошлось, поэтому кредиты пока не начислены.

    Мы уже разбираемся и ничего не потеряем. Вопросы — /paysupport

refund-settled =
    💸 <b>Возврат: { $amount }</b>

    Деньги отправлены туда, откуда пришла оплата. Списано: { $credits }
    На балансе: <b>{ $available }</b>
refund-failed =
    ↩️ <b>Возврат { $amount } не состоялся</b>

    Платёжная система его не провела, поэтому { $credits } снова ваши.
    На балансе: <b>{ $available }</b>

paysupport =
    💬 <b>Вопросы об оплате</b>

    Кредиты приходят сразу после оплаты. Если деньги списались, а кредитов нет, подождите несколько минут: каждый платёж мы сверяем с платёжной системой, и потеряться он не может.

    Telegram и его служба поддержки с покупками в этом боте не помогут.

support-contact = Чтобы вернуть деньги за неизрасходованные кредиты или задать вопрос, напишите нам: { $contact }. Укажите дату и сумму платежа, мы ответим.
support-nobody = Владелец бота пока не указал, куда писать с вопросами.

terms =
    📄 <b>Условия</b>

    1. Вы покупаете кредиты — ими оплачиваются картинки в этом боте. Цена картинки названа до начала работы.
    2. Кредиты списываются, только когда картинка готова. Если не получилось, они возвращаются на баланс.
    3. Неизрасходованные кредиты можно вернуть деньгами: /paysupport. Возврат идёт тем же путём, каким прошла оплата. Если платёж вернули, а его кредиты уже потрачены, они становятся долгом: он спишется из следующего пополнения.
    4. Картинки рисует нейросеть Gemini компании Google: ваши описания и фото, которые вы к ним прилагаете, передаются в Google. За содержание описаний и за то, как вы используете картинки, отвечаете вы.
    5. Что мы храним и кому передаём — /privacy
terms-contact = Вопросы: { $contact }
terms-link = Полный текст условий: { $url }

privacy =
    🔒 <b>Ваши данные</b>

    Мы храним то, что нужно для работы: ваш идентификатор, имя и язык в Telegram, описания, картинки (неделю), историю платежей и, если вы его назвали, e-mail для чеков.

    Описания и фото, которые вы к ним прилагаете, передаются в Google: картинки рисует его нейросеть Gemini. О вас самих Google от нас ничего не узнаёт. Оплату проводят ЮKassa и Telegram: им известно то, что нужно для платежа.
privacy-link = Политика конфиденциальности: { $url }

picture-ask = 🎨 Что нарисовать? Опишите словами.
picture-ask-hint = Рыжий кот в скафандре, акварель
picture-caption = Потрачено: { $spent } · осталось: { $left }
picture-caption-free = За наш счёт 🎁 · на балансе: { $left }
picture-failed =
    { $reason ->
        [policy] 🚫 Модель отказалась рисовать это описание. Попробуйте описать иначе.
        [nothing] 😕 Модель не смогла нарисовать такую картинку. Попробуйте описать иначе.
        [cut] ✂️ Модель оборвала работу на середине. Попробуйте ещё раз или опишите короче.
        [busy] 🐢 Сейчас слишком много желающих рисовать. Попробуйте через пару минут.
        [quota] 🌙 На сегодня модель нарисовала всё, что могла. Попробуйте через несколько часов.
        [late] ⌛ Картинка рисовалась слишком долго, и я остановил работу.
        [large] 📏 Запрос получился слишком большим. Попробуйте описать короче или взять картинки поменьше, или меньше картинок.
        [request] 🤔 Модель не принимает такой запрос. Попробуйте описать иначе.
        [reference] 📎 Telegram больше не отдаёт мне фото, которое нужно для этого запроса. Пришлите его, пожалуйста, ещё раз.
        [canceled] 🛑 Отменено.
       *[trouble] 😔 Не получилось нарисовать: сбой на нашей стороне.
    }

    Возвращено на баланс: <b>{ $returned }</b>

answer-failed =
    { $reason ->
        [policy] 🚫 Модель отказалась на это отвечать. Попробуйте спросить иначе.
        [nothing] 😕 Модель ничего не ответила. Попробуйте спросить иначе.
        [cut] ✂️ Модель оборвала ответ на середине. Попробуйте ещё раз или спросите короче.
        [busy] 🐢 Сейчас модели задают слишком много вопросов. Попробуйте через пару минут.
        [quota] 🌙 На сегодня модель ответила на всё, что могла. Попробуйте через несколько часов.
        [late] ⌛ Ответ готовился слишком долго, и я остановил работу.
        [large] 📏 Запрос получился слишком большим. Попробуйте спросить короче.
        [request] 🤔 Модель не принимает такой запрос. Попробуйте спросить иначе.
        [reference] 📎 Telegram больше не отдаёт мне фото, которое нужно для этого запроса. Пришлите его, пожалуйста, ещё раз.
        [canceled] 🛑 Отменено.
       *[trouble] 😔 Не получилось ответить: сбой на нашей стороне.
    }

    Возвращено на баланс: <b>{ $returned }</b>

words-instead =
    💬 <b>Вместо картинки модель ответила словами</b>

    За это ничего не списано, на баланс вернулось: <b>{ $returned }</b>. Вот что она сказала:

picture-lost =
    😔 Картинка была готова, но доставить её не удалось. Вы тут ни при чём.

    Возвращено на баланс: <b>{ $returned }</b>. Попробуйте, пожалуйста, ещё раз.

answer-lost =
    😔 Ответ был готов, но доставить его не удалось. Вы тут ни при чём.

    Возвращено на баланс: <b>{ $returned }</b>. Попробуйте, пожалуйста, ещё раз.

prompt-empty = 🎨 Описание пустое. Напишите, что нарисовать: <code>/prompt рыжий кот</code>
prompt-too-long = ✂️ Описание слишком длинное. Уложитесь, пожалуйста, в { $max } символов.
prompt-unreadable = 🤔 В описании есть символы, которые нельзя использовать. Наберите его заново.

too-many-running = ⏳ Больше картинок одновременно рисовать нельзя. Дождитесь тех, что уже рисуются, и пришлите описание ещё раз.
too-many-open = 🧾 У вас уже много неоплаченных счетов. Оплатите один из них или подождите: они закроются сами.

package-gone = 🔄 Цены обновились. Выберите пакет ещё раз: /topup

banned = ⛔ Ваш доступ закрыт. Если это ошибка, напишите администратору.

refused = 😔 Не получилось ({ $code }). Попробуйте позже.

unknown-command = 🤷 Такой команды я не знаю. Посмотрите /help

tap-outdated = Кнопка устарела

checkout-refused = Такой счёт сейчас оплатить нельзя. Пополнить: /topup
checkout-stranger = Этот счёт выставлен другому человеку. Получить свой: /topup
checkout-paid = Этот счёт уже оплачен. Новый: /topup
checkout-over = Этот счёт закрыт: его время вышло. Новый: /topup
checkout-away = Сейчас не получается проверить счёт. Деньги не списаны. Попробуйте через минуту.

button-topup = 💳 Пополнить
button-back = ‹ Назад
button-other-way = Другой пакет или способ оплаты
button-email = ✉️ Другой e-mail
button-way = { $way ->
    [bank_card] 💳 Банковская карта
    [sbp] ⚡ СБП
    [sberbank] 🟢 SberPay
    [tinkoff_bank] 🟡 T-Pay
    [yoo_money] 🟣 ЮMoney
    [invoice] 💳 Картой в Telegram
    [stars] ⭐ Звёзды Telegram
   *[page] 🌐 Все способы ЮKassa
}
button-package = { $credits } — { $price }
button-pay = Оплатить { $price }
button-draw = 🎨 Нарисовать · { $price }

start-how =
    🎨 <code>нарисуй рыжего кота в скафандре</code> — нарисую
    📷 Фото с подписью — изменю, как скажете
    💬 Всё остальное — отвечу
start-first = Хватит на { $pictures }. Что нарисовать?
start-invited = 🎁 Вас пригласил друг: ещё <b>{ $credits }</b> уже в пути.

insufficient =
    💳 <b>Не хватает кредитов</b>

    На балансе: { $have }
    Нужно: { $need }

wish-kept = Выберите пакет: после оплаты предложу выполнить этот запрос.
wish-ready =
    ✨ Теперь хватает на то, о чём вы просили:

    <blockquote>{ $prompt }</blockquote>
wish-gone = Этого запроса уже нет. Пришлите его, пожалуйста, ещё раз.

picture-accepted = ⏳ Принято! Отложено { $credits }, скоро начну…
picture-accepted-with = ⏳ Принято, возьму { $photos }! Отложено { $credits }, скоро начну…
picture-queued = ⏳ В очереди перед вами: { $before }. Отложено { $credits }
picture-painting =
    🎨 Рисую{ $step ->
        [0] …
        [1] ·
        [2] ··
       *[other] ···
    } Отложено { $credits }

edit-ask = ✏️ Что изменить на этой картинке?
edit-ask-hint = Сделай фоном закат
edit-nothing = ✏️ Ответьте на картинку словами — что на ней изменить.

tap-already-asked = Это уже делается
tap-canceling = Отменяю…

canceled-back = 🛑 Отменено. Возвращено на баланс: <b>{ $returned }</b>

tap-cancel-late = Уже готово

cancel-nothing = Отменять нечего.
cancel-done = Хорошо, забыли.

tap-original-gone = Файлы хранятся неделю, этого уже нет

answer-thinking = 💭 Думаю… Отложено { $credits }
answer-caption = <i>Потрачено: { $spent } · осталось: { $left }</i>

chat-off = 🎨 Беседовать я здесь не умею, зато рисую: <code>/prompt рыжий кот в скафандре</code>
chat-cleared = 🧹 Забыл. Начнём сначала.

system-prompt = Ты — Плантейн, дружелюбный помощник в Telegram. Отвечай на языке вопроса, коротко и по делу. Можно использовать Markdown: жирный, курсив, списки, код. Если человек хочет картинку, скажи, что можно написать «нарисуй …».

photo-kept =
    📎 Сохранено: { $photos } из { $max }. Буду смотреть на них, когда рисую, чтобы лицо было похоже.

    Теперь напишите, что нарисовать: <code>нарисуй меня космонавтом</code>
    Чтобы изменить само фото, пришлите его с подписью.

photos-full = 📎 Больше { $max } фото я не храню. Сначала уберите лишние: /refs

photo-too-large = 📏 Файл слишком большой: Telegram отдаёт мне файлы до { $max } МБ. Пришлите поменьше или отправьте как фото.
photo-not-picture = 🤔 Это не картинка, которую я могу взять. Я понимаю JPEG, PNG и WebP.

refs-none =
    📎 <b>Ваши фото</b>

    Пока ни одного. Пришлите до { $max } фото без подписи: буду смотреть на них, когда рисую, чтобы лицо было похоже.
refs =
    📎 <b>Ваши фото: { $photos } из { $max }</b>

    Я смотрю на них в каждой картинке. Кнопка убирает одно:
refs-gone = 📎 Готово: ваши фото больше не используются.

ref-removed = 📎 Убрано. Осталось: { $left }

cant-read =
    { $what ->
        [sticker] 😄 Отличный стикер! Но я понимаю только слова и картинки.
        [voice] 🎙 Слушать я пока не умею. Напишите, пожалуйста, словами.
        [video] 🎬 Видео я смотреть не умею. Пришлите фото или слова.
        [poll] 📊 В опросах я не участвую. Напишите, пожалуйста, словами.
        [location] 🗺 Не знаю, что делать с местом. Напишите, пожалуйста, словами.
        [contact] 👤 Контакты я не храню. Напишите, пожалуйста, словами.
       *[other] 🤷 Я понимаю только слова и картинки.
    }

balance-spent = 📉 Потрачено: { $spent } · куплено: { $bought } · подарено: { $given }
balance-made = 🖼 Сделано для вас: { $pictures }, { $answers }
balance-invited = 👥 Пришли по вашей ссылке: { $people }, это принесло { $earned }
balance-ends = ⌛ { $credits } сгорят { $at }

settings =
    ⚙️ <b>Настройки</b>

    Модель: <b>{ $model }</b>
    Форма: <b>{ $ratio }</b>
    Размер: <b>{ $size }</b>
    Картинки приходят: <b>{ $file ->
        [yes] файлами, без сжатия
       *[no] как фото
    }</b>
    Язык: <b>{ $language ->
        [ru] Русский
       *[en] English
    }</b>

    Картинка с ними стоит <b>{ $price }</b>.
settings-model = 🧠 Какой моделью рисовать?
settings-ratio = 📐 Какой формы?
settings-size = 🔍 Какого размера?
settings-language = 🌐 Язык · Language

ratio-auto = Авто

history-none = 🖼 Пока пусто. Напишите «нарисуй …» — и появится.
history =
    🖼 <b>История</b>
    Номер пришлёт результат ещё раз, бесплатно.
history-item = <b>{ $n }.</b> { $kind ->
        [text] 💬
        [edit] ✏️
       *[picture] 🎨
    } { $at } · { $state ->
        [open] делается
        [failed] не получилось, бесплатно
        [canceled] отменено, бесплатно
       *[done] { $credits }
    }
    <i>{ $prompt }</i>

tap-history-gone = Этот результат прислать уже нельзя

statement-none = 🧾 На балансе пока ничего не происходило.
statement =
    🧾 <b>Выписка</b>
    На балансе: <b>{ $available }</b>
statement-line = { $at } <b>{ $change }</b> → { $left }
    { $what ->
        [welcome] подарок за знакомство
        [referral] за приглашение
        [promo] подарок
        [admin] от администратора
        [compensation] компенсация
        [purchase] пополнение
        [restored] снова ваши: возврат не состоялся
        [picture] картинка
        [edit] правка картинки
        [answer] ответ
        [returned] возвращено
        [refund] возврат денег
        [revoked] снято администратором
        [expired] сгорели
        [debt] погашение долга
       *[debt_forgiven] долг прощён
    }

referral =
    👥 <b>Пригласите друзей</b>

    За каждого, кто придёт по вашей ссылке, вам — <b>{ $inviter }</b>, а другу — <b>{ $invited }</b>.

    <code>{ $link }</code>
referral-counts = Пришли по ней: <b>{ $people }</b>, это принесло вам <b>{ $earned }</b>
referral-none = По ней пока никто не пришёл.
referral-line = { $at } · { $initial }… <b>{ $change }</b>
referral-share = Я рисую здесь картинки по словам. По этой ссылке тебе подарят { $invited }:
referral-off =
    👥 <b>Пригласите друзей</b>

    Ваша ссылка: <code>{ $link }</code>

support-ask = 💬 О чём речь? Напишите нам одним сообщением, можно приложить фото.
support-ask-hint = Что случилось?
support-sent = ✅ Передали. Ответ придёт сюда.
support-trouble = 😔 Сейчас передать не получилось. Попробуйте через несколько минут.
support-header = 💬 Пишет <b>{ $name }</b> (<code>{ $user }</code>, { $language }). Ответьте на сообщение ниже: ответ уйдёт человеку.
support-how = Чтобы ответить человеку, ответьте на его сообщение.
support-delivered = ✅ Доставлено
support-gone = 🚫 Не доставлено: человек заблокировал бота или удалил аккаунт.

delete-ask =
    🗑 <b>Удалить всё о вас?</b>

    Описания, фото, картинки, беседы и настройки будут удалены безвозвратно.

    На балансе <b>{ $available }</b> — они пропадут. Оплаченные и неизрасходованные можно сначала вернуть деньгами: /paysupport

    Платежи останутся в учёте без вашего имени, как требует закон.
delete-ask-nothing =
    🗑 <b>Удалить всё о вас?</b>

    Описания, фото, картинки, беседы и настройки будут удалены безвозвратно.

    Платежи останутся в учёте без вашего имени, как требует закон.
delete-waits = ⏳ Что-то ваше ещё не закончено: картинка, платёж или возврат. Дождитесь или отмените (/cancel) и повторите.
delete-done = 🗑 Готово: всё о вас удалено. Захотите начать заново — просто напишите.
delete-kept = 👍 Ничего не удалено.

slow-down = 🐢 Не так быстро, пожалуйста: не успеваю. Подождите полминуты.

granted-admin =
    🎁 <b>Вам начислено { $credits }</b>

    На балансе: <b>{ $available }</b>
granted-promo =
    🎉 <b>Подарок: { $credits }</b>

    На балансе: <b>{ $available }</b>
granted-compensation =
    🤝 <b>За неудобства: { $credits }</b>

    На балансе: <b>{ $available }</b>
granted-inviter =
    👥 <b>По вашей ссылке пришёл друг: вам { $credits }</b>

    На балансе: <b>{ $available }</b>
granted-invited =
    🎁 <b>{ $credits } за то, что пришли по ссылке друга</b>

    На балансе: <b>{ $available }</b>
granted-until = ⌛ Действуют до { $at }

revoked =
    ➖ <b>Администратор снял { $credits }</b>

    На балансе: <b>{ $available }</b>. Вопросы — /support

expired =
    ⌛ <b>{ $credits } — срок вышел, они сгорели</b>

    На балансе: <b>{ $available }</b>

debt-forgiven = 🤝 <b>Долг { $credits } прощён</b>

banned-now = ⛔ Администратор закрыл вам доступ. Если это ошибка — /support

unbanned-now = ✅ Доступ снова открыт.

admin-help =
    🛠 <b>Администратору</b>

    /stats — последние дни
    /user <i>id или имя</i> — о человеке
    /grant <i>id кредиты причина</i> — начислить (или снять, с минусом)
    /ban <i>id причина</i> · /unban <i>id причина</i>
    /message <i>id текст</i> — написать человеку
    /broadcast ответом на сообщение — разослать его

    id — это номер в Telegram. Всё, что вы делаете, записано в журнал с вашим именем. В причине никого не называйте.
admin-only = 🤷 Такой команды я не знаю. Посмотрите /help
admin-stats = 📊 <b>Людей: { $people }</b>, недоступны: { $away }
admin-day = <b>{ $day }</b>: новых { $new }, активных { $active }
    🎨 { $pictures } · 💬 { $answers } · ✖️ { $failed } · 💳 { $payments } ({ $paid })
    потрачено кредитов: { $spent }, поставщику { $cost } USD
admin-user-how = /user <i>id или часть имени</i>
admin-user-none = 🤷 По «{ $find }» никто не нашёлся
admin-user =
    👤 <b>{ $name }</b> <code>{ $user }</code> ({ $language }), с { $since }{ $banned ->
        [yes] , ⛔ доступ закрыт
       *[no] {""}
    }{ $away ->
        [yes] , 🚫 недоступен
       *[no] {""}
    }
    <code>{ $account }</code>
admin-user-balance = 💳 на балансе { $available }, отложено { $reserved }, долг { $debt }
    потрачено { $spent }, куплено { $bought }, подарено { $given }; заплачено { $paid }
admin-user-made = 🎨 { $pictures } · 💬 { $answers } · 👥 { $invited }
admin-grant-how = /grant <i>id кредиты причина</i>, например: <code>/grant 12345 50 за терпение</code>
admin-granted = ✅ { $user }: начислено { $credits }, на балансе { $available }
admin-revoked = ✅ { $user }: снято { $credits }, на балансе { $available }
admin-ban-how = /ban <i>id причина</i> или /unban <i>id причина</i>
admin-banned = ⛔ { $user }: доступ закрыт
admin-unbanned = ✅ { $user }: доступ открыт
admin-already-banned = { $user }: доступ уже закрыт
admin-not-banned = { $user }: доступ не закрыт
admin-refused = ✖️ Ядро отказало ({ $code }): { $message }
admin-message-how = /message <i>id текст</i>
admin-message-sent = ✅ Отправляем: { $user }
admin-first-payment = 🎉 Первая оплата <code>{ $user }</code>: { $price } за { $credits }
admin-quarantined = 🔎 Платёж ({ $rail }) отложен: { $problems }. Смотрите <code>ledger cases</code>
admin-trouble = 🚨 { $what }

broadcast-how = 📣 Напишите сообщение так, как его увидят люди (текст или фото с подписью), и ответьте на него командой /broadcast
broadcast-segment = 📣 Кому?
broadcast-confirm = 📣 <b>{ $segment }</b>: { $people }. Отправить?
broadcast-nobody = 📣 В этой группе никого нет.
broadcast-state = 📣 <b>{ $state ->
        [running] Рассылаю…
        [paused] На паузе
        [finished] Закончено
       *[draft] Не начато
    }</b>
    ✅ { $sent } · ✖️ { $failed } · 🚫 { $blocked } из { $recipients }
broadcast-none = 📣 Такой рассылки уже нет.

segment-everybody = Все
segment-russian = На русском
segment-english = На английском
segment-payers = Платили
segment-never-paid = Не платили
segment-active = Активные за 7 дней
segment-quiet = Молчат 30 дней

button-menu = ‹ Меню
button-balance = 💳 Баланс
button-settings = ⚙️ Настройки
button-refs = 📎 Мои фото{ $photos ->
        [0] {""}
       *[other] {" "}· { $photos }
    }
button-history = 🖼 История
button-invite = 👥 Пригласить
button-help = ❔ Помощь
button-statement = 🧾 Выписка
button-again = 🔄 Ещё раз
button-edit = ✏️ Изменить
button-original = 📎 Файл
button-cancel = ✖️ Отменить
button-wish = ✨ Выполнить · { $price }
button-older = ‹ Раньше
button-newer = Позже ›
button-number = { $n }
button-model = 🧠 { $model }
button-ratio = 📐 { $ratio }
button-size = 🔍 { $size }
button-as-file = { $file ->
        [yes] 🗂 Файлами
       *[no] 🖼 Как фото
    }
button-language = { $language ->
        [ru] 🌐 Русский
       *[en] 🌐 English
    }
button-option = { $chosen ->
        [yes] ✓ { $name }
       *[no] { $name }
    }
button-option-priced = { $chosen ->
        [yes] ✓ { $name } · { $price }
       *[no] { $name } · { $price }
    }
button-ref-remove = ✖️ { $n }
button-refs-clear = 🗑 Убрать все
button-share = 📨 Отправить другу
button-delete = 🗑 Удалить всё
button-keep = 👍 Нет, оставить
button-send = 📣 Отправить
button-pause = ⏸ Пауза
button-resume = ▶️ Продолжить
button-stop = ⏹ Остановить
button-refresh = 🔄 Обновить

command-start = начало
command-prompt = нарисовать картинку по описанию
command-generate = то же, что /prompt
command-balance = сколько кредитов на балансе
command-topup = пополнить баланс
command-settings = модель, форма, размер, язык
command-refs = ваши фото, чтобы лицо было похоже
command-history = что сделано, прислать ещё раз
command-referral = пригласить друзей, получить кредиты
command-clear = забыть, о чём говорили
command-cancel = отменить начатое
command-support = написать людям
command-paysupport = вопросы об оплате и возврате
command-terms = условия
command-privacy = что происходит с вашими данными
command-delete-me = удалить всё обо мне
command-help = что я умею
command-admin = администратору
command-stats = последние дни
command-user = о человеке
command-grant = начислить или снять кредиты
command-ban = закрыть доступ
command-unban = открыть доступ
command-broadcast = разослать сообщение
command-message = написать человеку
