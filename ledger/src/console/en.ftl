# The console: the words of its pages.

## The frame
skip-to-content = Skip to the content
menu = Sections
about-log = The log
about-money = Money
about-people = People of the console
menu-home = Overview
menu-acts = Acts
menu-staff = Staff
language = Language
sign-out = Sign out
to-the-first-page = To the first page
pages = Pages
newest = Newest
older = Older
save = Save

## Signing in
sign-in = Sign in
name = Name
password = Password
wrong-password = That name or password is not right.
wrong-own-password = That password is not right.
too-many-tries = Too many tries. Please wait a quarter of an hour.

## Why there is no page
not-found = There is no such page
not-found-more = Check the address, or begin at the first page.
not-for-you = This page is not for your role
not-for-you-more = An administrator gives roles, on the page “Staff”.
sign-in-first = Please sign in first
sign-in-first-more = The session is over, and nothing was changed. Sign in and try again.
prove-first = Confirm your password
prove-first-more = To change anything here, confirm your password on your own page: it counts for 10 minutes.
from-elsewhere = This did not come from a page of the console
from-elsewhere-more = Nothing was changed. Open the page again and try once more.
address-unfit = The address is not fit
address-unfit-more = Check the address: a field of it is not fit.
database-away = The database can't be reached now
database-away-more = Try again in a minute. Whether something was done that you have just sent is not known: look before you send it anew.

## One's own page
me = My page
roles = Roles
role-finance = Finance
role-finance-more = reads money and reports, exports
role-operator = Operator
role-operator-more = keeps it running, rebuilds projections, sends broadcasts
role-administrator = Administrator
role-administrator-more = people, money, the shop, and who may sign in
prove = Confirm the password
prove-more = Before acts about money and staff the password is asked for once more.
prove-do = Confirm
is-proven = The password is confirmed for 10 minutes.
password-now = Password now
password-new = New password
password-again = New password again
password-hint = { $n ->
    [one] At least { $n } character.
   *[other] At least { $n } characters.
}
change-password = Change the password
change-password-do = Change it and sign in again
passwords-differ = The new passwords differ.
password-unfit = The password is too short or too long: 12 to 200 characters are needed.

## Staff
staff-change = Add or change
staff-name-hint = Letters a to z, digits, a dot, “_” and “-”. Acts are signed with this name.
staff-password-hint = { $n ->
    [one] Empty: the password stays. At least { $n } character.
   *[other] Empty: the password stays. At least { $n } characters.
}
may-not-sign-in = may not sign in
no-role-more = Their sessions end at once. Tick no role above.
roles-unfit = Not done: tick at least one role, or that they may not sign in.
staff-changed = Not done: nobody gives themselves a role.
done-staff = Done. It is in the log.
staff-unfit = Not done: the name or the password is not fit. A name is of 2 to 32 letters a to z, digits, “.”, “_” and “-”; somebody new needs a password.
reason-missing = Not done: write a reason. It stays in the log.
last-administrator = Not done: there is no other administrator. Let somebody else be one first.
not-done = Not done: the log takes no commands now. Try again in a minute.

## Overview
log-position = Events in the log
log-incarnation = Incarnation of the log
projections = Projections
projection = Projection
position = Position
behind = Behind by

## Acts
acts-none = There were no acts yet.
when = When (Moscow)
who = Who
what = What
to-what = To what
reason = Reason

## The log
menu-log = Log
account = Account
type = Type
any = any
command = Command
from = From when
to = Until when
moment-hint = A position, a day in Moscow (2026-11-21) or a time (2026-11-21T14:30:00+03:00).
find = Find
available = Available
reserved = Reserved
debt = Debt
none-found = There are no such events.
none-so-far = There are no such events in this stretch of the log; there may be earlier ones.
look-further = Look further
account-unfit = That is no account: give its UUID, such as 00000000-0000-4000-8000-000000000000.
type-unfit = There are no events of that type: choose one of the list.
moment-unfit = The log has no such moment: give a position (1234), a day in Moscow (2026-11-21) or a time (2026-11-21T14:30:00+03:00).

