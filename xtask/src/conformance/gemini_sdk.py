"""Google's official SDK (google-genai) against the sandbox, and the official protobufs as a judge of what our
generator sends."""

import argparse
import base64
import json
import struct
import urllib.request
import warnings

import gemini_judge
from google import genai
from google.ai import generativelanguage_v1beta as protobufs
from google.genai import errors, models, types
from google.protobuf import json_format
from report import checks, refused, same

TEXT, LITE, PRO, NANO, IMAGEN = (
    "gemini-3.8-flash", "gemini-3.5-flash-lite", "gemini-3-pro-image", "gemini-nano-banana-2.1",
    "imagen-4.0-generate-001",
)
KEY = "conformance-key"
FINISHED = [
    "STOP", "MAX_TOKENS", "SAFETY", "RECITATION", "LANGUAGE", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII",
    "MALFORMED_FUNCTION_CALL", "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_OTHER", "NO_IMAGE",
    "IMAGE_RECITATION", "UNEXPECTED_TOOL_CALL",
]
BLOCKED = ["SAFETY", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT", "IMAGE_SAFETY", "MODEL_ARMOR", "JAILBREAK"]
# A white pixel.
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEAsTj2DgAAAABJRU5ErkJggg=="
)


def client(base, key=KEY):
    return genai.Client(api_key=key, http_options=types.HttpOptions(base_url=f"{base}/gemini", api_version="v1beta"))


def size_of(blob):
    """Width and height by the picture's own header."""
    data = blob.data
    if blob.mime_type == "image/png":
        return struct.unpack(">II", data[16:24])
    same((blob.mime_type, data[:2]), ("image/jpeg", b"\xff\xd8"))
    at = 2
    while data[at + 1] not in (0xC0, 0xC1, 0xC2):
        at += 2 + struct.unpack(">H", data[at + 2:at + 4])[0]
    height, width = struct.unpack(">HH", data[at + 5:at + 9])
    return width, height


def pictures(answer):
    return [part.inline_data for part in answer.candidates[0].content.parts or [] if part.inline_data]


def shaped(ratio="1:1", size="1K"):
    image = types.ImageConfig(aspect_ratio=ratio, image_size=size)
    return types.GenerateContentConfig(response_modalities=["TEXT", "IMAGE"], image_config=image)


