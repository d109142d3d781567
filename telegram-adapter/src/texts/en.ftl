# The bot's texts. Telegram's HTML: <b>, <i>, <code>. Values come in escaped.
# Words with a number ($credits, $pictures …) come ready from count-credits and count-pictures.

count-credits = { $n ->
    [one] { $n } credit
   *[other] { $n } credits
}
count-pictures = { $n ->
    [one] { $n } picture
   *[other] { $n } pictures
}
count-photos = { $n ->
    [one] { $n } photo
   *[other] { $n } photos
}
count-people = { $n ->
    [one] { $n } person
   *[other] { $n } people
}
count-answers = { $n ->
    [one] { $n } answer
   *[other] { $n } answers
}

welcome =
    👋 <b>Hi! I draw pictures from your words, change your photos and chat.</b>

    Here are <b>{ $credits }</b> on the house.
welcome-bare = 👋 <b>Hi! I draw pictures from your words, change your photos and chat.</b>
welcome-back =
    👋 <b>Welcome back!</b>

    You have <b>{ $available }</b>.

enough-for = A picture costs { $price }, so that's enough for { $pictures }.

short-by = A picture costs { $price }. To get one, top up by at least { $missing }: /topup

help =
    <b>What I can do</b>

    🎨 <b>Pictures</b>
    /prompt <i>description</i> or “draw …”: a picture, { $price }
    /refs: your photos, so that I keep a face
    Send a photo with a caption, or reply to a picture of mine, to have it changed
    /settings: model, shape, size, language
    /history: everything made so far, to send again for free

    💬 <b>Chat</b>
    Just write, { $answer } an answer. /clear: forget what we talked about

    💳 <b>Credits</b>
    /balance, /topup, /referral: credits for friends

    /support: write to people · /paysupport: payments
    /terms · /privacy · /delete_me · /cancel

    Credits are taken only when the result is ready. If it doesn't work out, they all come back.

balance =
    💰 <b>You have { $available }</b>
balance-reserved = ⏳ Another { $reserved } held for pictures in progress
balance-debt = ⚠️ Owed after a refunded payment: { $debt }. Your next top-up will cover it.

topup-choose =
    💰 You have <b>{ $available }</b>

    Choose a package:
topup-closed = 😔 Topping up isn't possible right now. Please try again later.
topup-way =
    🧾 <b>{ $credits } for { $price }</b>

    How would you like to pay?

receipt-to = ✉️ The receipt goes to { $email }

email-ask = ✉️ A payment in rubles comes with a receipt. Which e-mail should it go to?
email-ask-hint = name@example.org
email-wrong = 🤔 That doesn't look like an e-mail. It should be like <code>name@example.org</code>, without spaces. Not now: /cancel

choice-made = You already have this bill, just above. For another one: /topup

invoice-title = { $credits }
invoice-description = Top-up: { $credits } for pictures and answers. They arrive right after you pay.

payment-preparing =
    ⏳ Preparing your payment link…

    { $credits } for { $price }
payment-ready =
    🧾 <b>{ $credits } for { $price }</b>

    Tap the button to pay. The credits arrive right after you pay.
payment-paid = ✅ Paid: { $credits } for { $price }
payment-receipt =
    ✅ <b>Payment received: { $price }</b>

    Added: { $credits }
    You have: <b>{ $available }</b>
payment-canceled =
    ❌ The payment of { $price } didn't go through. You weren't charged.

    You can try again.
payment-expired =
    ⌛ The bill of { $price } is closed: it wasn't paid in time. You weren't charged.

    You can get a new one.
bill-paid = ✅ This bill is paid already. Need more? Choose a package:
bill-over = ⌛ This bill is out of date. Choose a package for a new one:
payment-put-aside =
    🔎 Your money is here ({ $price }), but something about the payment doesn't add up, so the credits aren't added yet.

    We are looking into it, and nothing gets lost. Questions: /paysupport

refund-settled =
    💸 <b>Refund: { $amount }</b>

    The money went back the way it came. Taken back: { $credits }
    You have: <b>{ $available }</b>
refund-failed =
    ↩️ <b>The refund of { $amount } didn't go through</b>

    The payment system didn't carry it out, so you have { $credits } back.
    You have: <b>{ $available }</b>

