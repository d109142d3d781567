# Консоль: слова страниц.

## Рамка
skip-to-content = К содержанию
menu = Разделы
about-log = Журнал
about-money = Деньги
about-people = Сотрудники
menu-home = Обзор
menu-acts = Действия
menu-staff = Сотрудники
language = Язык
sign-out = Выйти
to-the-first-page = На первую страницу
pages = Страницы
newest = Самые новые
older = Раньше
save = Сохранить

## Вход
sign-in = Войти
name = Имя
password = Пароль
wrong-password = Имя или пароль не подходят.
wrong-own-password = Пароль не подходит.
too-many-tries = Слишком много попыток. Подождите четверть часа.

## Почему страницы нет
not-found = Такой страницы нет
not-found-more = Проверьте адрес или начните с первой страницы.
not-for-you = Эта страница не для вашей роли
not-for-you-more = Роли даёт администратор на странице «Сотрудники».
sign-in-first = Сначала войдите
sign-in-first-more = Сеанс закончился, и ничего не изменено. Войдите и повторите.
prove-first = Подтвердите пароль
prove-first-more = Чтобы изменить здесь что-либо, подтвердите пароль на своей странице: он действует 10 минут.
from-elsewhere = Это пришло не со страницы консоли
from-elsewhere-more = Ничего не изменено. Откройте страницу заново и повторите.
address-unfit = Адрес не подходит
address-unfit-more = Проверьте адрес: одно из полей в нём не подходит.
database-away = База данных сейчас недоступна
database-away-more = Повторите через минуту. Сделано ли то, что вы только что отправили, неизвестно: посмотрите, прежде чем отправлять заново.

## Своя страница
me = Моя страница
roles = Роли
role-finance = Финансы
role-finance-more = читает деньги и отчёты, выгружает
role-operator = Оператор
role-operator-more = следит за работой, перестраивает проекции, ведёт рассылки
role-administrator = Администратор
role-administrator-more = люди, деньги, магазин и кто может входить
prove = Подтвердить пароль
prove-more = Перед действиями с деньгами и с сотрудниками пароль спрашивают ещё раз.
prove-do = Подтвердить
is-proven = Пароль подтверждён на 10 минут.
password-now = Нынешний пароль
password-new = Новый пароль
password-again = Новый пароль ещё раз
password-hint = { $n ->
    [one] Не короче { $n } символа.
   *[other] Не короче { $n } символов.
}
change-password = Сменить пароль
change-password-do = Сменить и войти заново
passwords-differ = Новые пароли не совпадают.
password-unfit = Пароль слишком короткий или слишком длинный: нужно от 12 до 200 символов.

## Сотрудники
staff-change = Добавить или изменить
staff-name-hint = Латинские буквы, цифры, точка, «_» и «-». Этим именем подписаны действия.
staff-password-hint = { $n ->
    [one] Пусто: пароль остаётся прежним. Не короче { $n } символа.
   *[other] Пусто: пароль остаётся прежним. Не короче { $n } символов.
}
may-not-sign-in = вход закрыт
no-role = Никакой: вход закрыт
no-role-more = Сеансы завершатся сразу. Ролей выше не отмечайте.
roles-unfit = Не сделано: отметьте хотя бы одну роль или то, что вход закрыт.
staff-changed = Не сделано: роль себе не добавляют.
done-staff = Сделано. Это записано в журнал.
staff-unfit = Не сделано: имя или пароль не подходят. Имя — от 2 до 32 латинских букв, цифр, «.», «_» и «-»; новому сотруднику нужен пароль.
reason-missing = Не сделано: напишите причину. Она останется в журнале.
last-administrator = Не сделано: больше администраторов нет. Сначала сделайте администратором кого-нибудь ещё.
not-done = Не сделано: журнал сейчас не принимает команд. Повторите через минуту.

## Обзор
log-position = Событий в журнале
log-incarnation = Воплощение журнала
projections = Проекции
projection = Проекция
today = Сегодня
ready = Готово
figures-not-live = Что считает проекция «{ $projection }», сейчас неизвестно: рабочей сборки нет. Почему — на странице «Проекции».
figures-standing = Проекция «{ $projection }» остановилась: того, что было потом, в её числах нет. Почему — на странице «Проекции».
figures-old = Эти числа устарели: в них ещё нет событий: { $n }, первое из них ждёт { $time }.
figures-unread = Сегодняшние числа сейчас не читаются: причина в логе ledger.
position = Позиция
behind = Отстаёт на

## Действия
acts-none = Действий ещё не было.
when = Когда (Москва)
who = Кто
what = Что
to-what = С чем
reason = Причина

## Журнал
menu-log = Журнал
account = Счёт
type = Тип
any = любой
command = Команда
from = С какого момента
to = По какой момент
moment-hint = Позиция, день по Москве (2026-11-21) или время (2026-11-21T14:30:00+03:00).
find = Найти
available = Доступно
reserved = В резерве
debt = Долг
none-found = Таких событий нет.
none-so-far = На этом отрезке журнала таких событий нет, но раньше могут быть.
look-further = Искать дальше
account-unfit = Это не номер счёта: нужен UUID, например 00000000-0000-4000-8000-000000000000.
type-unfit = Событий такого типа не бывает: выберите тип из списка.
moment-unfit = Такого момента в журнале нет: нужна позиция (1234), день по Москве (2026-11-21) или время (2026-11-21T14:30:00+03:00).

## Событие
version = Версия счёта
because-of = Из-за события
says = Что в нём сказано
postings = Проводки
event-before = ← Предыдущее
event-after = Следующее →
no-postings = Это событие ничего не меняет в книгах.
book = Счёт книги
asset = В чём
debit = Дебет
credit = Кредит
in-the-chain = Место в цепочке
hash-before = Хеш предыдущего
hash = Хеш
proof = Скачать доказательство
proof-more = Доказательство связывает это событие с подписанной контрольной точкой журнала. Его проверяют без базы и без сети.
proof-check = Проверка: ledger prove check { $file } --vkey КЛЮЧ
no-proof-yet = Доказательства ещё нет
no-proof-yet-more = За это событие ещё не ручается ни одна контрольная точка. Она появится через несколько секунд, если задан CHECKPOINT_KEY_FILE.
not-proved = Доказать не удалось
not-proved-more = Журнал не такой, каким его подписали, или подпись не читается. Запустите ledger verify и позовите администратора.

## Книги
menu-books = Оборотно-сальдовая ведомость
menu-statement = Выписка
at = На какой момент
show = Показать
as-of = По позицию
balanced = Дебет равен кредиту в каждой валюте.
unbalanced = Дебет не равен кредиту: такого быть не должно. Запустите ledger verify и позовите администратора.
balance = Остаток
sum = Сумма
so-far = Всего к этому моменту
deferred = Оплачено, но ещё не использовано
recognised = Признанная выручка
breakage = Сгорело
refunds-open = К возврату, ещё не выплачено
fees = Комиссии
money = Деньги
asset-unfit = Такой валюты в книгах нет: в адресе пишется CREDIT, RUB или XTR.
log-unread = Журнал не читается
log-unread-more = Запустите ledger verify и позовите администратора.
whose-statement = Впишите счёт: его номер есть у каждого события журнала.
all-events = Все события счёта