## An event
version = Version of the account
because-of = Because of event
says = What it says
postings = Postings
event-before = ← The one before
event-after = The next one →
no-postings = This event changes nothing in the books.
book = Account of the books
asset = Of what
debit = Debit
credit = Credit
in-the-chain = In the chain
hash-before = Hash of the one before
hash = Hash
proof = Download the proof
proof-more = The proof leads from this event to a signed checkpoint of the log. It is checked without a database and without a network.
proof-check = To check: ledger prove check { $file } --vkey KEY
no-proof-yet = There is no proof yet
no-proof-yet-more = No checkpoint vouches for this event yet. One follows within seconds, if CHECKPOINT_KEY_FILE is set.
not-proved = It could not be proved
not-proved-more = The log is not what was signed, or the signature can't be read. Run ledger verify and call an administrator.

## The books
menu-books = Books
menu-statement = Statement
at = As of
show = Show
as-of = As of position
balanced = Debits equal credits in each currency.
unbalanced = Debits do not equal credits, which must not be. Run ledger verify and call an administrator.
balance = Balance
sum = Sum
so-far = So far
deferred = Paid for, and not used yet
recognised = Recognised revenue
breakage = Lapsed
refunds-open = For refunds, not paid yet
fees = Fees
money = Money
asset-unfit = The books have no such currency: CREDIT, RUB or XTR.
log-unread = The log can't be read
log-unread-more = Run ledger verify and call an administrator.
whose-statement = Give an account: each event of the log has its number.
all-events = All events of the account

## Money by day
menu-revenue = Revenue
first-day = First day
last-day = Last day
day = Day (Moscow)
origin = From
paid-in = Paid
refunded = For refunds
paid-back = Paid back
known-through = Known through position
no-money-then = There was no money in these days.
day-unfit = That is no day: give one such as 2026-11-21.
days-unfit = The first day is not after the last, and there are at most a year of them.

## What people of the console do
act-done = Done: position { $position }.
act-refused = Not done: the log refused ({ $why }).
act-in-doubt = Nobody knows whether this is done: the log did not answer. Go back and send the same form again: it will not be done twice.

## A payment
payment = Payment
payment-id = Any id of it
payment-id-hint = Ours (p-…), a refund's (f-…), or the provider's id of the payment, the charge or the refund.
which-payment = Give an id of the payment: it is on a receipt, in the provider's cabinet and in the log.
payment-unknown = No payment has that id: give ours (p-…), a refund's (f-…), or the provider's.
payment-in-quarantine = That is no payment of ours, but one in quarantine: see Cases.
payment-ours = Our id
payment-theirs = The provider's id
payment-method = Paid by
payment-nobodys = none of ours
state = State
rail = Way
package = Package
credits = Credits
price = Price
opened-at = Opened
closed-at = Closed
paid-at = Paid, says the provider
net = After the fee
canceled-why = Cancelled because
lots = Lots
lot = Lot
consumed = Used
revoked = Taken back
lapsed = Lapsed
refunds = Refunds
refund = Refund
all-its-events = All its events

## Cases
menu-cases = Cases
case-gone = That waits no more: it was decided already. The payment says how.
cases-none = Nothing about money waits for a person.
in-quarantine = In quarantine
in-quarantine-more = What was paid and was not as it should be: nobody is credited before somebody decides.
late-payments = Payments that do not end
late-refunds = Refunds that do not end
open-since = Open since
stranded = Credits of erased accounts
stranded-more = Nobody can spend them: their money is to go back.
days-that-differ = Days that differ
not-compared = { $provider }: the last day was not compared. The newest that was: { $newest }.
none-lately = none in 60 days
problems = What is wrong
seen-status = State seen
seen-amount = Amount seen
seen-shop = Shop
seen-test = A test
seen-names = It names
yes = yes
no = no
decide = Decide
decide-not-for-you = Administrators decide.
verdict = Decision
verdict-dismiss = Dismiss: nobody here is owed anything for it
verdict-settle = Settle: the money is there, credit it
settle-amount = What was paid
settle-amount-hint = To settle only: 100.00 rubles, or 75 Stars.
paid-in-test = It was paid in a test shop
decide-for-good = I know that this is for good
decide-do = Decide
done-decided = Decided. It is in the log.
not-sure = Not done: confirm that this is for good.
settle-nobodys = Not done: this money names no payment of ours. Claim it for the one it is (ledger quarantine claim), or dismiss it.
amount-unfit = Not done: the amount is not fit. Write rubles as 100 or 100.50, Stars as 75.
credits-unfit = Not done: credits are a whole number above zero.
verdict-unfit = Not done: choose a decision.
reason-hint = It stays in the log for good, so it must name nobody.