paysupport =
    💬 <b>Questions about payments</b>

    Credits arrive right after you pay. If you were charged and they are missing, give it a few minutes: we check every payment with the payment system, and none gets lost.

    Telegram and its support can't help with purchases in this bot.

support-contact = To get money back for credits you haven't used, or to ask anything, write to us: { $contact }. Tell us the date and the amount of the payment, and we will answer.
support-here = To get money back for credits you haven't used, or to ask a question, write to people: /support. Name the date and the amount of the payment, and we will answer.
support-nobody = The owner of this bot hasn't said yet where to write with questions.

terms =
    📄 <b>Terms</b>

    1. You buy credits, and pay for pictures and answers in this bot with them. You are told what they cost before the work begins.
    2. Credits are taken only when the picture or the answer is ready. If it doesn't work out, they come back.
    3. Credits you haven't used can be paid back: /paysupport. Money goes back the way it came. If a payment is refunded after its credits were spent, you owe those credits: your next top-up covers them.
    4. Google's Gemini draws the pictures and answers the questions: whatever you write to it, and the photos you send with that, go to Google. It can be wrong: check what matters. What you write and how you use the pictures and answers is your responsibility.
    5. What we keep and who else sees it: /privacy
terms-contact = Questions: { $contact }
terms-link = The full terms: { $url }

privacy =
    🔒 <b>Your data</b>

    We keep what the work needs: your Telegram id, name and language, your settings, your descriptions of pictures and what you write in the chat, your photos for pictures (until you remove them: /refs), finished pictures and answers (for a week), your payments and, if you gave one, the e-mail for receipts. What you write to /support is read by this bot's administrators.

    Your descriptions, your questions with what was said before them, and the photos you send along go to Google, whose Gemini draws and answers. We don't tell Google your name or id. To begin a new chat: /clear; to delete everything about you: /delete_me. Payments are carried out by YooKassa and Telegram, who learn what a payment needs.
privacy-link = The privacy policy: { $url }

picture-ask = 🎨 What shall I draw? Describe it in words.
picture-ask-hint = A ginger cat in a spacesuit, watercolour
picture-caption = Spent: { $spent } · left: { $left }
picture-caption-free = This one is on us 🎁 · you have: { $left }
caption-here = Spent: { $spent }
picture-failed =
    { $reason ->
        [policy] 🚫 The model refused to draw this. Please try another description.
        [nothing] 😕 The model couldn't draw this picture. Please try another description.
        [cut] ✂️ The model stopped halfway. Please try again, or a shorter description.
        [busy] 🐢 Too many people are drawing right now. Please try again in a couple of minutes.
        [quota] 🌙 The model has drawn all it can for today. Please try again in a few hours.
        [late] ⌛ The picture took too long, so I stopped.
        [large] 📏 The request turned out too large. Please try a shorter description, or fewer or smaller pictures.
        [request] 🤔 The model doesn't take such a request. Please try another description.
        [reference] 📎 Telegram no longer gives me a photo that this request needs. Please send the photo again.
        [canceled] 🛑 Canceled.
       *[trouble] 😔 The picture didn't work out: trouble on our side.
    }

    Returned to you: <b>{ $returned }</b>

answer-failed =
    { $reason ->
        [policy] 🚫 The model refused to answer this. Please try asking differently.
        [nothing] 😕 The model said nothing. Please try asking differently.
        [cut] ✂️ The model stopped in the middle of its answer. Please try again, or a shorter question.
        [busy] 🐢 Too many people are asking right now. Please try again in a couple of minutes.
        [quota] 🌙 The model has answered all it can for today. Please try again in a few hours.
        [late] ⌛ The answer took too long, so I stopped.
        [large] 📏 The request turned out too large. Please try a shorter question.
        [request] 🤔 The model doesn't take such a request. Please try asking differently.
        [reference] 📎 Telegram no longer gives me a photo that this request needs. Please send the photo again.
        [canceled] 🛑 Canceled.
       *[trouble] 😔 The answer didn't work out: trouble on our side.
    }

    Returned to you: <b>{ $returned }</b>

words-instead =
    💬 <b>The model answered with words instead of a picture</b>

    You weren't charged for it; returned to you: <b>{ $returned }</b>. This is what it said:

picture-lost =
    😔 Your picture was finished, but it couldn't be delivered. It's not your fault.

    Returned to you: <b>{ $returned }</b>. Please try once more.

answer-lost =
    😔 Your answer was ready, but it couldn't be delivered. It's not your fault.

    Returned to you: <b>{ $returned }</b>. Please try once more.

prompt-empty = 🎨 The description is empty. Tell me what to draw: <code>/prompt a ginger cat</code>
prompt-too-long = ✂️ The description is too long. Please keep it within { $max } characters.
prompt-unreadable = 🤔 The description has characters I can't use. Please type it again.

too-many-running = ⏳ I can't draw more of your pictures at once. Wait for those in progress, then send this one again.
too-many-open = 🧾 You have many unpaid bills already. Pay one of them, or wait: they close by themselves.

package-gone = 🔄 Prices have changed. Please choose again: /topup

banned = ⛔ Your access is closed. If that's a mistake: /support

refused = 😔 That didn't work ({ $code }). Please try again later.

unknown-command = 🤷 I don't know this command. See /help

tap-outdated = This button is out of date
used-button = 👌 This button has already been used; tapping it again does nothing. To start over: /start

checkout-refused = This bill can't be paid right now. Top up: /topup
checkout-stranger = This bill is for somebody else. Get your own: /topup
checkout-paid = This bill is paid already. A new one: /topup
checkout-over = This bill is closed: its time is over. A new one: /topup
checkout-away = The bill can't be checked right now. You weren't charged. Please try again in a minute.

button-topup = 💳 Top up
button-back = ‹ Back
button-other-way = Another package or way to pay
button-email = ✉️ Another e-mail
button-way = { $way ->
    [bank_card] 💳 Bank card
    [sbp] ⚡ SBP
    [sberbank] 🟢 SberPay
    [tinkoff_bank] 🟡 T-Pay
    [yoo_money] 🟣 YooMoney
    [invoice] 💳 By card in Telegram
    [stars] ⭐ Telegram Stars
   *[page] 🌐 All ways at YooKassa
}
button-package = { $credits } — { $price }
button-pay = Pay { $price }

start-how =
    🎨 <code>draw a ginger cat in a spacesuit</code>: I draw it
    📷 A photo with a caption: I change it as you say
    💬 Anything else: I answer, { $answer } an answer

insufficient =
    💳 <b>Not enough credits</b>

    You have: { $have }
    You need: { $need }

insufficient-here = 💳 That needs { $need }, more than you have. Write to me in private to top up.
wish-kept = Choose a package; after you pay I'll offer to do this request.
wish-ready =
    ✨ Now it's enough for what you asked:

    <blockquote>{ $prompt }</blockquote>
wish-gone = This request is gone. Please send it again.

picture-accepted = ⏳ Got it! { $credits } on hold, starting soon…
picture-accepted-with = ⏳ Got it, with { $photos } of yours! { $credits } on hold, starting soon…
picture-queued = ⏳ In the queue: { $before } before you. { $credits } on hold
picture-painting =
    { $step ->
        [0] 🎨
        [1] 🖌
        [2] 🖍
       *[other] ✨
    } Drawing… { $credits } on hold

edit-ask = ✏️ What shall I change in this picture?
edit-ask-hint = Make the background a sunset
edit-nothing = ✏️ Reply to a picture with words that say what to change.

canceled-back = 🛑 Canceled. Returned to you: <b>{ $returned }</b>

cancel-nothing = There's nothing to cancel.
cancel-done = OK, forget it.

tap-original-gone = The file is kept for a week; this one is gone

result-on-its-way = ⏳ This is ready and on its way to you; it comes by itself.
result-later = 🐢 It couldn't be sent just now. Please tap again in a minute.

answer-thinking = 💭 Thinking… { $credits } on hold
answer-caption = <i>Spent: { $spent } · left: { $left }</i>

chat-off = 🎨 I can't chat here, but I can draw: <code>/prompt a ginger cat in a spacesuit</code>
chat-cleared = 🧹 Forgotten. Let's start anew.

system-prompt = You are Plantain, a friendly assistant in Telegram. Answer in the language of the question, briefly and to the point. You may use Markdown: bold, italic, lists, code. If somebody wants a picture, say that they can write “draw …”.