## Деньги по дням
menu-revenue = Выручка
first-day = С какого дня
last-day = По какой день
day = День (Москва)
origin = Откуда
paid-in = Оплачено
refunded = К возврату
paid-back = Возвращено
known-through = Известно по позицию
no-money-then = В эти дни денег не было.
day-unfit = Это не день: нужен, например, 2026-11-21.
days-unfit = Первый день должен быть не позже последнего, и всего не больше года.

## Что делают люди консоли
act-done = Сделано: позиция { $position }.
act-refused = Не сделано: журнал отказал ({ $why }).
act-in-doubt = Неизвестно, сделано ли это: журнал не ответил. Вернитесь и отправьте эту же форму ещё раз: дважды это не сделается.

## A payment
payment = Платёж
payment-id = Любой его номер
payment-id-hint = Наш (p-…), номер возврата (f-…) или номер платежа, списания или возврата у провайдера.
which-payment = Укажите номер платежа: он есть в чеке, в кабинете провайдера и в журнале.
payment-unknown = Платежа с таким номером нет: укажите наш (p-…), номер возврата (f-…) или номер у провайдера.
payment-in-quarantine = Это не наш платёж, он в карантине: смотрите «Случаи».
payment-ours = Наш номер
payment-theirs = Номер у провайдера
payment-method = Чем оплачен
payment-nobodys = не наш
state = Состояние
rail = Способ
package = Пакет
credits = Кредиты
price = Цена
opened-at = Открыт
closed-at = Закрыт
paid-at = Оплачен, по словам провайдера
net = За вычетом комиссии
canceled-why = Отменён, потому что
lots = Партии
lot = Партия
consumed = Потрачено
revoked = Забрано
lapsed = Сгорело
refunds = Возвраты
refund = Возврат
all-its-events = Все его события

## Cases
menu-cases = Случаи
case-gone = Это больше не ждёт: решение уже принято. Какое — сказано в платеже.
cases-none = Ничто о деньгах не ждёт человека.
in-quarantine = В карантине
in-quarantine-more = Оплачено, но не так, как должно быть: никому не начислено, пока кто-нибудь не решит.
late-payments = Платежи, которые не заканчиваются
late-refunds = Возвраты, которые не заканчиваются
open-since = Открыт с
stranded = Кредиты удалённых счетов
stranded-more = Их никто не может потратить: деньги за них надо вернуть.
days-that-differ = Дни с расхождениями
not-compared = { $provider }: последний день не сверен. Самый новый из сверенных: { $newest }.
none-lately = нет за 60 дней
problems = Что не так
seen-status = Увиденное состояние
seen-amount = Увиденная сумма
seen-shop = Магазин
seen-test = Тестовый
seen-names = Называет
yes = да
no = нет
decide = Решить
decide-not-for-you = Решают администраторы.
verdict = Решение
verdict-dismiss = Отклонить: здесь за него никому ничего не должны
verdict-settle = Провести: деньги пришли, начислить
settle-amount = Сколько оплачено
settle-amount-hint = Только чтобы провести: 100.00 рублей или 75 звёзд.
paid-in-test = Оплачено в тестовом магазине
decide-for-good = Я знаю, что это окончательно
decide-do = Решить
done-decided = Решено. Это в журнале.
not-sure = Не сделано: подтвердите, что это окончательно.
settle-nobodys = Не сделано: эти деньги не называют нашего платежа. Присвойте их нужному (ledger quarantine claim) или отклоните.
amount-unfit = Не сделано: сумма не подходит. Рубли пишут как 100 или 100.50, звёзды — как 75.
credits-unfit = Не сделано: кредиты — целое число больше нуля.
verdict-unfit = Не сделано: выберите решение.
reason-hint = Остаётся в журнале навсегда, поэтому не должна называть людей.

## Reconciliation
menu-reconciliation = Сверка
reconciliation-more = Каждую ночь книги провайдеров за день сверяются с нашими.
nothing-compared = Ни один день ещё не сверен.
provider = Провайдер
differences = Расхождения
difference = Расхождение
paid-here = Оплачено у нас
paid-there = Оплачено у них
compared-at = Сверен
provider-unfit = Такого провайдера нет: yookassa или telegram.
day-not-whole = Этот день здесь не полностью
day-not-whole-more = Слова провайдера о дне приходят через некоторое время после его конца, начиная с дня, когда заработал адаптер. Более ранний день сверяют с файлом реестра: ledger reconcile --file.
day-agrees = Обе стороны согласны.
day-differs = { $n ->
    [one] { $n } расхождение.
    [few] { $n } расхождения.
   *[other] { $n } расхождений.
}
day-matched = Одинаково с обеих сторон: { $matched }.
day-not-compared = Этот день ещё никто не сверял.
compare-now = Сверить сейчас
compare-now-more = Обе стороны сверяются такими, каковы они сейчас; найденное заносится в журнал.
earlier-comparisons = Прежние сверки
differences-unlisted = Ещё { $n } посчитаны, но не перечислены.
stated-by = Данные провайдера
stated-by-api = списки API
stated-by-file = файл реестра
done-compared = Сверено и занесено в журнал.
count = Сколько
where = Где
here = У нас
there = У них
differs-missing-here = Нет у нас
differs-missing-there = Нет у них
differs-currency-differs = Другая валюта
differs-amount-differs = Другая сумма
differs-fee-differs = Другая комиссия
differs-fee-unknown-here = Комиссия у нас неизвестна
differs-twice-there = У них дважды

## Clearing and debts
menu-clearing = Расчёты
clearing-more = Что принёс каждый способ оплаты, за вычетом комиссий и возвратов. Выплат в банк в журнале нет: сравните остаток с кабинетом провайдера.
fees-and-refunds = Комиссии и возвраты
menu-debts = Долги
debts-more = Кредиты, которые вернули после того, как они были потрачены: их гасит следующее пополнение.
accounts = Счета
next-page = Дальше

## Сеансы
sessions = Сеансы
session-began = Начат (Москва)
session-seen = Был здесь
session-address = Адрес
session-browser = Браузер
session-this = этот
session-end = Закончить
session-ended = Сеансы закончены.
sessions-end-others = Закончить все остальные
staff-sign-in = Вход сотрудника
staff-sessions-end = Закончить все его сеансы
too-fast = Слишком много запросов
too-fast-more = С вашего адреса или в вашем сеансе запросы идут слишком часто. Подождите немного и повторите.

## Второй фактор
totp = Код из приложения
totp-on = включён
totp-more = При входе можно спрашивать не только пароль, но и код из приложения на телефоне: чужой с вашим паролем тогда не войдёт.
totp-begin = Включить
totp-prove-first = Чтобы включить, сначала подтвердите пароль выше.
totp-scan = Наведите на картинку камеру в приложении для кодов: Google Authenticator, Aegis, 1Password или любом другом. Она показана один раз.
totp-picture = Картинка с ключом для приложения
totp-type = Или впишите ключ в приложение:
totp-confirm = Подтвердить и включить
totp-confirm-hint = Шесть цифр, которые теперь показывает приложение.
totp-is-on = При входе спрашивается код из приложения.
totp-is-off = Код при входе больше не спрашивается.
totp-off-do = Выключить
totp-on-already = Код уже включён: сначала выключите его.
totp-begin-again = Этот ключ больше не подходит: начните включение заново.
totp-reset = Отключить код из приложения
totp-none = Не сделано: у этого сотрудника код из приложения не включён.
totp-own = Не сделано: свой код выключают на своей странице.
code = Код
code-hint = Шесть цифр из приложения или один из запасных кодов.
wrong-code = Код не подходит или уже использован. Дождитесь следующего.
sign-in-over = Вход прерван: прошло больше пяти минут или было слишком много попыток. Начните заново.
sign-in-anew = Войти заново
recovery-codes = Запасные коды
recovery-more = Если телефон пропадёт, войти можно по одному из этих кодов: каждый действует один раз. Сохраните их сейчас, второй раз они не показываются.
recovery-kept = Коды сохранены
recovery-left = { $n ->
    [one] Остался { $n } запасной код.
    [few] Осталось { $n } запасных кода.
   *[other] Осталось { $n } запасных кодов.
}

