"""Requests as they were recorded, judged by the SDK's own request classes.

A class accepts unknown fields without a word; so what it makes of a request is compared with what was
sent, and a field it does not know is a finding.
"""

import copy
import json
import pathlib
from datetime import datetime
from decimal import Decimal, InvalidOperation
from urllib.parse import parse_qsl, urlsplit

from report import checks, say
from yookassa.domain.request import CapturePaymentRequest, PaymentRequest
from yookassa.domain.request.receipt_request import ReceiptRequest
from yookassa.domain.request.refund_request import RefundRequest

CLASSES = {
    "create_payment": PaymentRequest,
    "capture_payment": CapturePaymentRequest,
    "create_refund": RefundRequest,
    "create_receipt": ReceiptRequest,
}
POSTS = [*CLASSES, "cancel_payment"]
READS = ["get_payment", "get_refund", "get_receipt", "list_payments", "list_refunds", "list_receipts", "me"]
DATES = [f"{field}.{bound}" for field in ["created_at", "captured_at"] for bound in ["gte", "gt", "lte", "lt"]]
FILTERS = {
    "list_payments": ["status", "payment_method", *DATES],
    "list_refunds": ["status", "payment_id", *DATES[:4]],
    "list_receipts": ["status", "payment_id", "refund_id", *DATES[:4]],
}


def arrivals(folder):
    for file in sorted(pathlib.Path(folder).glob("*.jsonl")):
        for line in file.read_text().splitlines():
            arrival = json.loads(line)
            if arrival["vendor"] == "yookassa":
                yield arrival


def equal(sent, understood):
    if isinstance(sent, bool) or isinstance(understood, bool):
        return sent == understood
    try:
        return Decimal(str(sent)) == Decimal(str(understood))
    except InvalidOperation:
        return str(sent) == str(understood)


def lost(sent, understood, path=""):
    """Where the class has not understood what was sent."""
    if sent is None:
        return
    if isinstance(sent, dict) and isinstance(understood, dict):
        for key, value in sent.items():
            if key not in understood and value is not None:
                yield f"{path}{key} is not a field of it"
            else:
                yield from lost(value, understood.get(key), f"{path}{key}.")
    elif isinstance(sent, list) and isinstance(understood, list) and len(sent) == len(understood):
        for at, (one, other) in enumerate(zip(sent, understood)):
            yield from lost(one, other, f"{path}{at}.")
    elif not equal(sent, understood):
        yield f"{path.rstrip('.')} is {sent!r}, understood as {understood!r}"


def plain(thing):
    return json.loads(json.dumps(thing, default=lambda one: str(one) if isinstance(one, Decimal) else dict(one)))


def judge(arrival):
    """Raises what is wrong with a request."""
    call, headers, body = arrival["call"], arrival["headers"], arrival["body"]
    if call not in POSTS + READS:
        raise ValueError(f"{arrival['method']} {arrival['path']} is no call of YooKassa's")
    if not headers.get("authorization"):
        raise ValueError("there is no Authorization")
    if call in POSTS:
        key = headers.get("idempotence-key", "")
        if not 1 <= len(key) <= 64:
            raise ValueError(f"the Idempotence-Key has {len(key)} characters")
        if not headers.get("content-type", "").startswith("application/json"):
            raise ValueError("it is not application/json")
    if call in CLASSES:
        if not isinstance(body, dict):
            raise ValueError("the body is no object")
        request = CLASSES[call](copy.deepcopy(body))
        request.validate()
        wrong = list(lost(body, plain(dict(request))))
        if wrong:
            raise ValueError("; ".join(wrong))
    for name, value in parse_qsl(urlsplit(arrival["path"].replace("+", "%2B")).query, keep_blank_values=True):
        if name == "limit" and 1 <= int(value) <= 100 or name == "cursor" and value:
            continue
        if name not in FILTERS.get(call, []):
            raise ValueError(f"{call} has no filter {name}")
        if name in DATES:
            datetime.fromisoformat(value.replace("Z", "+00:00"))