## Reconciliation
menu-reconciliation = Reconciliation
reconciliation-more = Each night the providers' books of the day are compared with ours.
nothing-compared = No day was compared yet.
provider = Provider
differences = Differences
difference = Difference
paid-here = Paid here
paid-there = Paid there
compared-at = Compared
provider-unfit = There is no such provider: yookassa or telegram.
day-not-whole = That day is not here as a whole
day-not-whole-more = What the provider says of it comes some time after its end, from the day on which its adapter first ran. An earlier day is compared with a registry file: ledger reconcile --file.
day-agrees = Both sides agree.
day-differs = { $n ->
    [one] { $n } difference.
   *[other] { $n } differences.
}
day-matched = Alike on both sides: { $matched }.
day-not-compared = Nobody has compared this day yet.
compare-now = Compare now
compare-now-more = Both sides are compared as they are now, and what is found goes into the log.
earlier-comparisons = Earlier comparisons
differences-unlisted = { $n } more are counted and not listed.
stated-by = Their side by
stated-by-api = lists of the API
stated-by-file = registry file
done-compared = It was compared, and is in the log.
count = How many
where = Where
here = Here
there = There
differs-missing-here = Missing here
differs-missing-there = Missing there
differs-currency-differs = Another currency
differs-amount-differs = Another amount
differs-fee-differs = Another fee
differs-fee-unknown-here = Fee not known here
differs-twice-there = Twice there

## Clearing and debts
menu-clearing = Clearing
clearing-more = What each way of paying has brought, less fees and refunds. Payouts to the bank are not in the log: compare the balance with the provider's cabinet.
fees-and-refunds = Fees and refunds
menu-debts = Debts
debts-more = Credits that were refunded after they had been spent: the next top-up pays them first.
accounts = Accounts
next-page = Next

## Sessions
sessions = Sessions
session-began = Begun (Moscow)
session-seen = Last seen
session-address = Address
session-browser = Browser
session-this = this one
session-end = End
session-ended = The sessions are ended.
sessions-end-others = End all others
staff-sign-in = How somebody signs in
staff-sessions-end = End all their sessions
too-fast = Too many requests
too-fast-more = Requests from your address or in your session come too fast. Wait a moment and try again.

## Second factor
totp = Code from an app
totp-on = on
totp-more = Signing in may ask for a code from an app on your telephone besides the password: a stranger with your password then stays outside.
totp-begin = Turn on
totp-prove-first = To turn it on, first confirm your password above.
totp-scan = Point the camera of an app for codes at the picture: Google Authenticator, Aegis, 1Password or any other. It is shown once.
totp-picture = Picture with the key for the app
totp-type = Or type the key into the app:
totp-confirm = Confirm and turn on
totp-confirm-hint = The six digits that the app shows now.
totp-is-on = Signing in asks for a code from the app.
totp-is-off = Signing in asks for no code any more.
totp-off-do = Turn off
totp-on-already = It is on already: turn it off first.
totp-begin-again = This key is no longer good: begin anew.
totp-reset = Turn their code off
totp-none = Not done: no code from an app is on for this person.
totp-own = Not done: your own code is turned off at your own page.
code = Code
code-hint = Six digits from the app, or one of the recovery codes.
wrong-code = The code is not right, or was used already. Wait for the next one.
sign-in-over = Signing in broke off: more than five minutes went by, or there were too many tries. Begin anew.
sign-in-anew = Sign in anew
recovery-codes = Recovery codes
recovery-more = If the telephone is lost, one of these codes lets you in: each is good once. Keep them now, they are not shown again.
recovery-kept = I have kept them
recovery-left = { $n ->
    [one] { $n } recovery code is left.
   *[other] { $n } recovery codes are left.
}

