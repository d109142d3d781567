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

welcome =
    👋 <b>Hi! I draw pictures from your words.</b>

    Here are <b>{ $credits }</b> on the house.
welcome-bare = 👋 <b>Hi! I draw pictures from your words.</b>
welcome-back =
    👋 <b>Welcome back!</b>

    You have <b>{ $available }</b>.
enough-for = A picture costs { $price }, so that's enough for { $pictures }.
short-by = A picture costs { $price }. To get one, top up by at least { $missing }: /topup
draw-how =
    Tell me what to draw:
    <code>/prompt a ginger cat in a spacesuit, watercolour</code>
help-where = Everything I can do: /help
help =
    <b>What I can do</b>

    /prompt <i>description</i> — draw a picture, { $price }
    /generate <i>description</i> — the same
    /balance — how many credits you have
    /topup — buy credits
    /paysupport — questions about payments
    /terms — the terms
    /privacy — what happens to your data
    /help — this page

    If you send the command alone, I'll ask for a description.

    Credits are taken only when the picture is ready. If it doesn't work out, they all come back.

    I can't chat, edit photos or cancel a picture yet.
balance =
    💳 <b>You have { $available }</b>
balance-reserved = ⏳ Another { $reserved } held for pictures in progress
balance-debt = ⚠️ Owed after a refunded payment: { $debt }. Your next top-up will cover it.

topup-choose =
    💳 You have <b>{ $available }</b>

    Choose a package:
topup-closed = 😔 Topping up isn't possible right now. Please try again later.
topup-way =
    🧾 <b>{ $credits } for { $price }</b>

    How would you like to pay?
receipt-to = ✉️ The receipt goes to { $email }
email-ask = ✉️ A payment in rubles comes with a receipt. Which e-mail should it go to? Reply to this message with the address.
email-ask-for = 🧾 { $credits } for { $price }
email-ask-hint = name@example.org
email-wrong = 🤔 That doesn't look like an e-mail. It should be like <code>name@example.org</code>, without spaces.
choice-made = You already have this bill, just above. For another one: /topup
invoice-title = { $credits }
invoice-description = Top-up: { $credits } for pictures. They arrive right after you pay.
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
support-nobody = The owner of this bot hasn't said yet where to write with questions.
terms =
    📄 <b>Terms</b>

    1. You buy credits, and pay for pictures in this bot with them. You are told what a picture costs before it is made.
    2. Credits are taken only when the picture is ready. If it doesn't work out, they come back.
    3. Credits you haven't used can be paid back: /paysupport. Money goes back the way it came. If a payment is refunded after its credits were spent, you owe those credits: your next top-up covers them.
    4. The pictures are made by Google's Gemini: your descriptions, and the photos you send with them, go to Google. What you ask for and how you use the pictures is your responsibility.
    5. What we keep and who else sees it: /privacy
terms-contact = Questions: { $contact }
terms-link = The full terms: { $url }
privacy =
    🔒 <b>Your data</b>

    We keep what the work needs: your Telegram id, name and language, your descriptions, your pictures (for a week), your payments and, if you gave one, the e-mail for receipts.

    Your descriptions, and the photos you send with them, go to Google, whose Gemini makes the pictures. Google learns nothing from us about who you are. Payments are carried out by YooKassa and Telegram, who learn what a payment needs.
privacy-link = The privacy policy: { $url }

picture-ask = 🎨 What shall I draw? Reply to this message with a description.
picture-ask-hint = A ginger cat in a spacesuit, watercolour
picture-accepted = ⏳ Got it! { $credits } on hold, starting soon…
picture-painting = 🎨 Drawing… { $credits } on hold
picture-caption = Spent: { $spent } · left: { $left }
picture-caption-free = This one is on us 🎁 · you have: { $left }
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

insufficient =
    💳 <b>Not enough credits</b>

    You have: { $have }
    You need: { $need }

    Top up, then send your request again:
prompt-empty = 🎨 The description is empty. Tell me what to draw: <code>/prompt a ginger cat</code>
prompt-too-long = ✂️ The description is too long. Please keep it within { $max } characters.
prompt-unreadable = 🤔 The description has characters I can't use. Please type it again.
too-many-running = ⏳ I can't draw more of your pictures at once. Wait for those in progress, then send this one again.
too-many-open = 🧾 You have many unpaid bills already. Pay one of them, or wait: they close by themselves.
package-gone = 🔄 Prices have changed. Please choose again: /topup
banned = ⛔ Your access is closed. If that's a mistake, write to the administrator.
refused = 😔 That didn't work ({ $code }). Please try again later.

offer-picture = 🎨 Shall I draw this? I can't chat yet, but I can draw.
only-text = 📝 I understand only text so far. Describe the picture in words: <code>/prompt a ginger cat</code>
unknown-command = 🤷 I don't know this command. See /help
nothing-to-cancel = I can't cancel a picture yet. If it doesn't work out, the credits come back by themselves.
tap-outdated = This button is out of date
checkout-stranger = This bill is for somebody else. Get your own: /topup
checkout-paid = This bill is paid already. A new one: /topup
checkout-over = This bill is closed: its time is over. A new one: /topup
checkout-away = The bill can't be checked right now. You weren't charged. Please try again in a minute.
checkout-refused = This bill can't be paid right now. Top up: /topup

button-topup = 💳 Top up
button-package = { $credits } — { $price }
button-pay = Pay { $price }
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
button-draw = 🎨 Draw · { $price }

command-prompt = draw a picture from a description
command-generate = the same as /prompt
command-balance = how many credits you have
command-topup = buy credits
command-help = what I can do
command-paysupport = questions about payments and refunds
command-terms = the terms
command-privacy = what happens to your data