photo-kept =
    📎 Kept: { $photos } of { $max }. I'll look at them in your next pictures, so that a face stays itself.

    Now write what to draw: <code>draw me as an astronaut</code>
    To change a photo itself, send it with a caption.

photos-full = 📎 I keep at most { $max } photos. Remove some first: /refs

photo-too-large = 📏 This file is too large: Telegram gives me files up to { $max } MB. Please send a smaller one, or send it as a photo.
photo-not-picture = 🤔 This file is no picture that I can use. I understand JPEG, PNG and WebP.

refs-none =
    📎 <b>Your photos</b>

    None yet. Send me up to { $max } photos without a caption: I'll look at them when I draw, so that a face stays itself.
refs =
    📎 <b>Your photos: { $photos } of { $max }</b>

    I look at them whenever I draw. A button removes one:
refs-gone = 📎 Done: no photos of yours are used any more.

cant-read =
    { $what ->
        [sticker] 😄 Nice sticker! But I understand only words and pictures.
        [voice] 🎙 I can't listen yet. Please write it in words.
        [video] 🎬 I can't watch videos. Please send a photo or words.
        [poll] 📊 I don't vote. Please write it in words.
        [location] 🗺 I don't know what to do with a place. Please write it in words.
        [contact] 👤 I don't keep contacts. Please write it in words.
       *[other] 🤷 I understand only words and pictures.
    }

balance-spent = 📉 Spent: { $spent } · bought: { $bought } · given: { $given }
balance-made = 🖼 Made for you: { $pictures }, { $answers }
balance-invited = 👥 Came by your link: { $people }, that brought { $earned }
balance-ends = ⌛ { $credits } will end on { $at }

settings =
    ⚙️ <b>Settings</b>

    Model: <b>{ $model }</b>
    Shape: <b>{ $ratio }</b>
    Size: <b>{ $size }</b>
    Pictures come as: <b>{ $file ->
        [yes] files, uncompressed
       *[no] photos
    }</b>
    Language: <b>{ $language ->
        [ru] Русский
       *[en] English
    }</b>

    With these settings a picture costs <b>{ $price }</b>.
settings-model = 🧠 Which model shall draw?
settings-ratio = 📐 Which shape?
settings-size = 🔍 Which size?
settings-language = 🌐 Язык · Language

ratio-auto = Auto

history-none = 🖼 Nothing here yet. Write “draw …” and it will be.
history =
    🖼 <b>Your history</b>
    A number sends the result again, for free.
history-item = <b>{ $n }.</b> { $kind ->
        [text] 💬
        [edit] ✏️
       *[picture] 🎨
    } { $at } · { $state ->
        [open] in progress
        [failed] didn't work out, free
        [canceled] canceled, free
       *[done] { $credits }
    }
    <i>{ $prompt }</i>

tap-history-gone = This result can't be sent any more

statement-none = 🧾 Nothing has happened on your balance yet.
statement =
    🧾 <b>Statement</b>
    You have: <b>{ $available }</b>
statement-line = { $at } · <b>{ $change }</b> { $what ->
        [welcome] welcome gift
        [referral] for an invitation
        [promo] gift
        [admin] from an administrator
        [compensation] compensation
        [purchase] top-up
        [restored] back after a failed refund
        [picture] picture
        [edit] change of a picture
        [answer] answer
        [returned] returned
        [refund] refund
        [revoked] taken by an administrator
        [expired] ended
        [debt] paid what was owed
       *[debt_forgiven] debt let go
    } → { $left }

referral =
    👥 <b>Invite friends</b>

    For each friend who comes by your link you get <b>{ $inviter }</b>, and they get <b>{ $invited }</b>.

    <code>{ $link }</code>
referral-counts = Came by it: <b>{ $people }</b>, that brought you <b>{ $earned }</b>
referral-none = Nobody has come by it yet.
referral-line = { $at } · { $initial }… <b>{ $change }</b>
referral-share = I draw pictures here by my words. By this link you get { $invited }:
referral-off =
    👥 <b>Invite friends</b>

    Your link: <code>{ $link }</code>

support-ask = 💬 What is it about? Write to us in one message; you can add a photo.
support-ask-hint = What happened?
support-sent = ✅ Passed on. The answer will come here.
support-trouble = 😔 It couldn't be passed on just now. Please try again in a few minutes.
support-header = 💬 <b>{ $name }</b> (<code>{ $user }</code>, { $language }) writes. Reply to their message below: it goes to them.
support-delivered = ✅ Delivered
support-gone = 🚫 Not delivered: they have blocked the bot or are gone.