## Tokens
menu-tokens = API tokens
tokens-more = Programs read what the pages show as JSON, each by a token of its own, as long as its maker is an administrator. A token reads; it changes nothing. What there is to read:
tokens-none = No program reads yet.
token-new = A new token
token-name-hint = What reads by it: 2 to 32 letters a to z, digits, “.”, “_” and “-”.
token-lives = How long it is good
days = { $n ->
    [one] { $n } day
   *[other] { $n } days
}
token-make = Make a token
token-made = This is the token. It is shown once: keep it where secrets are kept.
token-there = Not done: there is a token of that name, or this form has made one. Open the page anew, or choose another name.
token-unfit = Not done: a name is of 2 to 32 letters a to z, digits, “.”, “_” and “-”.
token-without-roles = Not done: choose at least one role.
token-end = End
done-token-ended = The token is ended: nobody reads by it any more.
made-by = Made by
made-at = Made
expires-at = Good until
seen-last = Used last
never = never
too-many-streams = Too many streams of the log are open
## Projections, for operators
about-work = Work
menu-projections = Projections
all-projections = ← All projections
build = Build
builds = Builds
state-live = read
state-building = being made
state-ready = ready
state-old = the one before
behind-time = For how long
goings-on = What goes on
version-of-fold = Version
stands-at = Stands still at event
not-swapped = Not swapped in
other-version = This ledger has another version of the projection: it reads on what is there and makes it anew.
wished = The ledger that leads is asked to read it.
worker-silent = Whoever worked on it is silent. After ten seconds it counts as dead, and what it was making is dropped.
stage-waiting = Begins
stage-reading = Reads the log
stage-indexing = Makes indexes
stage-catching-up = Catches up
stage-comparing = Compares
stage-swapping = Is being swapped in
stage-stopped = Stopped
percent-of = { $n } % of { $target }
events-a-second = { $rate } events a second
time-left = { $time } left
span-seconds = { $n } s
span-minutes = { $n } min
span-hours = { $n } h
span-days = { $n ->
    [one] { $n } day
   *[other] { $n } days
}
deed-rebuild = Rebuild…
deed-rebuild-more = A new build is made from the log beside the one that is read, and compared with it. What people read does not change.
deed-compare = Compare…
deed-compare-more = The new build is brought up to date and compared with the one that is read. Nothing changes.
deed-swap = Swap in…
deed-swap-more = The new build is read from now on. The one before is kept, to go back to.
deed-cancel = Cancel…
deed-cancel-more = Whoever makes the new build stops; its tables are dropped. What people read does not change.
deed-back = Roll back…
deed-back-more = The build before is brought up to date and read again. The newer one is kept.
deed-forward = Forward again…
deed-forward-more = The newer build is brought up to date and read again. The older one is kept.
confirm-swap = I have looked at the differences.
confirm-back = What people read changes.
max-rate = Events a second at most
max-rate-hint = Empty: it rests while the log grows.
rate-unfit = Not done: the rate is a whole number above zero, or empty.
not-confirmed = Not done: tick that you mean it.
projection-busy = Not done: another projection is being worked on. They are made one at a time.
projection-under-way = Not done: it is being made or swapped in already.
projection-none-ready = Not done: no new build is ready, or somebody works on it.
projection-nothing = Not done: nothing is beside the one that is read.
projection-none-kept = Not done: no build is kept in that direction, or it is being swapped in already.
cancel-too-late = Too late: it is being swapped in. After that it can be rolled back.
cancel-asked = Whoever works on it was asked to stop, and has not yet. Look again in a few seconds.
done-rebuild = The rebuild has begun. It goes on without this page.
done-compare = The comparison has begun. It goes on without this page.
done-swap = The ledger that leads has been asked. It takes a moment.
done-cancel = Canceled. Nothing is left of it.
last-work = The last work
work-rebuild = Build { $build } made by { $who }
work-compare = Build { $build } compared by { $who }
work-failed = It came to nothing
work-lost = Its ledger has ended or was ended. What it was making is dropped; begin again.
no-difference = No difference at position { $at }.
rows-differ = { $n ->
    [one] { $n } row differs at position { $at }.
   *[other] { $n } rows differ at position { $at }.
}
table-differs = Only in what is read: { $old }. Only in the new build: { $new }. In both, and differing: { $differing }.
and-more = … and { $n } more.
key = Key
column = Column
as-read = As it is read
as-made = As the log makes it
whole-row = the whole row
no-row = no such row

