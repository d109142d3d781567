"""Each check is one line of JSON on stdout; `cargo xtask conformance` shows and counts them."""

import json
import traceback


def say(group, check, ok, detail=""):
    print(json.dumps({"group": group, "check": check, "ok": bool(ok), "detail": detail}), flush=True)


def checks(group, cases):
    """Runs (name, function); a function answers with a detail, or raises what is wrong."""
    for name, function in cases:
        try:
            say(group, name, True, function() or "")
        except Exception as error:  # whatever the SDK throws is a finding
            where = traceback.extract_tb(error.__traceback__)[-1]
            say(group, name, False, f"{type(error).__name__}: {error} ({where.name}:{where.lineno})")


def same(left, right, what=""):
    if left != right:
        raise AssertionError(f"{what}{': ' if what else ''}{left!r} is not {right!r}")


def refused(kind, function):
    """Expects an exception of this kind, and gives it back."""
    try:
        answer = function()
    except kind as error:
        return error
    raise AssertionError(f"it was taken: {answer!r}")
