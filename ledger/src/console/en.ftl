# The console: the words of its pages.

## The frame
skip-to-content = Skip to the content
menu = Sections
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
database-away = The database can't be reached now
database-away-more = Nothing was changed. Try again in a minute.

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
staff-changed = Done. It is in the log.
staff-unfit = Not done: the name or the password is not fit. A name is of 2 to 32 letters a to z, digits, “.”, “_” and “-”; somebody new needs a password.
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