## Tokens
menu-tokens = Токены API
tokens-more = Программы читают то, что показывают страницы, в виде JSON, каждая по своему токену, пока создавший его — администратор. По токену можно только читать. Что можно прочитать:
tokens-none = Пока никакая программа не читает.
token-new = Новый токен
token-name-hint = Кто по нему читает: от 2 до 32 букв a–z, цифр, «.», «_» и «-».
token-lives = Сколько он действует
days = { $n ->
    [one] { $n } день
    [few] { $n } дня
   *[other] { $n } дней
}
token-make = Создать токен
token-made = Это токен. Он показан один раз: сохраните его там, где хранят секреты.
token-there = Не сделано: токен с таким именем уже есть, или эта форма его уже создала. Откройте страницу заново или выберите другое имя.
token-unfit = Не сделано: имя — от 2 до 32 букв a–z, цифр, «.», «_» и «-».
token-without-roles = Не сделано: выберите хотя бы одну роль.
token-end = Отозвать
done-token-ended = Токен отозван: по нему больше никто не читает.
made-by = Кто создал
made-at = Создан
expires-at = Действует до
seen-last = Последнее чтение
never = никогда
token-missing = Токен не прислан
token-missing-more = Пришлите его с запросом: Authorization: Bearer plantain_… Его делает администратор на странице «Токены API».
token-not-good = Этот токен не годится
token-not-good-more = Он неизвестен, закрыт, просрочен, или тот, кто его сделал, уже не администратор. Другой делает администратор на странице «Токены API».
token-not-here = Здесь токен ничего не читает
token-not-here-more = Всё, что можно читать по токену, находится под /api/v1; изменить он ничего не может.
token-not-for = Этому токену не хватает роли
token-not-for-more = Для того, что он просит, нужна одна из ролей: { $wanted }. У него есть: { $has }.
too-many-streams = Открыто слишком много потоков журнала
## Проекции — для операторов
about-work = Работа
menu-projections = Проекции
all-projections = ← Все проекции
build = Сборка
builds = Сборки
state-live = рабочая
state-building = строится
state-ready = готова
state-old = прежняя
behind-time = Как давно
goings-on = Что происходит
version-of-fold = Версия
stands-at = Остановилась на событии
not-swapped = Не переключена
other-version = В этой программе другая версия проекции: рабочей остаётся прежняя сборка, новая строится.
wished = Ведущему сервису отправлена просьба сделать её рабочей.
worker-silent = Тот, кто над ней работал, молчит. Через десять секунд он будет считаться остановленным, а недостроенное — удалено.
stage-waiting = Начинается
stage-reading = Читает журнал
stage-indexing = Строит индексы
stage-catching-up = Догоняет журнал
stage-comparing = Сравнивает
stage-swapping = Переключается
stage-stopped = Остановлена
percent-of = { $n } % от { $target }
events-a-second = { $rate } событий в секунду
time-left = осталось { $time }
span-seconds = { $n } с
span-minutes = { $n } мин
span-hours = { $n } ч
span-days = { $n ->
    [one] { $n } день
    [few] { $n } дня
   *[many] { $n } дней
}
deed-rebuild = Перестроить…
deed-rebuild-more = Рядом с рабочей из журнала строится новая сборка и сравнивается с ней. То, что читают люди, не меняется.
deed-compare = Сравнить…
deed-compare-more = Новая сборка догоняет журнал и сравнивается с рабочей. Ничего не меняется.
deed-swap = Переключить…
deed-swap-more = С этого момента рабочая — новая сборка. Прежняя сохраняется, к ней можно вернуться.
deed-cancel = Отменить…
deed-cancel-more = Работа над новой сборкой прекращается, её таблицы удаляются. То, что читают люди, не меняется.
deed-back = Вернуть прежнюю…
deed-back-more = Прежняя сборка догоняет журнал и снова становится рабочей. Новая сохраняется.
deed-forward = Снова новую…
deed-forward-more = Новая сборка догоняет журнал и снова становится рабочей. Прежняя сохраняется.
confirm-swap = Различия я посмотрел.
confirm-back = То, что читают люди, изменится.
max-rate = Не больше событий в секунду
max-rate-hint = Пусто: уступает, пока журнал растёт.
rate-unfit = Не сделано: скорость — целое число больше нуля или пусто.
not-confirmed = Не сделано: отметьте, что вы этого хотите.
projection-busy = Не сделано: идёт работа над другой проекцией. Их строят по одной.
projection-under-way = Не сделано: она уже строится или переключается.
projection-none-ready = Не сделано: готовой сборки нет или над ней работают.
projection-nothing = Не сделано: кроме рабочей, сборок нет.
projection-none-kept = Не сделано: в эту сторону сборки нет или она уже переключается.
cancel-too-late = Поздно: она уже переключается. После этого можно вернуть прежнюю.
cancel-asked = Тому, кто над ней работает, передана просьба остановиться; он ещё не остановился. Посмотрите через несколько секунд.
done-rebuild = Перестройка началась. Она продолжится и без этой страницы.
done-compare = Сравнение началось. Оно продолжится и без этой страницы.
done-swap = Ведущему сервису передана просьба. Это займёт мгновение.
done-cancel = Отменено. От сборки ничего не осталось.
last-work = Последняя работа
work-rebuild = Сборка { $build }, построена: { $who }
work-compare = Сборка { $build }, сравнена: { $who }
work-failed = Ничего не вышло
work-canceled = Её отменили, от неё ничего не осталось.
work-lost = Сервис, который этим занимался, остановлен. Недостроенное удалено, начните заново.
no-difference = Различий нет, позиция { $at }.
rows-differ = { $n ->
    [one] Различается { $n } строка, позиция { $at }.
    [few] Различаются { $n } строки, позиция { $at }.
   *[many] Различаются { $n } строк, позиция { $at }.
}
table-differs = Только в рабочей: { $old }. Только в новой: { $new }. Есть в обеих и различаются: { $differing }.
and-more = … и ещё { $n }.
key = Ключ
column = Столбец
as-read = В рабочей сборке
as-made = Как следует из журнала
whole-row = вся строка
no-row = такой строки нет

## Открытые задания — для операторов
menu-jobs = Открытые задания
jobs-more = Для каждого до срока зарезервированы кредиты; после срока они возвращаются.
jobs-none = Сейчас ничего не делается.
jobs-first = ← К ближайшим срокам
jobs-next = Более поздние сроки →
model = Модель
age = Спросили назад
attempt = Попытка
worker = Исполнитель
held-for = До срока
job-waiting = ждёт
job-held = в работе ещё
job-resting = повтор через
job-over = срок вышел
doubts = неясных попыток