delete-ask =
    🗑 <b>Delete everything about you?</b>

    Your descriptions, photos, pictures, chats and settings are deleted, and it can't be undone.

    You have <b>{ $available }</b>: they will be lost. Credits you paid for and haven't used can be paid back first: /paysupport

    Payments stay in the books without your name, as the law asks.
delete-ask-nothing =
    🗑 <b>Delete everything about you?</b>

    Your descriptions, photos, pictures, chats and settings are deleted, and it can't be undone.

    Payments stay in the books without your name, as the law asks.
delete-waits = ⏳ Something of yours is still in progress: a picture, a payment or a refund. Wait until it is over (a picture can be called off by /cancel), then try again.
delete-done = 🗑 Done: everything about you is deleted. Write to me if you want to begin anew.
delete-kept = 👍 OK, everything stays as it was.

slow-down = 🐢 Not so fast, please: I can't keep up. Give me a few seconds, then send it again.

granted-admin =
    🎁 <b>You were given { $credits }</b>

    You have: <b>{ $available }</b>
granted-promo =
    🎉 <b>A gift for you: { $credits }</b>

    You have: <b>{ $available }</b>
granted-compensation =
    🤝 <b>For the trouble: { $credits }</b>

    You have: <b>{ $available }</b>
granted-inviter =
    👥 <b>Somebody came by your link: { $credits } for you</b>

    You have: <b>{ $available }</b>
granted-invited =
    🎁 <b>{ $credits } for coming by a friend's link</b>

    You have: <b>{ $available }</b>
granted-until = ⌛ Good until { $at }

revoked =
    ➖ <b>An administrator took { $credits }</b>

    You have: <b>{ $available }</b>. Questions: /support

expired =
    ⌛ <b>{ $credits } have ended: their time was over</b>

    You have: <b>{ $available }</b>

debt-forgiven = 🤝 <b>A debt of { $credits } was let go</b>

banned-now = ⛔ Your access was closed by an administrator. If that's a mistake: /support

unbanned-now = ✅ Your access is open again.

admin-help =
    🛠 <b>For administrators</b>

    /stats: the last days
    /user <i>id or name</i>: a person
    /grant <i>id credits reason</i>: give (or take, with −)
    /ban <i>id reason</i> · /unban <i>id reason</i>
    /message <i>id text</i>: write to a person
    /broadcast in reply to a message: send it to many

    An id is a Telegram id. Whatever you do is in the log with your name. Name nobody in a reason.
admin-stats = 📊 <b>People: { $people }</b>, of whom { $away } can't be reached
admin-day = <b>{ $day }</b>: new { $new }, active { $active }
    🎨 { $pictures } · 💬 { $answers } · ✖️ { $failed } · 💳 { $payments } ({ $paid })
    spent { $spent } credits, the vendor { $cost } USD
admin-user-how = /user <i>id or part of a name</i>
admin-user-none = 🤷 Nobody is found by “{ $find }”
admin-user =
    👤 <b>{ $name }</b> <code>{ $user }</code> ({ $language }), since { $since }{ $banned ->
        [yes] , ⛔ banned
       *[no] {""}
    }{ $away ->
        [yes] , 🚫 can't be reached
       *[no] {""}
    }
    <code>{ $account }</code>
admin-user-balance = 💰 { $available } available, { $reserved } reserved, { $debt } owed
    spent { $spent }, bought { $bought }, given { $given }; paid { $paid }
admin-user-made = 🎨 { $pictures } · 💬 { $answers } · 👥 { $invited }
admin-grant-how = /grant <i>id credits reason</i>, for example: <code>/grant 12345 50 for patience</code>
admin-granted = ✅ { $user } was given { $credits }; available: { $available }
admin-revoked = ✅ { $credits } were taken from { $user }; available: { $available }
admin-ban-how = /ban <i>id reason</i> or /unban <i>id reason</i>
admin-banned = ⛔ { $user } is banned
admin-unbanned = ✅ { $user } is let in again
admin-already-banned = { $user } is banned already
admin-not-banned = { $user } is not banned
admin-refused = ✖️ The ledger refuses ({ $code }): { $message }
admin-message-how = /message <i>id text</i>
admin-message-sent = ✅ On its way to { $user }
admin-first-payment = 🎉 First payment of <code>{ $user }</code>: { $price } for { $credits }
admin-quarantined = 🔎 A payment ({ $rail }) is put aside: { $problems }. See <code>ledger cases</code>

