"""The console's API, judged by schemathesis: by addresses of what is in its log, by what schemathesis makes up, and, as
the control, against wrong copies of the description."""

import argparse
import copy
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from urllib.parse import parse_qsl, unquote, urlsplit

import requests
import schemathesis
from report import checks, say
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi import checks as conform

JUDGED = [
    not_a_server_error,
    conform.status_code_conformance,
    conform.content_type_conformance,
    conform.response_schema_conformance,
]
# Below what a session may ask for.
RATE = "40/s"
# It does not end where it is followed.
STREAM = "/api/v1/events"


def asked(token, url):
    while True:
        answer = requests.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=60)
        if answer.status_code != 429:
            return answer
        time.sleep(float(answer.headers.get("Retry-After", "1")))


def pattern(template):
    return re.compile("".join(f"(?P<{part[1:-1]}>[^/]+)" if part.startswith("{") else re.escape(part)
                              for part in re.split(r"(\{[a-z_]+\})", template)) + "$")


class Described:
    """A description, and what is answered at an address judged by it."""

    def __init__(self, document):
        schema = schemathesis.openapi.from_dict(document)
        operations = [found.ok() for found in schema.get_all_operations()]
        # What has no open part goes first: `/log/{position}` is not to take `/log/types`.
        operations.sort(key=lambda operation: operation.path.count("{"))
        self.operations = [(pattern(operation.path), operation) for operation in operations]

    def case(self, address):
        parts = urlsplit(address)
        for path, operation in self.operations:
            if found := path.match(parts.path):
                values = {name: unquote(value) for name, value in found.groupdict().items()}
                return operation.Case(path_parameters=values, query=dict(parse_qsl(parts.query)))
        raise AssertionError(f"{address} is not described")

    def judge(self, address, answer):
        case = self.case(address)
        case.validate_response(answer, checks=JUDGED)
        return case.operation.path


def addresses(described, base, token, known):
    """Each address of something that is there, and what it answered."""
    answers, statuses = {}, Counter()

    def one(address):
        def judge():
            answer = asked(token, base + address)
            path = described.judge(address, answer)
            statuses[path, answer.status_code] += 1
            answers[address] = answer
            return f"{answer.status_code}, {len(answer.content)} bytes"

        return judge

    checks("addresses", [(address, one(address)) for address in known])
    # What never answered with anything else than a problem was not judged by its schema.
    silent = {path for path, _ in statuses} - {path for path, status in statuses if status == 200}
    say("addresses", "each describes something that was found", not silent, ", ".join(sorted(silent)))
    return answers


def made_up(base, token, document, examples, seed):
    """What schemathesis makes up itself, fit and unfit, by its own program."""
    with tempfile.TemporaryDirectory() as folder:
        description, report = os.path.join(folder, "openapi.json"), os.path.join(folder, "said.txt")
        with open(description, "w") as file:
            json.dump(document, file)
        names = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance," \
                "negative_data_rejection,ignored_auth"
        command = [sys.executable, "-m", "schemathesis.cli", "run", description, "--url", base,
                   "--header", f"Authorization: Bearer {token}", "--rate-limit", RATE, "--exclude-path", STREAM,
                   "--checks", names, "--max-examples", str(examples), "--seed", str(seed), "--no-color",
                   "--continue-on-failure", "--suppress-health-check", "all"]
        with open(report, "w") as said:
            ended = subprocess.run(command, cwd=folder, stdout=said, stderr=subprocess.STDOUT, check=False)
        with open(report) as file:
            told = file.read()
    summary = " ".join(re.findall(r"^ *(?:Test cases|Operations|API Operations|\d+ generated.*|.*test cases.*)$", told, re.M))
    ok = ended.returncode == 0
    say("made up", f"{examples} of a kind for each operation", ok, summary.strip() if ok else told[-6000:])


def found(document, answers):
    described, bad = Described(document), 0
    for address, answer in answers.items():
        try:
            described.judge(address, answer)
        except FailureGroup:
            bad += 1
    if not bad:
        raise AssertionError("it was not noticed")
    return f"{bad} of {len(answers)} answers do not fit"


def control(document, answers):
    """The same answers against descriptions that are wrong."""
    paths = [path for path in document["paths"] if path != STREAM and "{" not in path]
    by_path = {path: {a: r for a, r in answers.items() if urlsplit(a).path == path} for path in paths}
    path = next(path for path, of in by_path.items() if of and document["paths"][path]["get"]["responses"]["200"])
    content = "application/json"

    def wrong(change):
        def judge():
            planted = copy.deepcopy(document)
            change(planted["paths"][path]["get"]["responses"])
            return found(planted, by_path[path])

        return judge

    def lacks_a_field(responses):
        shown = responses["200"]["content"][content]
        shown["schema"] = {"allOf": [shown["schema"], {"required": ["nothing_has_this"]}]}

    def of_another_type(responses):
        responses["200"]["content"][content]["schema"] = {"type": "string"}

    def of_another_media(responses):
        responses["200"]["content"] = {"text/csv": {"schema": {}}}

    checks("control", [
        ("a field that is not there", wrong(lacks_a_field)),
        ("another type", wrong(of_another_type)),
        ("another content type", wrong(of_another_media)),
        ("a status that is not described", wrong(lambda responses: responses.pop("200"))),
    ])


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--base", required=True)
    arguments.add_argument("--addresses", required=True, help="a file, an address a line")
    arguments.add_argument("--examples", type=int, default=20)
    arguments.add_argument("--seed", type=int, default=1)
    given = arguments.parse_args()
    token = os.environ["CONSOLE_TOKEN"]
    document = asked(token, f"{given.base}/api/v1/openapi.json").json()
    with open(given.addresses) as file:
        known = file.read().split()
    answers = addresses(Described(document), given.base, token, known)
    made_up(given.base, token, document, given.examples, given.seed)
    control(document, answers)


main()