## Рассылки — для операторов
menu-broadcasts = Рассылки
broadcasts-none = Рассылок ещё не было.
broadcasts-over = Завершённые
broadcast = Рассылка
to-whom = Кому
written-down = Подготовлена
recipients = Получателей
how-far = Сколько сделано
broadcast-draft = черновик
broadcast-running = отправляется
broadcast-paused = на паузе
broadcast-finished = завершена
broadcast-sent = Отправлено
broadcast-failed = Не вышло
broadcast-blocked = Заблокировали нас
broadcast-left = Осталось
segment-everybody = Всем
segment-payers = Тем, кто пополнял баланс
segment-never-paid = Тем, кто ни разу не пополнял баланс
segment-language = Тем, с кем говорим на языке: { $language }
segment-active = { $n ->
    [one] Тем, кто спрашивал за последний { $n } день
    [few] Тем, кто спрашивал за последние { $n } дня
   *[many] Тем, кто спрашивал за последние { $n } дней
}
segment-quiet = { $n ->
    [one] Тем, кто не спрашивал последний { $n } день
    [few] Тем, кто не спрашивал последние { $n } дня
   *[many] Тем, кто не спрашивал последние { $n } дней
}
broadcast-start = Отправить…
broadcast-start-more = Отправляется всем получателям, прямо сейчас.
broadcast-go-on = Продолжить…
broadcast-go-on-more = Отправляется тем, кто остался.
broadcast-pause = Приостановить…
broadcast-pause-more = Пока её не продолжат, больше никому не отправляется.
broadcast-finish = Завершить…
broadcast-finish-more = Завершается насовсем: те, кто остался, её не получат.
broadcast-mean-it = Я знаю, что это нельзя вернуть.
broadcast-over = Не сделано: она завершена.
broadcast-runs = Не сделано: она уже отправляется.
broadcast-stands = Не сделано: она не отправляется.
broadcast-drafted-anew = Не сделано: тем временем её подготовили заново. Посмотрите ещё раз.
done-broadcast-start = Рассылка отправляется.
done-broadcast-pause = Рассылка приостановлена.
done-broadcast-finish = Рассылка завершена.
## Вторая подпись
menu-proposals = Ждут согласия
act-put-aside = Отложено: на это нужно согласие второго администратора. Дело ждёт его неделю.
act-decided-before = Не сделано: другой администратор уже решил это, или никто не решил вовремя. Откройте страницу заново и повторите.
proposals-more = Здесь то, чего один администратор сам не решает: движения кредитов выше суммы, которую назначил владелец, новые администраторы, новые цены. Соглашается или отказывает другой администратор.
proposals-none = Согласия ничего не ждёт.
decision = Решение
proposal-open = ждёт
proposal-lapsed = срок вышел
proposal-approving = согласовано, не выполнено
proposal-refusing = отклонено, не записано
proposal-done = выполнено
proposal-failed = журнал отказал
proposal-refused = отклонено
proposal-approve = Согласиться
proposal-refuse = Отклонить
proposal-unfinished = Решение принято, но неизвестно, выполнено ли оно. Повтор безопасен: дважды оно не выполнится.
proposal-finish = Довести до конца
proposal-own = Не сделано: на своё предложение согласие даёт другой администратор.
proposal-is-lapsed = Не сделано: срок предложения вышел.
proposal-is-decided = Не сделано: по этому предложению уже решено.
proposal-nowhere = Не сделано: такого предложения нет.
proposal-in-doubt = Неизвестно, выполнено ли это: журнал не ответил. Решение записано; нажмите «Довести до конца» ниже.

## Exports
menu-exports = Выгрузки
exports-more = Журнал и его книги для других программ: файл всего или части. Оборвавшаяся загрузка неполна: начните снова.
export-what = Что
export-postings = Проводки, CSV
export-events = События, CSV
export-trial-balance = Оборотно-сальдовая ведомость, CSV
export-revenue = Выручка по дням, CSV
export-statement = Выписка счёта, CSV
export-workbook = Книга: ведомость, выручка, проводки, XLSX
export-hledger = Журнал для hledger
export-ndjson = Журнал с хешами, для проверки где угодно, NDJSON
export-account-hint = Только для выписки.
download = Скачать
export-unfit = Такой выгрузки нет
export-unfit-more = Выберите одну на странице «Выгрузки».
too-many-exports = Уже делаются две выгрузки
too-many-exports-more = Каждая читает весь журнал. Попробуйте, когда одна закончится.
not-exported = Не выгрузилось
not-exported-more = Ничего не потеряно. Попробуйте ещё раз или запустите ledger export.
account-unfit-more = Он есть у каждого события журнала.
moment-unfit-more = Вернитесь и исправьте.

## Verifications
menu-verifications = Проверка
verifications-more = Хеш каждого события, цепочка, дерево с подписанными контрольными точками, каждый баланс и каждая проекция сверяются с журналом от начала до конца.
verify-now = Проверить сейчас
verify-begins = Начинается…
verify-so-far = { $done } из { $of } событий
verify-runs = Одна уже идёт.
cancel = Отменить
verified-events = События
verified-checkpoints = Согласных контрольных точек
verified-vouched = Подтверждено по позицию
verified-root = Корень дерева
verified-until = Закончена
verified-before = До сих пор
verification-running = идёт
verification-verified = верно
verification-verified-more = Каждому числу журнала можно верить.
verification-unvouched-more = Журнал согласуется сам с собой с первого события. Ни одна контрольная точка, хранимая отдельно, его не подтвердила: что его не переписали целиком, не доказано.
verification-wrong = неверно
verification-wrong-more = Журнал не таков, каким должен быть. Ничего не меняйте, сохраните копию базы и позовите администратора.
verification-canceled = отменена
verification-canceled-more = Она отменена.
verification-failed = не удалась
verification-failed-more = Её не удалось провести: причина в логе ledger.
verification-cut-off = оборвана
verification-cut-off-more = Ledger, который её вёл, остановился. Начните снова.

## Statistics
about-shop = Магазин
menu-statistics = Статистика
new-people = Новые люди
active-people = Активные люди
first-payers = Заплатили впервые
generations = Запросы
pictures = Картинки
answers = Ответы
failed = Не удалось
payments = Платежи
paid-rub = Оплачено рублями
paid-xtr = Оплачено звёздами
earned-rub = Заработано
cost-usd = Расходы, Google
conversion = Из пришедших заплатили
error-share = Из запросов не удалось
processing-time = От запроса до результата
kind = Вид
p50 = Половина за
p90 = 90 % за
p99 = 99 % за
seconds = с
why-failed = Почему запросы не удались
by-day = По дням