admin-generator-shut =
    🚨 <b>No pictures and no answers are being made</b>

    Gemini rejects every key, or doesn't serve this region. People's requests wait, and whoever waits too long gets the credits back. Check GEMINI_API_KEYS and the generator's log. I'll write when it works again.
admin-generator-open = ✅ Gemini accepts a key again: pictures and answers are being made.
admin-tellings-given-up =
    🚨 <b>Something couldn't be delivered to people, and I gave it up</b>

    The credits for pictures and answers that didn't arrive went back. See the log of telegram-adapter. I won't write about others of the kind for an hour.
admin-broadcast-refused =
    🚨 <b>The broadcast isn't getting through</b>

    Telegram took it for none of the last people it was for. Pause it and look at the message itself; what Telegram said is in the log of telegram-adapter.

broadcast-how = 📣 Write the message as people are to see it (text, or a photo with a caption), then reply to it with /broadcast
broadcast-segment = 📣 Whom is it for?
broadcast-confirm = 📣 <b>{ $segment }</b>: { $people }. Send it?
broadcast-nobody = 📣 Nobody is in this group.
broadcast-state = 📣 <b>{ $state ->
        [running] Sending…
        [paused] Paused
        [finished] Finished
       *[draft] Not started
    }</b>
    ✅ { $sent } · ✖️ { $failed } · 🚫 { $blocked } of { $recipients }
broadcast-none = 📣 There is no such broadcast any more.
broadcast-moved = ✋ This button is out of date, so nothing was changed. This is how it stands now:
broadcast-draft-changed = ✋ Nothing was sent: the broadcast was written down anew after it was shown to you. This is what is written down now:
broadcast-elsewhere = 📣 It was changed at the console and can't be shown here. Look at it and send it there, or start a new one: reply to a message with /broadcast

segment-everybody = Everybody
segment-russian = In Russian
segment-english = In English
segment-payers = Have paid
segment-never-paid = Never paid
segment-active = Active in 7 days
segment-quiet = Quiet for 30 days

button-menu = ‹ Menu
button-balance = 💰 Balance
button-settings = ⚙️ Settings
button-refs = 📎 My photos{ $photos ->
        [0] {""}
       *[other] {" "}· { $photos }
    }
button-history = 🖼 History
button-invite = 👥 Invite
button-help = ℹ️ Help
button-statement = 🧾 Statement
button-again = 🔄 Again
button-edit = ✏️ Change
button-original = 📎 File
button-cancel = ✖️ Cancel
button-wish = ✨ Do it · { $price }
button-older = ‹ Older
button-newer = Newer ›
button-number = { $n }
button-model = 🧠 { $model }
button-ratio = 📐 { $ratio }
button-size = 🔍 { $size }
button-as-file = { $file ->
        [yes] 🗂 As files
       *[no] 🖼 As photos
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
button-refs-clear = 🗑 Remove all
button-share = 📨 Send to a friend
button-delete = 🗑 Delete everything
button-keep = 👍 No, don't
button-send = 📣 Send
button-pause = ⏸ Pause
button-resume = ▶️ Go on
button-stop = ⏹ Stop
button-refresh = 🔄 Refresh

command-prompt = draw a picture from a description
command-generate = the same as /prompt
command-balance = how many credits you have
command-topup = buy credits
command-settings = model, shape, size, language
command-refs = your photos, to keep a face
command-history = what was made, to send again
command-referral = invite friends, get credits
command-clear = forget what we talked about
command-cancel = cancel what is in progress
command-support = write to people
command-paysupport = questions about payments and refunds
command-terms = the terms
command-privacy = what happens to your data
command-delete-me = delete everything about me
command-help = what I can do
command-admin = for administrators
command-stats = the last days
command-user = a person
command-grant = give or take credits
command-ban = close somebody's access
command-unban = let somebody in again
command-broadcast = send a message to many
command-message = write to a person
