"""Requests as they were recorded, judged by Google's official protobufs: every field must be known there and of
its type. What those are too old for (`imageSize`) is judged here."""

import copy
import json
import pathlib
import re
from urllib.parse import parse_qsl, urlsplit

from google.ai import generativelanguage_v1beta as protobufs
from google.genai import types
from google.protobuf import json_format
from report import checks, say, same

MESSAGES = {
    "generateContent": protobufs.GenerateContentRequest,
    "streamGenerateContent": protobufs.GenerateContentRequest,
    "predict": protobufs.PredictRequest,
}
PATH = re.compile(r"/gemini/v1beta/models/([a-z0-9.-]+):(generateContent|streamGenerateContent|predict)$")
SIZES = ("1K", "2K", "4K")
MODELS = "/gemini/v1beta/models"


def arrivals(folder):
    for file in sorted(pathlib.Path(folder).glob("*.jsonl")):
        for line in file.read_text().splitlines():
            arrival = json.loads(line)
            if arrival["vendor"] == "gemini":
                yield arrival


def restored(value):
    """Long strings were recorded as size and hash: something of that length stands in for them."""
    if isinstance(value, dict):
        if value.keys() == {"sha256", "size"}:
            return "A" * (value["size"] - value["size"] % 4)
        return {name: restored(one) for name, one in value.items()}
    return [restored(one) for one in value] if isinstance(value, list) else value


def judge(arrival):
    """Raises what is wrong with a request."""
    call, headers = arrival["call"], arrival["headers"]
    parts = urlsplit(arrival["path"])
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    if not headers.get("x-goog-api-key"):
        raise ValueError("there is no x-goog-api-key")
    if "key" in query:
        raise ValueError("a key stands in the address")
    if call in ("listModels", "getModel"):
        if arrival["method"] != "GET" or arrival["body"] is not None or set(query) - {"pageSize", "pageToken"}:
            raise ValueError(f"{arrival['method']} {arrival['path']} is no way to ask for models")
        return
    path = PATH.match(parts.path)
    if call not in MESSAGES or not path or path[2] != call or arrival["method"] != "POST":
        raise ValueError(f"{arrival['method']} {arrival['path']} is no call of Gemini's")
    if query != ({"alt": "sse"} if call == "streamGenerateContent" else {}):
        raise ValueError(f"{call} with {query}")
    if not headers.get("content-type", "").startswith("application/json"):
        raise ValueError("it is not application/json")
    body = restored(copy.deepcopy(arrival["body"]))
    if not isinstance(body, dict):
        raise ValueError("the body is no object")
    image = (body.get("generationConfig") or {}).get("imageConfig") or {}
    size = image.pop("imageSize", None)
    if size is not None and size not in SIZES:
        raise ValueError(f"imageSize {size}")
    message = json_format.ParseDict(body, MESSAGES[call].pb()())
    if call == "predict":
        if len(message.instances) != 1 or not message.instances[0].struct_value["prompt"]:
            raise ValueError("predict without a prompt")
        return
    if not message.contents or not all(content.parts for content in message.contents):
        raise ValueError("no contents, or some without parts")
    if message.contents[-1].role != "user" or {one.role for one in message.contents} - {"user", "model"}:
        raise ValueError("roles are user and model, the last one the user's")
    for content in message.contents:
        for part in content.parts:
            if part.WhichOneof("data") not in ("text", "inline_data"):
                raise ValueError("a part that is neither text nor picture")


def lost(sent, understood, path=""):
    """Where a model has not understood what was sent; base64 has two alphabets."""
    if isinstance(sent, dict) and isinstance(understood, dict):
        for key, value in sent.items():
            # An empty content is read as none of its parts.
            if key not in understood and value not in (None, {}, []):
                yield f"{path}{key} is not understood"
            elif value not in (None, {}, []):
                yield from lost(value, understood[key], f"{path}{key}.")
    elif isinstance(sent, list) and isinstance(understood, list) and len(sent) == len(understood):
        for at, (one, other) in enumerate(zip(sent, understood)):
            yield from lost(one, other, f"{path}{at}.")
    elif isinstance(sent, str) and isinstance(understood, str):
        plain = [one.replace("-", "+").replace("_", "/").rstrip("=") for one in (sent, understood)]
        if plain[0] != plain[1]:
            yield f"{path.rstrip('.')} is understood otherwise"
    elif sent != understood:
        yield f"{path.rstrip('.')} is {sent!r}, understood as {understood!r}"