## Сервисы — для операторов
menu-health = Сервисы
service = Сервис
instance = Экземпляр
runs-for = На связи
heard-of = Последняя весть
service-ready = готов
service-leads = ведущий
service-not-ready = не готов
service-silent = молчит: неизвестно
service-ended = остановлен
service-lacks = не хватает
service-unheard = За последние сутки вестей не было: неизвестно.
nobody-leads = Ведущего сервиса нет: команды сейчас не принимаются. Запасной берётся за дело в течение 5 секунд.
the-log = Журнал
told-through = Передано в поток событий по
relay-lag = Ещё не передано событий
epoch = Смен ведущего
version-of-server = Версия
size = Размер
size-max = Не больше
connections = Подключения
oldest-transaction = Самая старая транзакция
no-transaction = ни одна не идёт
transactions-since = { $n ->
    [one] с тех пор началась { $n }
    [few] с тех пор начались { $n }
   *[many] с тех пор началось { $n }
}
unknown = неизвестно
nats-away = У этого сервиса нет связи с NATS.
streams = Потоки
stream = Поток
messages = Сообщений
first-and-last = Первое–последнее
consumers = Получатели событий
consumer = Получатель
done-through = Сделано по
pending = Ещё не показано
in-hand = В работе
redelivered = Показано повторно
consumer-idle = ждёт
consumers-more = Получателю показывают только его события, и по последнему из них он сообщает, докуда сделал. Если показывать ему больше нечего и в работе ничего нет, он ждёт, как бы далеко ни отстал: всё, что в журнале с тех пор, не для него.
## Люди
menu-people = Люди
find-person = Кого найти
find-person-hint = Имя или его начало, номер в Telegram, номер счёта или реферальная ссылка. Искомое не попадает ни в адрес страницы, ни в журналы.
active-lately = Что-то просили
in-days = { $n ->
    [1] сегодня
    [one] за { $n } день
    [few] за { $n } дня
   *[other] за { $n } дней
}
choose = Отобрать
everybody = Все люди
is-banned = заблокирован
is-away = недоступен
is-in-debt = есть долг
is-erased = удалён
has-paid = платил
whom-unfit = Напишите имя, номер в Telegram, номер счёта или реферальную ссылку.
search-over = Этот поиск уже закончился: найденное хранится час и не дольше сеанса. Поищите ещё раз.
days-active-unfit = Дней должно быть от 1 до 365.
nobody-found = Никого не нашлось.
more-found = Нашлось больше 500 человек, здесь не все. Допишите имя.
show-names = Показать имена
show-who = Показать, кто это
look-hint = Каждый просмотр записывается в журнал вместе с вашим именем. Данные видны только до ухода с этой страницы.
look-kept = Просмотр записан в журнал. Данные видны только на этой странице.
masked = скрыто
came = Пришёл
active-last = Последний запрос
standing = Отметки
person = Человек { $id }
telegram-id = Номер в Telegram
email = Почта для чеков
came-by = Пришёл по ссылке
bought = Купил кредитов
were-given = Получил в подарок
spent = Потратил
paid-in-all = Заплатил
pictures-made = Картинок
answers-made = Ответов
by-grant = Кредиты по выдачам
given-at = Выданы (Москва)
left = Осталось
expires = Сгорят
lot-purchase = покупка
lot-welcome = за знакомство
lot-referral = за приглашение
lot-promo = акция
lot-admin = от администратора
lot-compensation = компенсация
nothing-yet = Пока ничего.
whole-statement = Вся выписка
all-requests = Все запросы
state-open = выполняется
state-succeeded = готов
state-failed = не удался
state-canceled = отменён
state-opened = открыт
state-registered = ждёт оплаты
state-settled = завершён
invited = Приглашённые
came-by-link = Пришло по ссылке
earned-by-link = Принесло кредитов
settings = Настройки
as-catalog = как в каталоге
aspect-ratio = Стороны
picture-size = Размер
as-file = Картинки файлом
photos-kept = Сохранено фотографий
has-wish = Ждёт пополнения
reachable = Доступен боту
away-since = нет, с { $when }
support-notes = Писем в поддержку
not-folded-yet = Ещё не готово
not-folded-yet-more = Данные об этом ещё собираются из журнала. Повторите через минуту.

## Что сделать с человеком
deeds = Действия
what-to-do = Что сделать
deed-grant = Начислить кредиты
deed-take = Забрать кредиты
deed-forgive = Простить долг
deed-ban = Заблокировать
deed-unban = Разблокировать
deed-message = Отправить сообщение
given-as = Как начислить
message = Сообщение
message-hint = Придёт от бота. Можно разметку Telegram: <b>, <i>, <a href="…">.
go-on = Дальше
leave-it = Ничего не делать
will-grant = Кредиты будут начислены. Если есть долг, сначала погасится он. Бот сообщит об этом человеку.
will-take = Кредиты будут забраны. Бот сообщит об этом человеку.
will-forgive = Долг будет прощён. Бот сообщит об этом человеку.
will-ban = Человек не сможет тратить кредиты. Что уже выполняется, закончится, кредиты останутся. Бот сообщит ему об этом.
will-unban = Человек снова сможет тратить кредиты. Бот сообщит ему об этом.
will-message = Бот отправит это сообщение сразу.
will-wait = Человек сейчас недоступен боту: сообщение подождёт, пока он вернётся.
prove-beside = Сначала подтвердите пароль: страница откроется рядом, затем вернитесь и нажмите кнопку здесь.
done-granted = Кредиты начислены.
done-taken = Кредиты забраны.
done-forgiven = Долг прощён.
done-banned = Человек заблокирован.
done-unbanned = Человек разблокирован.
done-messaged = Сообщение отправляется.
source-unfit = Не сделано: выберите из списка, как начислить.
reason-long = Не сделано: причина длиннее 500 символов.
message-empty = Не сделано: напишите сообщение.
message-long = Не сделано: сообщение длиннее 4096 символов.
deed-unfit = Не сделано: откройте страницу заново и выберите действие из списка.
nobody-has-account = Не сделано: такого счёта нет или он удалён.
already-banned = Не сделано: человек уже заблокирован.
not-banned = Не сделано: человек не заблокирован.
too-few-credits = Не сделано: доступных кредитов меньше.
debt-is-smaller = Не сделано: долг меньше.