def recorded(group, folder, must):
    """Judges everything in the folder; what the sandbox refused on purpose of a test is left out."""
    seen, refused = {}, 0
    for arrival in arrivals(folder):
        if arrival["status"] in (400, 401, 404) and not arrival["fault"]:
            refused += 1
            continue
        seen.setdefault(arrival["call"], []).append(arrival)
    for call in sorted(seen):
        wrong = []
        for arrival in seen[call]:
            try:
                judge(arrival)
            except Exception as error:
                wrong.append(f"{type(error).__name__}: {error}")
        detail = f"{len(seen[call])} requests" + "".join(f"; {one}" for one in sorted(set(wrong))[:3])
        say(group, call, not wrong, detail)
    total = sum(map(len, seen.values()))
    missing = [call for call in must if call not in seen]
    detail = f"no {', '.join(missing)}" if missing else f"{total} judged, {refused} meant to be refused"
    say(group, "every call was recorded", not missing, detail)
    return seen


def planted(group, seen):
    """The control: wrong copies of a real request must not pass."""
    base = next(iter(seen.get("create_payment", [])), None)

    def with_(path, value, call="create_payment", body=None):
        copied = copy.deepcopy(base)
        copied["call"] = call
        copied["body"] = copy.deepcopy(body) if body else copied["body"]
        place = copied
        for key in path[:-1]:
            place = place.setdefault(key, {})
        if value is None:
            place.pop(path[-1], None)
        else:
            place[path[-1]] = value
        return copied

    refund = {"payment_id": "2" * 36, "amount": {"value": "1.00", "currency": "RUB"}}
    money = {"value": "1.00", "currency": "RUB"}
    receipt = {
        "type": "payment", "payment_id": "2" * 36, "send": True, "customer": {"email": "a@example.org"},
        "items": [{"description": "x", "quantity": 1, "amount": money, "vat_code": 1}],
        "settlements": [{"type": "prepayment", "amount": money}],
    }
    wrong = {
        "no amount": with_(["body", "amount"], None),
        "nothing to pay": with_(["body", "amount", "value"], "0.00"),
        "an amount that is no number": with_(["body", "amount", "value"], "much"),
        "a description of 129 characters": with_(["body", "description"], "x" * 129),
        "a misspelt field": with_(["body", "discription"], "x"),
        "an unknown method": with_(["body", "payment_method_data"], {"type": "barter"}),
        "a receipt without a customer's address": with_(["body", "receipt"], {"customer": {}, "items": receipt["items"]}),
        "a key of 65 characters": with_(["headers", "idempotence-key"], "k" * 65),
        "no key": with_(["headers", "idempotence-key"], None),
        "no authorization": with_(["headers", "authorization"], None),
        "a refund of no payment": with_(["body", "payment_id"], "short", "create_refund", refund),
        "a refund without an amount": with_(["body", "amount"], None, "create_refund", refund),
        "a receipt without items": with_(["body", "items"], None, "create_receipt", receipt),
        "a list by metadata": with_(["path"], "/yookassa/v3/payments?metadata=x", "list_payments"),
        "a call that is none": with_(["path"], "/yookassa/v3/dreams", "unknown"),
    } if base else {}
    right = {
        "the request itself": lambda: judge(base),
        "a right refund": lambda: judge(with_(["status"], 200, "create_refund", refund)),
        "a right receipt": lambda: judge(with_(["status"], 200, "create_receipt", receipt)),
    } if base else {}

    def rejected(arrival):
        def run():
            try:
                judge(arrival)
            except Exception as error:
                return f"rejected: {error}"
            raise AssertionError("it passed")

        return run

    checks(group, [(name, rejected(arrival)) for name, arrival in wrong.items()])
    checks(group, list(right.items()))
    say(group, "there is something to plant into", base is not None)