def recorded(group, folder, must):
    """Judges everything in the folder, also what the sandbox answered with an error: ours is to ask rightly."""
    seen = {}
    for arrival in arrivals(folder):
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
    missing = [call for call in must if call not in seen]
    say(group, "every call was recorded", not missing,
        f"no {', '.join(missing)}" if missing else f"{sum(map(len, seen.values()))} judged")
    return seen


def planted(group, seen):
    """The control: wrong copies of a real request must not pass."""
    made = seen.get("generateContent", [])
    picture = next((one for one in made if "imageConfig" in json.dumps(one["body"])), None)

    def with_(path, value):
        copied = copy.deepcopy(picture)
        place = copied
        for key in path[:-1]:
            place = place[key] if isinstance(key, int) else place.setdefault(key, {})
        if value is None:
            place.pop(path[-1], None)
        else:
            place[path[-1]] = value
        return copied

    def rejected(arrival):
        def run():
            try:
                judge(arrival)
            except Exception as error:
                return f"rejected: {error}".splitlines()[0]
            raise AssertionError("it passed")

        return run

    say(group, "there is something to plant into", picture is not None)
    if picture is None:
        return
    config, part = ["body", "generationConfig"], ["body", "contents", 0, "parts", 0]
    wrong = {
        "a misspelt field": with_([*config, "imageConfg"], {}),
        "a field in the wrong place": with_([*config, "aspectRatio"], "1:1"),
        "a number for a ratio": with_([*config, "imageConfig", "aspectRatio"], 169),
        "a size in small letters": with_([*config, "imageConfig", "imageSize"], "2k"),
        "an unknown modality": with_([*config, "responseModalities"], ["SMELL"]),
        "text that is no text": with_([*part, "text"], {"a": 1}),
        "a part that is text and a picture": with_([*part, "inlineData"], {"mimeType": "image/png", "data": "AAAA"}),
        "bytes that are no base64": with_([*part], {"inlineData": {"mimeType": "image/png", "data": "A"}}),
        "an unknown role": with_(["body", "contents", 0, "role"], "assistant"),
        "no contents": with_(["body", "contents"], None),
        "no parts": with_(["body", "contents", 0, "parts"], []),
        "instructions in the wrong form": with_(["body", "systemInstruction"], "be brief"),
        "an unknown category": with_(["body", "safetySettings"], [{"category": "HARM", "threshold": "OFF"}]),
        "no key": with_(["headers", "x-goog-api-key"], None),
        "a key in the address": with_(["path"], picture["path"] + "?key=abc"),
        "a stream without alt=sse": with_(["call"], "streamGenerateContent"),
        "a call that is none": with_(["path"], "/gemini/v1beta/models/x:dream"),
    }
    checks(group, [(name, rejected(arrival)) for name, arrival in wrong.items()])
    checks(group, [("the request itself", lambda: judge(picture))])


def answers(group, right):
    """The control of the answers: what is not as Google says it must not pass the models."""
    def rejected(change):
        def run():
            answer = copy.deepcopy(right)
            change(answer)
            try:
                parsed = types.GenerateContentResponse.model_validate(answer)
                back = json.loads(parsed.model_dump_json(by_alias=True, exclude_none=True))
                wrong = list(lost(answer, back))
                assert wrong
                return f"rejected: {wrong[0]}"
            except ValueError as error:
                return f"rejected: {error}".splitlines()[0]

        return run

    first = right["candidates"][0]
    same(sorted(first), ["content", "finishReason", "index"])
    checks(group, [(name, rejected(change)) for name, change in [
        ("an answer with an unknown field", lambda answer: answer.update(candidats=[])),
        ("a candidate with an unknown field", lambda answer: answer["candidates"][0].update(reason="STOP")),
        ("counts that are words", lambda answer: answer["usageMetadata"].update(promptTokenCount="many")),
        ("parts that are no list", lambda answer: answer["candidates"][0]["content"].update(parts="hello")),
    ]])