## Запросы
menu-requests = Запросы
request = Запрос
kind-text = Ответ
kind-picture = Картинка
kind-edit = Правка картинки
charged = Списано
cost = Себестоимость
cost-estimated = По оценке, без счёта
took = Секунд
took-vendor = Секунд у поставщика
delivered = Доставлен
how-it-went = Как было
content = Содержание
show-content = Показать запрос и результат
nothing-made = Ничего не сделано.
kilobytes = { $n } КБ
prompt = Запрос
system = Указания модели
photos-along = { $n ->
    [one] Приложена { $n } фотография.
    [few] Приложено { $n } фотографии.
   *[other] Приложено { $n } фотографий.
}
was-made = Результат
picture = Картинка
said-gone = Текст запроса больше не хранится.
made-gone = Результат больше не хранится здесь: срок хранения прошёл.
made-unread = Результат сейчас не читается. Повторите через минуту.
no-requests = Таких запросов нет.
no-requests-so-far = Среди этих запросов таких нет, но раньше могут быть.
request-filter-unfit = Такого вида или состояния не бывает: выберите из списка.
look-first = Сначала откройте запрос
look-first-more = Картинку показывают после просмотра запроса, который записан в журнал, и десять минут.
picture-gone = Этой картинки здесь больше нет
picture-gone-more = Срок её хранения прошёл.
picture-away = Картинка сейчас не читается
picture-away-more = Повторите через минуту.
## HTML Telegram
tag-unknown = Telegram не знает тега { $tag }.
tag-not-ended = Тег { $tag } не закрыт там, где должен быть.
tag-not-begun = Тег { $tag } закрыт, но не был открыт.
tag-none = С < начинается тег, а его здесь нет: для самого знака напишите &lt;.
## Рассылку составляют
broadcast-compose = Составить рассылку
broadcast-name = Название
broadcast-name-hint = Латинские буквы, цифры, точки и дефисы; если оставить пустым, назовётся сама.
broadcast-name-unfit = Название — от 1 до 64 латинских букв, цифр, точек, дефисов и подчёркиваний.
broadcast-name-taken = Черновик с таким названием уже есть, и в нём другое. Возьмите другое название или измените тот черновик из списка.
broadcast-is-started = Рассылка уже начата: ни изменить, ни попробовать её больше нельзя.
broadcast-draft-changed = Тем временем черновик изменил кто-то другой. Откройте его заново из списка; написанное вами — ниже.
draft-unfit = Записать не вышло: леджер отказал.
draft-in-doubt = Неизвестно, записался ли черновик. Нажмите ещё раз: дважды ничего не произойдёт.
content-unfit = Такое сообщение Telegram не отправит.
how-it-looks = Как это выглядит
go-on-writing = Писать дальше
segment = Получатели
whom-everybody = все
whom-payers = кто пополнял баланс
whom-never-paid = кто ни разу не пополнял баланс
whom-language = по языку
whom-active = кто недавно о чём-то просил
whom-quiet = кто давно ни о чём не просил
segment-code = Язык
segment-code-hint = Для «по языку»: ru, en.
segment-days = Дней
segment-days-hint = Для «недавно» и «давно»: за сколько последних дней.
segment-unfit = Выберите, кому она.
segment-language-unfit = Укажите язык: ru, en.
segment-days-unfit = Укажите число дней, от 1.
message-text = Текст
message-text-hint = HTML Telegram: <b>, <i>, <u>, <s>, <a href="…">, <code>, <pre>, <blockquote>, <tg-spoiler>. До 4096 знаков вместе с тегами, рядом с картинкой — до 1024.
beside-text = Кроме текста
message-picture = Картинка
message-picture-hint = file id фотографии, которую бот уже знает.
picture-unfit = Это не file id.
button-label = Надпись на кнопке
button-label-unfit = У кнопки должна быть надпись, до 64 знаков.
button-url = Адрес кнопки
button-url-hint = https://… или tg://…
button-url-unfit = Адрес кнопки начинается с https:// или tg://, до 512 знаков.
message-copy = Копия сообщения
message-copy-hint = Вместо текста и картинки: ЧАТ:СООБЩЕНИЕ, два числа.
copy-unfit = Сообщение указывают так: ЧАТ:СООБЩЕНИЕ, два числа.
copy-alone = У копии не бывает своего текста или картинки.
caption-long = Рядом с картинкой помещается 1024 знака.
broadcast-empty = Сказать нечего: нужен текст, картинка или сообщение для копии.
broadcast-look = Посмотреть
broadcast-write-down = Записать и посчитать
broadcast-write-down-hint = Пока ничего не отправляется: сначала покажем черновик и число получателей.
broadcast-copies = Копия сообщения: её покажет проба.
broadcast-with-picture = С картинкой: её покажет проба.
broadcast-change = Изменить
broadcast-try = Попробовать…
broadcast-try-more = Сообщение сразу уйдёт одному человеку, таким, каким его получили бы все.
broadcast-try-mine = Это мой аккаунт или тестовый.
try-whom = Кому
try-whom-hint = Номер аккаунта или номер в Telegram того, кто уже писал боту.
try-nobody = Никого с таким аккаунтом или номером бот не знает.
done-broadcast-draft = Записано, получатели посчитаны. Пока ничего не отправлено.
done-broadcast-try = Отправлено этому одному человеку. Посмотрите в чат.

## Каталог
menu-catalog = Каталог
catalog-in-force = Действует
catalog-not-yet = Каталог ещё не опубликован
catalog-not-yet-more = Ведущий сервис публикует первый каталог при запуске. Откройте страницу через минуту.
catalog-version = Версия { $n }
catalog-which = Версия
catalog-since = С
catalog-not-in-force = Это прежняя версия: сейчас действует версия { $n }.
catalog-compare-with-now = Чем она отличается от действующей
catalog-packages = Пакеты кредитов
catalog-package = Пакет
catalog-per-hundred = За 100 кредитов
catalog-rails = Чем платить
catalog-models = Модели и цены
catalog-price = Цена, кредитов
catalog-sizes = Полная цена по размерам
catalog-costs = Поставщику, $ за млн токенов
catalog-costs-more = Сколько берёт поставщик за миллион токенов: запроса / ответа / картинки; или за картинку, если он не считает токены.
catalog-default = по умолчанию
rail-yookassa = ЮKassa
rail-telegram_yookassa = ЮKassa в Telegram
rail-stars = Звёзды Telegram
currency-RUB = ₽ (рубли)
currency-XTR = ⭐ (звёзды)
catalog-bonuses = Бонусы
catalog-bonuses-none = нет
catalog-bonuses-welcome = Новому человеку
catalog-bonuses-inviter = Пригласившему
catalog-bonuses-invited = Приглашённому
catalog-bonuses-daily = Приглашений с бонусом в сутки, не больше
catalog-limits = Ограничения
catalog-limits-none = нет
catalog-limits-reservation = Сколько кредиты ждут результата
catalog-limits-lease = Через сколько задание переходит от замолчавшего работника к другому
catalog-limits-attempts = Попыток сделать одно
catalog-limits-running = Открытых запросов у одного человека
catalog-limits-working = Из них делается сразу
catalog-limits-payment = Сколько ждёт неоплаченный счёт
catalog-limits-payments = Неоплаченных счетов у одного человека
catalog-limits-prompt = Длина запроса
catalog-lifetimes = Сроки кредитов
catalog-lifetimes-none = без срока
catalog-lifetimes-purchase = Купленных
catalog-lifetimes-welcome = Приветственных
catalog-lifetimes-referral = За приглашение
catalog-lifetimes-promo = По акции
catalog-lifetimes-admin = От администратора
catalog-lifetimes-compensation = В возмещение
catalog-rates = Курсы для расчёта прибыли
catalog-rates-none = не заданы
catalog-rates-usd = Рублей за доллар поставщика
catalog-rates-star = Рублей за одну звезду
unit-credits = кр.
unit-characters = симв.
unit-days = дн.
unit-seconds = с
unit-rubles = ₽
catalog-versions = Все версии
catalog-changed = Что изменилось
catalog-compare-to = против версии { $n }
catalog-compare = Сравнение
catalog-compare-from = Что
catalog-compare-with = С чем
catalog-side-hint = Номер версии или draft (черновик). Пусто: действующая и черновик.
catalog-side-unfit = Напишите номер версии или слово draft.
catalog-compare-do = Сравнить
catalog-proposed = Предложенное
catalog-changes = Изменения
catalog-same = Различий нет.
catalog-was = Было
catalog-becomes = Станет
catalog-by-how-much = На сколько
catalog-nothing = нет
catalog-order = порядок
catalog-part-packages = Пакет
catalog-part-models = Модель
catalog-part-sizes = размер
catalog-part-kinds = цена
catalog-part-bonuses = Бонусы
catalog-part-limits = Ограничения
catalog-part-lifetimes = Сроки кредитов
catalog-part-rates = Курсы
catalog-part-id = Название для программ
catalog-part-name = название
catalog-part-credits = кредитов
catalog-part-price = цена
catalog-part-currency = Валюта
catalog-part-rails = чем платить
catalog-part-default = по умолчанию
catalog-part-extra = доплата за размер
catalog-part-image-tokens = токенов за картинку
catalog-part-aspect-ratios = формы
catalog-part-references-max = приложенных картинок, не больше
catalog-part-api = вызов поставщика
catalog-part-prompt = берёт поставщик: запрос
catalog-part-output = берёт поставщик: ответ
catalog-part-image = берёт поставщик: картинка в токенах
catalog-part-picture = берёт поставщик: за картинку
catalog-part-welcome = новому человеку
catalog-part-referral-inviter = пригласившему
catalog-part-referral-invited = приглашённому
catalog-part-referral-daily-max = приглашений в сутки
catalog-part-reservation-ms = ожидание результата
catalog-part-lease-ms = молчание работника
catalog-part-attempts-max = попыток
catalog-part-running-per-person-max = открытых запросов у человека
catalog-part-working-per-person-max = делается сразу у человека
catalog-part-payment-ms = ожидание оплаты
catalog-part-payments-open-max = неоплаченных счетов у человека
catalog-part-prompt-chars-max = длина запроса
catalog-part-purchase-days = купленных
catalog-part-welcome-days = приветственных
catalog-part-referral-days = за приглашение
catalog-part-promo-days = по акции
catalog-part-admin-days = от администратора
catalog-part-compensation-days = в возмещение
catalog-part-kopecks-per-usd = за доллар поставщика
catalog-part-kopecks-per-star = за звезду