## Open jobs, for operators
menu-jobs = Open jobs
jobs-more = Credits are held for each until its deadline; then they are given back.
jobs-none = Nothing is being made now.
jobs-first = ← To the nearest deadlines
jobs-next = Later deadlines →
model = Model
age = Asked for
attempt = Attempt
worker = Worker
held-for = Deadline in
job-waiting = waits
job-held = in hand for
job-resting = tried again in
job-over = past its deadline
doubts = attempts in doubt

## Broadcasts, for operators
menu-broadcasts = Broadcasts
broadcasts-none = No broadcast was written down yet.
broadcasts-over = Finished
broadcast = Broadcast
to-whom = To whom
written-down = Written down
recipients = Recipients
how-far = How far it is
broadcast-draft = draft
broadcast-running = being sent
broadcast-paused = paused
broadcast-finished = finished
broadcast-sent = Sent
broadcast-failed = Failed
broadcast-blocked = Blocked us
broadcast-left = Left
segment-everybody = To everybody
segment-payers = To those who have topped up
segment-never-paid = To those who have never topped up
segment-language = To those who are spoken to in: { $language }
segment-active = { $n ->
    [one] To those who asked for something in the last { $n } day
   *[other] To those who asked for something in the last { $n } days
}
segment-quiet = { $n ->
    [one] To those who asked for nothing in the last { $n } day
   *[other] To those who asked for nothing in the last { $n } days
}
broadcast-start = Send…
broadcast-start-more = It is sent to all its recipients, beginning now.
broadcast-go-on = Go on…
broadcast-go-on-more = It is sent to those who are left.
broadcast-pause = Pause…
broadcast-pause-more = Nobody else is sent it until it goes on.
broadcast-finish = Finish…
broadcast-finish-more = It ends for good: whoever is left is never sent it.
broadcast-mean-it = I know that this can't be taken back.
broadcast-over = Not done: it is finished.
broadcast-runs = Not done: it is being sent already.
broadcast-stands = Not done: it is not being sent.
broadcast-drafted-anew = Not done: it was drafted anew for others meanwhile. Look at it again.
done-broadcast-start = It is being sent.
done-broadcast-pause = It is paused.
done-broadcast-finish = It is finished.
## The second word
menu-proposals = Waiting for agreement
act-put-aside = Put aside: such an amount needs a second administrator to agree. It waits for a week.
act-decided-before = Not done: another administrator has decided this already, or nobody did in time. Open the page anew and ask again.
proposals-more = Here is what needs a second administrator's agreement: credits moved above the amount that the owner has set, and new administrators.
proposals-none = Nothing waits for agreement.
decision = Decision
proposal-open = waits
proposal-lapsed = lapsed
proposal-approving = agreed, not carried out
proposal-refusing = refused, not recorded
proposal-done = carried out
proposal-failed = the log refused
proposal-refused = refused
proposal-approve = Agree
proposal-refuse = Refuse
proposal-unfinished = It is decided, but nobody knows whether it is carried out. Doing it again is safe: it happens once.
proposal-finish = Carry it out
proposal-own = Not done: another administrator agrees to what you propose.
proposal-is-lapsed = Not done: the proposal has lapsed.
proposal-is-decided = Not done: this proposal is decided already.
proposal-nowhere = Not done: there is no such proposal.
proposal-in-doubt = Nobody knows whether this is done: the log did not answer. The decision is kept; press “Carry it out” below.

