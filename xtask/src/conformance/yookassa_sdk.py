"""YooKassa's official SDK against the sandbox, and as a judge of what our adapter sends."""

import argparse
import http.server
import ipaddress
import json
import threading
import urllib.request
import uuid

import yookassa_judge
from report import checks, refused, same
from yookassa import Configuration, Payment, Receipt, Refund, Settings
from yookassa.domain.common import SecurityHelper
from yookassa.domain.exceptions import (
    BadRequestError, ForbiddenError, InternalServerError, NotFoundError, TooManyRequestsError, UnauthorizedError,
)
from yookassa.domain.notification import WebhookNotificationFactory

SHOP, KEY = "100500", "test_conformance"


class Desk:
    """The sandbox's own side: people who pay, faults, books."""

    def __init__(self, base):
        self.base = base

    def ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, {"content-type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def pay(self, payment):
        return self.ask("POST", f"/checkout/{payment}/succeed", {})

    def fault(self, call, fault):
        self.ask("POST", "/faults", {"vendor": "yookassa", "call": call, "fault": fault})

    def payments(self):
        return len(self.ask("GET", "/books")["yookassa"]["payments"])


class Listener:
    """The shop's door for notifications."""

    def __init__(self):
        self.bodies, self.came = [], threading.Condition()
        listener = self

        class Door(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                with listener.came:
                    listener.bodies.append(body)
                    listener.came.notify_all()
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Door)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/notifications"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def of(self, event, object_id):
        """The notification of this event, once it is there."""
        def find():
            return next((b for b in self.bodies if b["event"] == event and b["object"]["id"] == object_id), None)

        with self.came:
            self.came.wait_for(find, timeout=20)
            return find()


def money(value):
    return {"value": value, "currency": "RUB"}


def words(value="100.00", **more):
    return {
        "amount": money(value), "capture": True, "description": "100 credits",
        "confirmation": {"type": "redirect", "return_url": "https://example.org/back"},
        "metadata": {"order": "1"}, **more,
    }


def receipt(value, mode="full_prepayment"):
    item = {"description": "100 credits", "quantity": 1, "amount": money(value), "vat_code": 1,
            "payment_subject": "service", "payment_mode": mode}
    return {"customer": {"email": "a@example.org"}, "tax_system_code": 2, "items": [item]}


def key():
    return str(uuid.uuid4())


class Drive:
    """The SDK's calls, in groups of checks."""

    def __init__(self, desk):
        self.desk = desk

    def paid(self, value="100.00", **more):
        payment = Payment.create(words(value, **more), key())
        self.desk.pay(payment.id)
        return payment.id

    # Payments.

    def create(self):
        payment = Payment.create(words(), key())
        same((payment.status, payment.paid, payment.test), ("pending", False, True))
        same((str(payment.amount.value), payment.amount.currency), ("100.00", "RUB"))
        same(payment.recipient.account_id, SHOP)
        same(payment.metadata["order"], "1")
        assert payment.confirmation.confirmation_url.startswith(self.desk.base)
        self.desk.pay(payment.id)
        found = Payment.find_one(payment.id)
        same((found.status, found.paid, found.refundable), ("succeeded", True, True))
        same(str(found.income_amount.value), "96.50")
        same(found.payment_method.type, "bank_card")
        return payment.id

    def methods(self):
        kinds = ["bank_card", "yoo_money", "sberbank", "tinkoff_bank", "sbp"]
        for kind in kinds:
            payment = Payment.create(words(payment_method_data={"type": kind}), key())
            self.desk.pay(payment.id)
            same(Payment.find_one(payment.id).payment_method.type, kind)
        return ", ".join(kinds)

    def one_key(self):
        once, before = key(), self.desk.payments()
        first, second = Payment.create(words(), once), Payment.create(words(), once)
        same((first.id, self.desk.payments()), (second.id, before + 1))
        error = refused(BadRequestError, lambda: Payment.create(words("200.00"), once))
        return error.content["parameter"]

    def hold(self):
        whole, part, given_up = (Payment.create(words(capture=False), key()).id for _ in range(3))
        for payment in (whole, part, given_up):
            same(self.desk.pay(payment)["status"], "waiting_for_capture")
        same(Payment.capture(whole, {"amount": money("100.00")}, key()).status, "succeeded")
        same(str(Payment.capture(part, {"amount": money("60.00")}, key()).amount.value), "60.00")
        canceled = Payment.cancel(given_up, key())
        same((canceled.status, canceled.cancellation_details.party), ("canceled", "merchant"))
        refused(BadRequestError, lambda: Payment.cancel(whole, key()))
        return f"{whole} captured, {given_up} canceled"

    def declined(self):
        payment = Payment.create(words(), key())
        self.desk.ask("POST", f"/checkout/{payment.id}/decline", {"reason": "insufficient_funds"})
        found = Payment.find_one(payment.id)
        same((found.status, found.cancellation_details.reason), ("canceled", "insufficient_funds"))
        return found.cancellation_details.party

    def pages(self):
        made = [Payment.create(words(), key()).id for _ in range(7)]
        seen, cursor = [], None
        while True:
            page = Payment.list({"limit": 3, **({"cursor": cursor} if cursor else {})})
            seen += [one.id for one in page.items]
            if len(seen) == 3:
                Payment.create(words(), key())  # comes while paging: it must not shift the pages
            cursor = page.next_cursor
            if not cursor:
                break
        same(seen[:7], made[::-1], "newest first")
        same((len(seen), len(set(seen))), (self.desk.payments() - 1, len(seen)))
        by_status = Payment.list({"status": "succeeded", "limit": 100})
        assert by_status.items and all(one.status == "succeeded" for one in by_status.items)
        later = Payment.list({"created_at.gt": "2999-01-01T00:00:00Z"})
        same(list(later.items or []), [])
        return f"{len(seen)} payments"

    def account(self):
        me = Settings.get_account_settings()
        same((me.account_id, me.test), (SHOP, True))
        return me.status

    # Refunds and receipts.

    def refunds(self):
        payment = self.paid()
        part = Refund.create({"payment_id": payment, "amount": money("30.00"), "description": "a part"}, key())
        same((part.status, str(part.amount.value), part.payment_id), ("succeeded", "30.00", payment))
        over = lambda: Refund.create({"payment_id": payment, "amount": money("70.01")}, key())
        parameter = refused(BadRequestError, over).content["parameter"]
        rest = Refund.create({"payment_id": payment, "amount": money("70.00")}, key())
        same(Refund.find_one(rest.id).status, "succeeded")
        found = Payment.find_one(payment)
        same((str(found.refunded_amount.value), found.refundable), ("100.00", False))
        same([one.id for one in Refund.list({"payment_id": payment}).items], [rest.id, part.id])
        return f"over-refund refused by {parameter}"

    def slow_refund(self):
        payment = self.paid()
        self.desk.fault("create_refund", {"refund_status": "pending"})
        pending = Refund.create({"payment_id": payment, "amount": money("100.00")}, key())
        same(pending.status, "pending")
        self.desk.ask("POST", f"/checkout/{pending.id}/decline", {})
        canceled = Refund.find_one(pending.id)
        same(canceled.status, "canceled")
        return canceled.cancellation_details.reason

    def receipts(self):
        payment = self.paid(receipt=receipt("100.00"))
        same(Payment.find_one(payment).receipt_registration, "succeeded")
        bare = {"payment_id": payment, "amount": money("40.00")}
        same(refused(BadRequestError, lambda: Refund.create(bare, key())).content["parameter"], "receipt")
        part = Refund.create({**bare, "receipt": receipt("40.00")}, key())
        same(part.receipt_registration, "succeeded")
        second = Receipt.create({
            **receipt("60.00", "full_payment"), "type": "payment", "payment_id": payment, "send": True,
            "settlements": [{"type": "prepayment", "amount": money("60.00")}],
        }, key())
        same((second.status, second.type), ("succeeded", "payment"))
        kinds = [one.type for one in Receipt.list({"payment_id": payment}).items]
        same(kinds, ["payment", "refund", "payment"])
        same(Receipt.find_one(second.id).id, second.id)
        return f"{len(kinds)} receipts"

    # Errors.

    def bad_request(self):
        found = {}
        for name, body in {
            "amount.value": words("20000000.00"),
            "metadata": words(metadata={"x" * 33: "1"}),
            "payment_method_data.type": words("700001.00", payment_method_data={"type": "sbp"}),
            "receipt.items": words(receipt=receipt("99.00")),
        }.items():
            error = refused(BadRequestError, lambda: Payment.create(body, key()))
            same((error.content["type"], error.content["code"]), ("error", "invalid_request"))
            found[name] = error.content["parameter"]
        return ", ".join(found.values())

    def strangers(self):
        Configuration.configure(SHOP, "test_wrong", api_url=f"{self.desk.base}/yookassa/v3")
        try:
            error = refused(UnauthorizedError, lambda: Payment.find_one("x" * 36))
        finally:
            Configuration.configure(SHOP, KEY, api_url=f"{self.desk.base}/yookassa/v3")
        return error.content["code"]

    def forbidden(self):
        self.desk.fault("get_payment", {"status": 403})
        return refused(ForbiddenError, lambda: Payment.find_one("x" * 36)).content["code"]

    def absent(self):
        codes = [refused(NotFoundError, lambda: kind.find_one("x" * 36)).content["code"]
                 for kind in (Payment, Refund, Receipt)]
        same(set(codes), {"not_found"})
        return codes[0]

    def too_many(self):
        self.desk.fault("create_payment", {"status": 429, "retry_after": 1.8})
        error = refused(TooManyRequestsError, lambda: Payment.create(words(), key()))
        same(error.content["retry_after"], 1800)
        return f"retry_after {error.content['retry_after']} ms"

    def unknown_outcome(self):
        for after in (False, True):
            once, before = key(), self.desk.payments()
            self.desk.fault("create_payment", {"status": 500, "after_effect": after})
            error = refused(InternalServerError, lambda: Payment.create(words(), once))
            same(self.desk.payments(), before + after)
            Payment.create(words(), once)
            same(self.desk.payments(), before + 1, "the same key and body")
        return error.content["code"]

    # Notifications.

    def notified(self, listener, event, make):
        def run():
            object_id = make()
            body = listener.of(event, object_id)
            assert body, f"no {event} came"
            notice = WebhookNotificationFactory().create(body)
            same((notice.event, notice.object.id), (event, object_id))
            return f"{type(notice).__name__}, {notice.object.status}"

        return run

    def refunded(self):
        return Refund.create({"payment_id": self.paid(), "amount": money("10.00")}, key()).id

    def held(self):
        payment = Payment.create(words(capture=False), key()).id
        self.desk.pay(payment)
        return payment

    def given_up(self):
        payment = Payment.create(words(), key()).id
        self.desk.ask("POST", f"/checkout/{payment}/expire", {})
        return payment


def every_one(listener):
    """Nothing that was sent in the whole run is left unread."""
    with listener.came:
        bodies = list(listener.bodies)
    for body in bodies:
        WebhookNotificationFactory().create(body)
    return f"{len(bodies)} notifications"


def addresses(ranges):
    """Who is let in by our list and by the SDK's; the SDK names four subnets of the published IPv6 one."""
    ours = [ipaddress.ip_network(one) for one in ranges]
    edges = ["127.0.0.1", "10.0.0.1", "8.8.8.8", "0.0.0.0", "255.255.255.255", "::1", "2a02:5181::1",
             "2a02:5180:0:1509::1", "2a02:5180:0:2655::ffff", "2a02:5180:0:1533::1", "2a02:5180:0:2669::1"]
    for net in [*ours, *(ipaddress.ip_network(one) for one in SecurityHelper.YOOKASSA_NETWORKS)]:
        first, last = int(net.network_address), int(net.broadcast_address)
        kind = type(net.network_address)
        edges += [str(kind(at)) for at in (first - 1, first, (first + last) // 2, last, last + 1)]
    table = sorted(set(edges))
    judge, inside = SecurityHelper(), 0
    for text in table:
        address = ipaddress.ip_address(text)
        let_in = any(address in net for net in ours)
        trusted = judge.is_ip_trusted(text)
        inside += let_in
        if address.version == 4 and let_in != trusted or trusted and not let_in:
            raise AssertionError(f"{text}: we say {let_in}, the SDK says {trusted}")
    return f"{len(table)} addresses, {inside} let in"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--base", required=True)
    parser.add_argument("--arrivals", required=True)
    parser.add_argument("--ranges", required=True)
    parser.add_argument("--must", required=True)
    args = parser.parse_args()
    desk, listener = Desk(args.base), Listener()
    desk.ask("PUT", "/settings", {"yookassa_notify_url": listener.url})
    Configuration.configure(SHOP, KEY, api_url=f"{desk.base}/yookassa/v3")
    drive = Drive(desk)
    checks("sdk", [
        ("create, pay and get", drive.create), ("every method", drive.methods), ("one key, one payment", drive.one_key),
        ("hold, capture, cancel", drive.hold), ("a declined card", drive.declined), ("list by pages", drive.pages),
        ("me", drive.account), ("refund a part and the rest", drive.refunds),
        ("a refund that fails later", drive.slow_refund), ("receipts", drive.receipts),
        ("400 names the parameter", drive.bad_request), ("401", drive.strangers), ("403", drive.forbidden),
        ("404", drive.absent), ("429", drive.too_many), ("500 before and after the effect", drive.unknown_outcome),
    ])
    checks("notifications", [
        (event, drive.notified(listener, event, make)) for event, make in [
            ("payment.succeeded", drive.paid), ("payment.waiting_for_capture", drive.held),
            ("payment.canceled", drive.given_up), ("refund.succeeded", drive.refunded),
        ]
    ] + [("all of this run", lambda: every_one(listener))])
    checks("addresses", [("our list and the SDK's", lambda: addresses(args.ranges.split(",")))])
    seen = yookassa_judge.recorded("requests", args.arrivals, args.must.split(","))
    yookassa_judge.planted("control", seen)


main()