## Черновик каталога
draft = Черновик
draft-title = Черновик каталога
draft-none = Черновика нет.
draft-none-yet = Черновика нет. Он начнётся с действующей версии { $n } и ничего не изменит, пока его не опубликуют.
draft-begin = Начать черновик
draft-from-it = Вернуть эти цены
draft-from-it-more = Черновик начнётся с этой версии. Действующие цены не изменятся, пока его не опубликуют.
draft-there = Не сделано: черновик уже есть. Доведите его до публикации или удалите.
draft-base = Сменит версию
draft-edited = Последняя правка
draft-changes = Что изменится
draft-problems = Так публиковать нельзя:
draft-outdated = Пока писали черновик от версии { $base }, вступила в силу версия { $now }. Опубликовать его так нельзя.
draft-outdated-look = Что изменила новая версия
draft-carry-more = Черновик останется, каким есть, и будет сравниваться с действующей версией. Что она изменила, он вернёт назад, если вы это не внесёте.
draft-carry = Перенести на версию { $n }
draft-edit = Правка
draft-edit-more = Сохранение меняет только черновик. Чего нет в полях, меняют
draft-models-more = Снимите отметку, чтобы модель не продавалась. Полная цена картинки: цена вида и доплата за размер.
draft-model-on = Продаётся
draft-size = Доплата за { $size }, кр.
draft-turn-on = Вернуть в продажу
draft-turn-on-none = ничего
draft-turn-on-more = Модель появится в черновике с прежними ценами; после сохранения их можно изменить.
draft-package-new = Новый пакет
draft-package-new-more = Оставьте пустым, если не нужен. После сохранения появится место для ещё одного.
draft-package-remove = Убрать пакет
draft-save = Сохранить черновик
draft-wrong = Не сохранено, исправьте поля:
draft-not-saved = Не сохранено: часть полей не подходит. Всё, что вы ввели, осталось в полях.
draft-written-over = Не сделано: черновик тем временем изменил кто-то другой. Сверху показано, каков он теперь; введённое вами осталось в полях. Сохраните ещё раз, чтобы записать своё поверх.
draft-form-unfit = Не сделано: откройте страницу заново и повторите.
draft-unread = Черновик не читается
draft-unread-more = Он записан другой версией программы: она его и прочитает.
draft-json = Весь каталог в JSON
draft-json-more = Числа без дробей: кредиты, копейки, звёзды, миллисекунды, миллионные доли доллара. Сохраняется в черновик и проверяется.
draft-json-unfit = Не сохранено. Строка { $line }, { $place }: { $why }
draft-end = Удалить черновик
draft-end-sure = Удалить всё, что в черновике изменено.
done-draft-saved = Черновик сохранён. Действующие цены не изменились.
done-draft-carried = Черновик перенесён на действующую версию.
done-draft-ended = Черновик удалён.
draft-publish = Опубликовать
draft-publish-more = Версия { $n } вступит в силу сразу: бот покажет новые цены через секунду, новые запросы и покупки пойдут по ним. Уже начатое закончится по прежним ценам. Публикация остаётся в журнале.
draft-publish-sure = Сравнение выше проверено, цены верны.
draft-publish-do = Опубликовать версию { $n }
draft-not-sure = Не опубликовано: подтвердите, что сравнение проверено.
draft-changed-since = Не опубликовано: черновик изменился после того, как вы открыли страницу. Посмотрите, что в нём теперь.
draft-too-late = Не опубликовано: тем временем вступила в силу другая версия. Перенесите черновик на неё и посмотрите сравнение.
draft-invalid = Не опубликовано: в черновике есть ошибки, они перечислены ниже.
draft-same = Не опубликовано: черновик не отличается от действующей версии.
draft-proposed = Этот черновик ждёт согласия второго администратора.
draft-not-agreed = Публикация этого черновика отклонена или просрочена. Измените его или просто сохраните ещё раз, чтобы предложить снова.
done-published = Опубликовано: новая версия действует.
problem-model-nameless = У одной из моделей нет названия.
problem-package-nameless = У одного из пакетов нет названия.
problem-package-id = Пакет { $name }: на кнопке бота помещается имя не длиннее { $max } знаков — a–z, 0–9, точка, дефис и подчёркивание.
problem-model-id = Модель { $name }: на кнопке бота помещается имя не длиннее { $max } знаков — a–z, 0–9, точка, дефис и подчёркивание.
problem-model-twice = Модель { $name } указана дважды.
problem-package-twice = Пакет { $name } указан дважды.
problem-makes-nothing = Модель { $name } ничего не делает: нет ни одного вида.
problem-two-prices = У модели { $name } две цены на один вид.
problem-free = Модель { $name } бесплатна: цена не меньше 1 кредита.
problem-too-dear = Модель { $name } с самым дорогим размером дороже, чем бывает: не больше 1 000 000 000 кредитов.
problem-size-twice = У модели { $name } один размер указан дважды или без названия.
problem-ratio-twice = У модели { $name } одна форма указана дважды или без названия.
problem-defaults = { $name }: { $n ->
    [0] нет модели по умолчанию
   *[other] моделей по умолчанию { $n }
}. Должна быть одна.
problem-no-credits = В пакете { $name } нет кредитов.
problem-no-price = Пакет { $name } ничего не стоит.
problem-no-rail = Пакет { $name } нечем оплатить: отметьте способ.
problem-rail-currency = Пакет { $name }: способ «{ $rail }» принимает только { $currency }.
problem-no-rate = Курс не меньше 1 копейки. Если он не известен, оставьте оба пустыми.
problem-limit-low = { $name }: не меньше 1.
problem-limit-high = { $name }: не больше { $max }.
wrong-number = От { $min } до { $max } { $unit }
wrong-count = Целое число от { $min } до { $max }
wrong-id = До { $max } знаков: a–z, 0–9, точка, дефис, подчёркивание; например rub-100
wrong-rubles = Рубли, например 100 или 99.50
wrong-stars = Целое число звёзд, от 1
wrong-currency = Выберите рубли или звёзды
wrong-model = Этой модели в черновике больше нет
## Отвергнутое и застрявшее
menu-letters = Отвергнутое и застрявшее
letters-wait = { $n ->
    [one] { $n } команду отвергли, хотя не должны были; она ждёт кого-нибудь.
    [few] { $n } команды отвергли, хотя не должны были; они ждут кого-нибудь.
   *[many] { $n } команд отвергли, хотя не должны были; они ждут кого-нибудь.
}
letters-none = Команды не ждут: всё, что отвергли, отвергли по делу.
letters-open = Ждут
letters-closed = Разобранные
letter = Команда
last-refused = Последний отказ
first-refused = Первый отказ
times-refused = Раз
producer = От кого
refusal = Отказ
letter-open = ждёт
letter-tried = ждёт, снова отказ
letter-done = выполнена
letter-dropped = отложена насовсем
letter-answer = Отправлена снова
letter-gone = Её содержимое уже не хранится или не хранилось вовсе.
letter-show = Показать содержимое
letter-only-seen = Её можно только посмотреть и отложить. Снова отправляется лишь то, что уже случилось: платёж прошёл, генерация готова. Желание человека за это время могло пройти или исполниться иначе, а старые данные затёрли бы новые.
letter-retry = Отправить снова…
letter-retry-more = Она ещё раз пойдёт в леджер такой, какой пришла, и от того же отправителя. Что уже сделано, второй раз не сделается.
letter-drop = Отложить насовсем…
letter-drop-more = Больше с ней ничего не делают; она остаётся в списке разобранных.
letter-refused-again = Снова отказ: его код ниже.
letter-is-closed = Не сделано: с ней уже разобрались.
done-letter-retry = Теперь выполнена.
done-letter-drop = Отложено насовсем.
event = Событие
last-tried = Последняя попытка
first-tried = Впервые сообщено
stuck = События, с которыми сервис не справляется
stuck-dropped = События, отложенные насовсем
stuck-none = Каждый сервис справляется с тем, что говорит ему журнал.
stuck-wait = { $n ->
    [one] { $n } событие застряло в сервисе, для которого оно записано.
    [few] { $n } события застряли в сервисах, для которых они записаны.
   *[many] { $n } событий застряли в сервисах, для которых они записаны.
}
stuck-more = Каждый сервис сам пробует снова, а со всем остальным тем временем работает дальше.
stuck-error = Почему не выходит
stuck-unsaid = Сервис не сказал. Возможно, он на этом событии падает: смотрите лог самого сервиса.
stuck-open = пробует снова
stuck-drop = Отложить насовсем…
stuck-drop-more = Сервис перестанет пробовать, как только спросит в следующий раз, в пределах двух минут. Событие останется в журнале, а то, что из-за него открыто (сообщение, запрос, платёж), сервис доведёт сам.
telling-drop = Больше не сообщать…
telling-drop-more = Об этом сразу перестанут сообщать кому бы то ни было. Картинки и ответы, которые не дошли, считаются потерянными: кредиты вернутся, и человеку об этом скажут. Событие останется в журнале.