## Exports
menu-exports = Exports
exports-more = The log and its books for other programs: a file of it all, or of a part. A download that breaks off is not whole: ask again.
export-what = What
export-postings = Postings, CSV
export-events = Events, CSV
export-trial-balance = Trial balance, CSV
export-revenue = Revenue by day, CSV
export-statement = An account's statement, CSV
export-workbook = Workbook: trial balance, revenue, postings, XLSX
export-hledger = Journal for hledger
export-ndjson = The log with its hashes, to be verified anywhere, NDJSON
export-account-hint = For a statement only.
download = Download
export-unfit = There is no such export
export-unfit-more = Choose one of the page “Exports”.
too-many-exports = Two exports are being made
too-many-exports-more = Each reads the whole log. Try again when one has ended.
not-exported = It could not be exported
not-exported-more = Nothing was lost. Try again, or run ledger export.
account-unfit-more = Each event of the log has its number.
moment-unfit-more = Go back and correct it.

## Verifications
menu-verifications = Verification
verifications-more = Each event's hash, the chain, the tree with its signed checkpoints, every balance, and each projection are checked against the log from end to end.
verify-now = Verify now
verify-begins = It begins…
verify-so-far = { $done } of { $of } events
verify-runs = One is running already.
cancel = Cancel
verified-events = Events
verified-checkpoints = Checkpoints that agree
verified-vouched = Vouched through position
verified-root = Root of the tree
verified-until = Ended
verified-before = So far
verification-running = running
verification-verified = verified
verification-verified-more = Every number of the log can be trusted.
verification-unvouched-more = The log agrees with itself from its first event on. No checkpoint kept elsewhere vouched for it: that it was not rewritten as a whole is not proven.
verification-wrong = wrong
verification-wrong-more = The log is not what it should be. Change nothing, keep a copy of the database, and call an administrator.
verification-canceled = canceled
verification-canceled-more = It was canceled.
verification-failed = failed
verification-failed-more = It could not be done: the ledger's log says why.
verification-cut-off = cut off
verification-cut-off-more = The ledger that ran it ended meanwhile. Begin again.

## Statistics
about-shop = The shop
menu-statistics = Statistics
new-people = New people
active-people = Active people
first-payers = Paid for the first time
generations = Requests
pictures = Pictures
answers = Answers
failed = Failed
payments = Payments
paid-rub = Paid, rubles
paid-xtr = Paid, Stars
earned-rub = Earned, rubles
cost-usd = Cost, Google
conversion = Of those who came, have paid
error-share = Of requests, failed
processing-time = From request to result
kind = Kind
p50 = Half within
p90 = 90 % within
p99 = 99 % within
seconds = s
why-failed = Why requests failed
by-day = By day