class Drive:
    """The SDK's calls, in groups of checks."""

    def __init__(self, base):
        self.base = base
        self.sdk = client(base)
        self.models = self.sdk.models

    def desk(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, {"content-type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def fault(self, fault, times=1):
        self.desk("POST", "/faults", {"vendor": "gemini", "fault": fault, "times": times})

    def last_call(self):
        return self.desk("GET", "/books")["gemini"]["calls"][-1]

    def ask(self, model=TEXT, contents="a fox in the snow", config=None, fault=None):
        if fault is not None:
            self.fault(fault)
        return self.models.generate_content(model=model, contents=contents, config=config)

    # Texts.

    def text(self):
        config = types.GenerateContentConfig(system_instruction="Be brief.", temperature=0.5, max_output_tokens=4000)
        answer = self.ask(config=config)
        assert "a fox in the snow" in answer.text
        same((answer.candidates[0].finish_reason, answer.model_version), (types.FinishReason.STOP, TEXT))
        usage, booked = answer.usage_metadata, self.last_call()
        same(usage.prompt_token_count + usage.candidates_token_count, usage.total_token_count)
        same((answer.response_id, usage.candidates_token_count),
             (booked["id"], booked["usage"]["candidatesTokenCount"]))
        return f"{usage.total_token_count} tokens, {booked['cost_micro_usd']} µ$"

    def context(self):
        chat = self.sdk.chats.create(model=TEXT)
        chat.send_message("my name is Ada")
        assert "2 turns came before" in chat.send_message("what is my name?").text
        same(len(chat.get_history()), 4)

    def stream(self):
        pieces = list(self.models.generate_content_stream(model=TEXT, contents="a fox in the snow"))
        same("".join(piece.text or "" for piece in pieces), self.ask().text, "streamed and whole")
        reasons = [piece.candidates[0].finish_reason for piece in pieces]
        same((set(reasons[:-1]), reasons[-1]), ({None}, types.FinishReason.STOP))
        return f"{len(pieces)} events"

    def short(self):
        answer = self.ask(config=types.GenerateContentConfig(max_output_tokens=5))
        same(answer.candidates[0].finish_reason, types.FinishReason.MAX_TOKENS)

    def safety(self):
        setting = types.SafetySetting(category="HARM_CATEGORY_HARASSMENT", threshold="BLOCK_ONLY_HIGH")
        assert self.ask(config=types.GenerateContentConfig(safety_settings=[setting])).text
        twice = types.GenerateContentConfig(safety_settings=[setting, setting])
        refused(errors.ClientError, lambda: self.ask(config=twice))

    def thoughts(self):
        answer = self.ask(fault="thinking")
        parts = answer.candidates[0].content.parts
        same([bool(part.thought) for part in parts], [True, False])
        assert parts[0].text not in answer.text

    # Pictures.

    def sizes(self):
        found = {}
        for model, ratio, size, pixels in [
            (PRO, "1:1", "1K", (1024, 1024)), (PRO, "16:9", "2K", (2752, 1536)), (PRO, "9:16", "1K", (768, 1376)),
            (PRO, "21:9", "4K", (6336, 2688)), (NANO, "3:4", "1K", (896, 1200)), (NANO, "4:5", "2K", (1856, 2304)),
        ]:
            [blob] = pictures(self.ask(model, config=shaped(ratio, size)))
            same(size_of(blob), pixels, f"{model} {ratio} {size}")
            found[blob.mime_type] = found.get(blob.mime_type, 0) + 1
        return ", ".join(f"{count} {mime}" for mime, count in found.items())

    def references(self):
        one = types.Part.from_bytes(data=PIXEL, mime_type="image/png")
        answer = self.ask(PRO, ["put them together", *[one] * 14], shaped())
        same((len(pictures(answer)), len(self.last_call()["references"])), (1, 14))
        error = refused(errors.ClientError, lambda: self.ask(PRO, ["too many", *[one] * 15], shaped()))
        return error.message

    def edit(self):
        asked = types.UserContent("a fox in the snow")
        first = self.ask(PRO, [asked], shaped())
        turn = first.candidates[0].content
        assert all(part.thought_signature for part in turn.parts)
        second = self.ask(PRO, [asked, turn, types.UserContent("now at night")], shaped())
        third = [asked, turn, types.UserContent("now at night"), second.candidates[0].content,
                 types.UserContent("and a moon")]
        same((len(pictures(self.ask(PRO, third, shaped()))), self.last_call()["turns"]), (1, 4))
        swapped = turn.model_copy(deep=True)
        swapped.parts[-1].thought_signature = second.candidates[0].content.parts[-1].thought_signature
        bare = turn.model_copy(deep=True)
        bare.parts[-1].thought_signature = None
        for wrong, words in [(swapped, "not valid"), (bare, "missing a thought_signature")]:
            again = [asked, wrong, types.UserContent("now at night")]
            error = refused(errors.ClientError, lambda: self.ask(PRO, again, shaped()))
            same((error.code, words in error.message), (400, True))
        return "three turns; a swapped and a missing signature refused"

    def several(self):
        same(len(pictures(self.ask(PRO, config=shaped(), fault={"pictures": 3}))), 3)
        answer = self.ask(PRO, config=shaped(), fault="huge_signature")
        signatures = [len(part.thought_signature) for part in answer.candidates[0].content.parts]
        assert min(signatures) > 800_000, signatures
        drafts = self.ask(PRO, config=shaped(), fault="image_in_thought").candidates[0].content.parts
        assert drafts[-1].thought and drafts[-1].inline_data
        return f"signatures of {signatures} bytes"

    def imagen(self):
        """The SDK drives `:predict` on Vertex only: its words for it, over the call of this API."""
        config = types.GenerateImagesConfig(number_of_images=2, aspect_ratio="16:9", output_mime_type="image/jpeg")
        asked = types._GenerateImagesParameters(model=IMAGEN, prompt="a fox", config=config)
        body = models._GenerateImagesParameters_to_vertex(self.sdk._api_client, asked)
        body.pop("_url", None)
        said = self.sdk._api_client.request("post", f"models/{IMAGEN}:predict", body, types.HttpOptions())
        made = models._GenerateImagesResponse_from_vertex(json.loads(said.body))
        answer = types.GenerateImagesResponse._from_response(response=made, kwargs={})
        images = [one.image for one in answer.generated_images]
        found = [size_of(types.Blob(data=one.image_bytes, mime_type=one.mime_type)) for one in images]
        same(found, [(1408, 768)] * 2)
        return f"{len(found)} pictures, {images[0].mime_type}"

    # Models.

    def list(self):
        pager = self.models.list(config={"page_size": 3})
        names = [model.name for model in pager]
        whole = [model.name for model in self.models.list()]
        same(names, whole, "by threes and at once")
        for model in (TEXT, LITE, PRO, NANO, IMAGEN):
            assert f"models/{model}" in names, model
        return f"{len(names)} models"

    def get(self):
        found = self.models.get(model=PRO)
        same((found.name, "generateContent" in found.supported_actions), (f"models/{PRO}", True))
        return found.display_name

    # Outcomes.

    def finished(self, reason):
        def run():
            for fault in ({"finish": reason}, {"finish": reason, "partial": True}):
                candidate = self.ask(fault=fault).candidates[0]
                same((candidate.finish_reason.value, bool(candidate.content.parts)), (reason, len(fault) > 1))
        return run

    def new_reason(self):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            same(self.ask(fault="A_REASON_OF_2030").candidates[0].finish_reason.value, "A_REASON_OF_2030")

    def blocked(self, reason):
        def run():
            answer = self.ask(PRO, fault={"prompt_blocked": reason})
            same((answer.prompt_feedback.block_reason.value, answer.candidates), (reason, None))
        return run

    def rerouted(self):
        same(self.ask(fault={"model_version": LITE}).model_version, LITE)
        return f"billed {self.last_call()['cost_micro_usd']} µ$"

    def broken_off(self):
        for cut in ("json", "base64", "sse"):
            self.fault({"cut": cut})
            try:
                pieces = list(self.models.generate_content_stream(model=PRO, contents="a fox"))
            except Exception:  # of the HTTP library underneath
                pass
            else:
                raise AssertionError(f"{cut}: {len(pieces)} events came, and an end")
            call = self.last_call()
            same((call["billed"], "last_byte_us" in call), (True, False), cut)

    def unfinished(self):
        self.fault("no_finish")
        pieces = list(self.models.generate_content_stream(model=TEXT, contents="a fox"))
        same({piece.candidates[0].finish_reason for piece in pieces}, {None})

    def mid_stream(self):
        self.fault("mid_stream_error")
        error = refused(errors.APIError,
                        lambda: list(self.models.generate_content_stream(model=TEXT, contents="a fox")))
        return f"{type(error).__name__}: {error.code} {error.status}"

    # Errors.

    def error(self, fault, kind, code, status, words, detail=None):
        def run():
            error = refused(kind, lambda: self.ask(fault=fault))
            same((error.code, error.status, words in error.message), (code, status, True), error.message)
            details = error.details["error"].get("details", [])
            kinds = [one["@type"].rsplit(".", 1)[-1] for one in details]
            same(detail in kinds if detail else kinds, bool(detail) and True or [])
            return ", ".join(kinds) or error.message[:40]
        return run

    def no_key(self):
        stranger = client(self.base, "invalid-key")
        error = refused(errors.ClientError, lambda: stranger.models.generate_content(model=TEXT, contents="a"))
        same(error.details["error"]["details"][0]["reason"], "API_KEY_INVALID")

    def quota(self):
        self.desk("PUT", "/settings", {"gemini_limits": {"per_minute": 1}})
        try:
            one, other = client(self.base, "key-one"), client(self.base, "key-two")
            one.models.generate_content(model=TEXT, contents="a")
            error = refused(errors.ClientError, lambda: one.models.generate_content(model=TEXT, contents="a"))
            other.models.generate_content(model=TEXT, contents="a")
        finally:
            self.desk("PUT", "/settings", {"gemini_limits": {"per_minute": None}})
        delay = [one["retryDelay"] for one in error.details["error"]["details"] if "retryDelay" in one]
        same((error.code, len(delay)), (429, 1))
        return delay[0]

    def unknown(self, model, words):
        def run():
            error = refused(errors.ClientError, lambda: self.ask(model))
            same((error.code, error.status, words in error.message), (404, "NOT_FOUND", True))
        return run

    # Answers, read without the SDK's own leniency.

    def raw(self, model=TEXT, fault=None, config=None, verb="generateContent"):
        if fault is not None:
            self.fault(fault)
        body = {"contents": [{"role": "user", "parts": [{"text": "a fox"}]}], "generationConfig": config or {}}
        url = f"{self.base}/gemini/v1beta/models/{model}:{verb}"
        headers = {"content-type": "application/json", "x-goog-api-key": KEY}
        request = urllib.request.Request(url, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read().decode()
        events = [text] if "alt=sse" not in verb else [
            event.removeprefix("data: ") for event in text.split("\r\n\r\n") if event]
        return [json.loads(event) for event in events]

    def validated(self, fault, model=TEXT, **more):
        def run():
            seen = self.raw(model, fault, **more)
            for answer in seen:
                parsed = types.GenerateContentResponse.model_validate(answer)
                back = json.loads(parsed.model_dump_json(by_alias=True, exclude_none=True))
                wrong = list(gemini_judge.lost(answer, back))
                assert not wrong, "; ".join(wrong)
                json_format.ParseDict(answer, protobufs.GenerateContentResponse.pb()())
            return f"{len(seen)} validated"
        return run


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--base", required=True)
    parser.add_argument("--arrivals", required=True)
    parser.add_argument("--must", required=True)
    args = parser.parse_args()
    drive = Drive(args.base)
    checks("sdk", [
        ("a text, and what it cost", drive.text), ("a text with context", drive.context),
        ("a streamed text is the whole one", drive.stream), ("MAX_TOKENS", drive.short),
        ("content settings", drive.safety), ("thoughts are told apart", drive.thoughts),
        ("pictures of true sizes", drive.sizes), ("14 references, and no 15th", drive.references),
        ("an edit of an edit, with signatures", drive.edit), ("several pictures, huge signatures", drive.several),
        ("Imagen's predict", drive.imagen), ("ListModels by pages", drive.list), ("a model", drive.get),
        ("another model answers", drive.rerouted), ("answers that break off", drive.broken_off),
        ("a stream without a reason", drive.unfinished), ("an error in mid-stream", drive.mid_stream),
    ])
    checks("reasons", [(reason, drive.finished(reason)) for reason in FINISHED]
           + [("one that nobody knows", drive.new_reason)]
           + [(f"prompt blocked for {reason}", drive.blocked(reason)) for reason in BLOCKED])
    client_error, server_error = errors.ClientError, errors.ServerError
    checks("errors", [(name, drive.error(*case)) for name, *case in [
        ("429 a minute", "quota_minute", client_error, 429, "RESOURCE_EXHAUSTED", "quota", "RetryInfo"),
        ("429 a day", "quota_day", client_error, 429, "RESOURCE_EXHAUSTED", "quota", "QuotaFailure"),
        ("429 without details", "429", client_error, 429, "RESOURCE_EXHAUSTED", "quota"),
        ("400 for a key", "bad_key", client_error, 400, "INVALID_ARGUMENT", "API key not valid", "ErrorInfo"),
        ("400 for a region", "region_blocked", client_error, 400, "FAILED_PRECONDITION", "location"),
        ("400", "400", client_error, 400, "INVALID_ARGUMENT", "invalid"),
        ("403", "403", client_error, 403, "PERMISSION_DENIED", "permission"),
        ("404", "404", client_error, 404, "NOT_FOUND", "not found"),
        ("500", "500", server_error, 500, "INTERNAL", "internal"),
        ("503", "503", server_error, 503, "UNAVAILABLE", "overloaded"),
        ("504", "504", server_error, 504, "DEADLINE_EXCEEDED", "timed out"),
    ]] + [
        ("an invalid key", drive.no_key), ("a quota for each key", drive.quota),
        ("a model that is shut down", drive.unknown(f"{PRO}-preview", "is not found")),
        ("a model that was never there", drive.unknown("gemini-0", "ListModels")),
    ])
    picture = {"responseModalities": ["IMAGE"], "imageConfig": {"aspectRatio": "1:1"}}
    sse = "streamGenerateContent?alt=sse"
    checks("answers", [(name, drive.validated(fault, **more)) for name, fault, more in [
        ("text", None, {}), ("stream", None, {"verb": sse}), ("picture", None, {"model": PRO, "config": picture}),
        ("streamed picture", None, {"model": PRO, "verb": sse}), ("thoughts", "thinking", {}),
        ("several", "several", {"model": NANO}), ("in a thought", "image_in_thought", {"model": PRO}),
        ("NO_IMAGE", "no_image", {"model": PRO}), ("blocked", {"prompt_blocked": "SAFETY"}, {"model": PRO}),
        ("blocked, streamed", {"prompt_blocked": "SAFETY"}, {"verb": sse}), ("empty", "empty", {"model": PRO}),
        ("text instead", "text_instead", {"model": PRO}), ("no finishReason", "no_finish", {"verb": sse}),
        ("huge signatures", "huge_signature", {"model": PRO}),
        ("finished in the middle", {"finish": "SAFETY", "partial": True}, {"verb": sse}),
    ]])
    gemini_judge.answers("control", drive.raw()[0])
    seen = gemini_judge.recorded("requests", args.arrivals, args.must.split(","))
    gemini_judge.planted("control", seen)


main()