## Тексты бота
menu-texts = Тексты бота
texts-more = Слова, которые говорит бот. Свои слова можно поставить на место встроенных отдельно для каждого языка и в любой момент вернуть встроенные.
texts-words = Слова или название
texts-own-only = Только изменённые
texts-find = Найти
texts-none = Таких текстов нет. Если нет ни одного, бот ещё не сообщил, какие у него есть: он делает это при запуске.
text = Текст
text-key = Название
text-ru = По-русски
text-en = По-английски
text-own = свой
text-builtin = встроенный
text-nowhere = Такого текста у бота нет, или он ещё не сообщил, какие у него есть.
text-more = Значения в предпросмотре условные: настоящие подставит бот. Если у текста несколько форм, показаны все.
text-preview = Так будет выглядеть
text-now = Сейчас бот говорит
text-edit = Текст
text-hint = Можно: <b>, <i>, <u>, <s>, <code>, <pre>, <a href="…">, <tg-spoiler>, <blockquote>; знак < пишется &lt;. До 4096 символов.
text-takes = Подставляется:
text-takes-nothing = В этот текст ничего не подставляется.
text-look = Предпросмотр
text-put = Сохранить
text-take-back = Вернуть встроенный
text-not-put = Не сохранено: текст не подходит. Написанное осталось в поле.
text-syntax = Строка { $line }: так написать нельзя ({ $what }). Знаки фигурных скобок окружают только то, что подставляется.
text-written-over = Не сохранено: этот текст тем временем изменил кто-то другой. Показано, каков он теперь; написанное вами осталось в поле. Сохраните ещё раз, чтобы поставить своё на его место.
text-empty = Текст пуст.
text-several = Получается больше одного текста: строка не должна начинаться с точки и названия.
text-unknown = Здесь нечего подставить вместо { $what }: этого нет во встроенном тексте.
text-lacks = Не хватает того, что есть во встроенном тексте: { $what }.
text-long = Текст длиннее 4096 символов.
done-text-put = Сохранено. Бот говорит так не позже чем через минуту.
done-text-taken-back = Вернули встроенный текст. Бот говорит его не позже чем через минуту.

# Картинки над текстами бота
text-pictured = картинка
picture-above = Картинка над текстом
picture-file = Картинка
picture-other-one = Другая картинка
picture-hint = PNG или JPEG, до 5 МБ. Ширина и высота вместе — до 10 000 точек, одна сторона больше другой не более чем в 20 раз. Рядом с картинкой в Telegram помещается до 1024 знаков.
picture-beside = В том же сообщении стоят и другие тексты:
picture-put = Поставить картинку
picture-take-back = Убрать картинку
picture-lost = Файл этой картинки потерян, и бот говорит одни слова. Загрузите её ещё раз.
picture-nothing = Картинка не выбрана.
picture-large = Файл больше 5 МБ. Уменьшите картинку и загрузите ещё раз.
picture-other = Это не PNG и не JPEG, а годятся только они. Решает содержимое файла, а не его имя.
picture-torn = Файл обрывается раньше, чем кончается картинка. Сохраните её заново.
picture-sides = Картинка { $sides } слишком велика: ширина и высота вместе могут быть до 10 000 точек.
picture-narrow = Картинка { $sides } слишком узкая: одна сторона может быть больше другой не более чем в 20 раз.
picture-written-over = Не сделано: картинку над этим текстом тем временем изменил кто-то другой. Показано, как стоит теперь; повторите, если хотите изменить и это.
picture-not-here = Над этим текстом картинка стоять не может: бот не присылает его отдельным сообщением.
picture-gone-again = Этой картинки больше нет: то, на что только смотрели, хранится сутки. Загрузите её ещё раз.
picture-unchanged = Ничего не изменилось: так уже и есть.
picture-no-room = Над текстом «{ $key }» картинка, а рядом с ней в Telegram помещается до { $max } знаков. Всё сообщение может занять { $units }.
upload-unread = Форму с файлом не удалось прочитать. Откройте страницу и попробуйте ещё раз.
upload-late = Файл загружался слишком долго. Попробуйте ещё раз.
done-picture-put = Картинка стоит. Бот показывает её не позже чем через минуту.
done-picture-taken-back = Картинка убрана. Не позже чем через минуту бот говорит одни слова.
sample-credits = 5 кредитов
sample-available = 95 кредитов
sample-spent = 10 кредитов
sample-returned = 10 кредитов
sample-missing = 5 кредитов
sample-left = 95 кредитов
sample-price = 10 кредитов
sample-pictures = 9 картинок
sample-photos = 2 фотографии
sample-people = 3 человека
sample-answers = 5 ответов
sample-name = Ада
sample-user = 123456789
sample-url = https://example.com
sample-link = https://t.me/example_bot?start=abc
sample-model = Nano Banana
sample-size = 2K
sample-ratio = 16:9