## Services, for operators
menu-health = Services
service = Service
instance = Instance
runs-for = Heard of for
heard-of = Last heard of
service-ready = ready
service-leads = leads
service-not-ready = not ready
service-silent = silent: unknown
service-ended = stopped
service-lacks = lacks
service-unheard = Nothing was heard of it in the last day: unknown.
nobody-leads = No ledger leads: commands are not taken now. A standby takes over within 5 seconds.
the-log = The log
told-through = Told to the event stream through
relay-lag = Events not told yet
epoch = Take-overs so far
version-of-server = Version
size = Size
size-max = At most
connections = Connections
oldest-transaction = Oldest transaction
no-transaction = none runs
transactions-since = { $n ->
    [one] { $n } has begun since
   *[other] { $n } have begun since
}
unknown = unknown
nats-away = This ledger has no connection to NATS.
streams = Streams
stream = Stream
messages = Messages
first-and-last = First–last
consumers = Consumers of events
consumer = Consumer
done-through = Done through
pending = Not shown yet
in-hand = In hand
redelivered = Shown again
## People
menu-people = People
find-person = Who to find
find-person-hint = A name or its beginning, a Telegram id, an account id or a referral link. What you look for is in no address and in no log.
active-lately = Asked for something
in-days = { $n ->
    [1] today
    [one] in { $n } day
   *[other] in { $n } days
}
choose = Filter
everybody = Everybody
is-banned = banned
is-away = unreachable
is-in-debt = in debt
is-erased = erased
has-paid = has paid
whom-unfit = Give a name, a Telegram id, an account id or a referral link.
search-over = This search is over: what was found is kept for an hour, and no longer than the session. Search again.
days-active-unfit = Days are a number from 1 to 365.
nobody-found = Nobody was found.
more-found = More than 500 people were found, and not all are here. Add to the name.
show-names = Show names
show-who = Show who this is
look-hint = Each look is recorded in the log with your name. The data is shown until you leave this page.
look-kept = The look is in the log. The data is shown on this page only.
masked = hidden
came = Came
active-last = Last request
standing = Marks
person = Person { $id }
telegram-id = Telegram id
email = E-mail for receipts
came-by = Invited by
bought = Credits bought
were-given = Credits given
spent = Credits spent
paid-in-all = Paid
pictures-made = Pictures
answers-made = Answers
by-grant = Credits by grant
given-at = Granted (Moscow)
left = Left
expires = Expire
lot-purchase = purchase
lot-welcome = welcome
lot-referral = invitation
lot-promo = promotion
lot-admin = by an administrator
lot-compensation = compensation
nothing-yet = Nothing yet.
whole-statement = Whole statement
all-requests = All requests
state-open = open
state-succeeded = succeeded
state-failed = failed
state-canceled = canceled
state-opened = opened
state-registered = awaiting payment
state-settled = settled
invited = Invited people
came-by-link = Came by the link
earned-by-link = Credits earned
settings = Settings
as-catalog = as in the catalog
aspect-ratio = Aspect ratio
picture-size = Size
as-file = Pictures as files
photos-kept = Photos kept
has-wish = Waits for a top-up
reachable = Can be reached
away-since = no, since { $when }
support-notes = Messages to support
not-folded-yet = Not ready yet
not-folded-yet-more = This is still being gathered from the log. Try again in a minute.

## What is done to a person
deeds = Acts
what-to-do = What to do
deed-grant = Grant credits
deed-take = Take credits
deed-forgive = Forgive debt
deed-ban = Ban
deed-unban = Unban
deed-message = Send a message
given-as = Grant as
message = Message
message-hint = Comes from the bot. Telegram's markup is allowed: <b>, <i>, <a href="…">.
go-on = Continue
leave-it = Do nothing
will-grant = Credits will be granted. A debt, if there is one, is paid first. The bot tells the person.
will-take = Credits will be taken. The bot tells the person.
will-forgive = The debt will be forgiven. The bot tells the person.
will-ban = The person can't spend credits any more. What runs ends normally, the credits stay. The bot tells them.
will-unban = The person can spend credits again. The bot tells them.
will-message = The bot sends this message at once.
will-wait = The person can't be reached now: the message waits until they can.
prove-beside = Confirm your password first: the page opens beside this one; then come back and press the button here.
done-granted = Credits granted.
done-taken = Credits taken.
done-forgiven = Debt forgiven.
done-banned = The person is banned.
done-unbanned = The person is not banned any more.
done-messaged = The message is on its way.
source-unfit = Not done: choose from the list what to grant as.
reason-long = Not done: the reason is longer than 500 characters.
message-empty = Not done: write a message.
message-long = Not done: the message is longer than 4096 characters.
deed-unfit = Not done: open the page anew and choose an act from the list.
nobody-has-account = Not done: there is no such account, or it is erased.
already-banned = Not done: the person is banned already.
not-banned = Not done: the person is not banned.
too-few-credits = Not done: fewer credits are available.
debt-is-smaller = Not done: the debt is smaller.

## Requests
menu-requests = Requests
request = Request
kind-text = Answer
kind-picture = Picture
kind-edit = Edit
charged = Charged
cost = Cost
cost-estimated = Estimated, without a bill
took = Seconds
took-vendor = Seconds at the vendor
delivered = Delivered
how-it-went = How it went
content = Content
show-content = Show prompt and result
nothing-made = Nothing was made.
kilobytes = { $n } KB
prompt = Prompt
system = Instructions to the model
photos-along = { $n ->
    [one] { $n } photo came along.
   *[other] { $n } photos came along.
}
was-made = Result
picture = Picture
said-gone = The prompt is not kept any more.
made-gone = The result is not kept here any more.
made-unread = The result can't be read now. Try again in a minute.
no-requests = There are no such requests.
no-requests-so-far = None of these requests, but earlier ones may be.
request-filter-unfit = There is no such kind or state: choose from the list.
look-first = Open the request first
look-first-more = A picture is shown after a look at its request that is in the log, and for ten minutes.
picture-gone = This picture is not here any more
picture-gone-more = It is kept for a while only.
picture-away = The picture can't be read now
picture-away-more = Try again in a minute.
## Telegram's HTML
tag-unknown = Telegram knows no tag { $tag }.
tag-not-ended = The tag { $tag } is not closed where it should be.
tag-not-begun = The tag { $tag } is closed, but was not opened.
tag-none = A < begins no tag: write &lt; for the sign itself.
## Broadcasts are composed
broadcast-compose = Compose a broadcast
broadcast-name = Its name
broadcast-name-hint = Latin letters, digits, dots and hyphens; left empty, it gets one.
broadcast-name-unfit = A name is 1 to 64 latin letters, digits, dots, hyphens and underscores.
broadcast-name-taken = There is a draft of this name that says something else. Take another name, or change that one from the list.
broadcast-is-started = It was started already: it can't be changed or tried any more.
draft-changed = The draft was changed by somebody else meanwhile. Open it again from the list; what you wrote is below.
draft-unfit = It could not be written down: the ledger refused it.
draft-in-doubt = It is not known whether it was written down. Press once more: nothing happens twice.
content-unfit = Telegram would not send this message.
how-it-looks = How it looks
go-on-writing = Go on writing
segment = Who
whom-everybody = everybody
whom-payers = who has topped up
whom-never-paid = who has never topped up
whom-language = by language
whom-active = who asked for something lately
whom-quiet = who asked for nothing lately
segment-code = Language
segment-code-hint = For “by language”: ru, en.
segment-days = Days
segment-days-hint = For “lately”: how many days back.
segment-unfit = Choose whom it is for.
segment-language-unfit = Give the language: ru, en.
segment-days-unfit = Give a number of days from 1 on.
message-text = Text
message-text-hint = Telegram's HTML: <b>, <i>, <u>, <s>, <a href="…">, <code>, <pre>, <blockquote>, <tg-spoiler>. Up to 4096 characters with tags; beside a picture 1024.
beside-text = Beside the text
message-picture = Picture
message-picture-hint = The file id of a photo that the bot knows.
picture-unfit = This is no file id.
button-label = Label of the button
button-label-unfit = A button has a label of up to 64 characters.
button-url = Address of the button
button-url-hint = https://… or tg://…
button-url-unfit = A button's address begins with https:// or tg:// and has up to 512 characters.
message-copy = A copy of a message
message-copy-hint = In place of text and picture: CHAT:MESSAGE, two numbers.
copy-unfit = A message is CHAT:MESSAGE, two numbers.
copy-alone = A copy has neither text nor picture of its own.
caption-long = Beside a picture there is room for 1024 characters.
broadcast-empty = There is nothing to say: give a text, a picture or a message to copy.
broadcast-look = Look at it
broadcast-write-down = Write it down and count
broadcast-write-down-hint = Nothing is sent yet: the draft and the number of its recipients are shown first.
broadcast-copies = A copy of a message: a trial shows it.
broadcast-with-picture = With a picture: a trial shows it.
broadcast-change = Change
broadcast-try = Try it…
broadcast-try-more = The message goes to one person at once, as everybody would get it.
broadcast-try-mine = This is my own account, or one for tests.
try-whom = To whom
try-whom-hint = An account's id or Telegram's number of somebody who has written to the bot.
try-nobody = The bot knows nobody of this account or number.
done-broadcast-draft = It is written down, and its recipients are counted. Nothing is sent yet.
done-broadcast-try = It is sent to this one person. Look into the chat.
