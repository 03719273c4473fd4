"""Requests of every API family, what their answers must say, and requests that are wrong."""
import json

from client import request_bytes

BEGINNINGS = [
    "Once upon a time there was a king", "The boy went to the river", "Where is the market", "Why is the sky blue",
    "Tell me a story about a lion", "A dog and a bird", "My mother said", "She opened the door", "The hen and the fox",
    "Can plants grow without water", "Which animal can fly", "How are you", "What do bees make", "Who is the king",
    "안녕하세요", "오늘 날씨가 어때요", "배고파요", "뭐 먹을까요", "심심해", "잘 자요", "여행 가고 싶어", "고마워요", "힘들어",
]
PROMPTS = [beginning + end for end in ("", ".", "?", " today", " and then") for beginning in BEGINNINGS]
CITY = {"type": "object", "properties": {"city": {"type": "string", "enum": ["Seoul", "Busan", "Jeju"]},
                                         "warm": {"type": "boolean"}},
        "required": ["city", "warm"], "additionalProperties": False}
MOST_TOKENS = 12
# Products of different sizes round differently, and what runs together decides about sizes: log probabilities were seen
# to differ by up to 0.02. Texts are compared as far as the most likely token is ahead by this much.
CLEAR = 0.1


def said(text):
    return [{"role": "user", "content": text}]


class Case:
    """One request, whole or streamed, and how the text is read from either answer."""

    def __init__(self, path, body, whole, streamed):
        self.path = path
        self.body = body
        self.whole = whole  # of an answer's JSON
        self.streamed = streamed  # of a list of events
        self.expected = None

    def bytes(self, streams, headers):
        return request_bytes(self.path, {**self.body, "stream": streams}, headers)

    def text(self, answer, streams):
        """What was answered, as a string. Raises when the answer is incomplete."""
        return self.streamed(events_of(answer)) if streams else self.whole(answer.json())


def events_of(answer):
    """The JSON of a stream, of events or of lines."""
    text = answer.body.decode()
    if answer.headers["content-type"].startswith("application/x-ndjson"):
        return [json.loads(line) for line in text.splitlines()]
    assert answer.headers["content-type"].startswith("text/event-stream"), answer.headers
    assert text.endswith("\n\n"), text[-80:]
    data = [line[6:] for line in text.split("\n") if line.startswith("data: ")]
    return [line if line == "[DONE]" else json.loads(line) for line in data]


def done(events):
    assert events.pop() == "[DONE]"
    return events


def calls_text(calls):
    """Tool calls without their ids, which are new every time."""
    return "".join(f" {call['function']['name']}({call['function']['arguments']})" for call in calls)


def chat_whole(answer):
    choice = answer["choices"][0]
    message = choice["message"]
    return f"{message['content'] or ''}{calls_text(message.get('tool_calls') or [])}|{choice['finish_reason']}"


def chat_streamed(events):
    text, calls, reason = "", {}, None
    for event in done(events):
        for choice in event["choices"]:
            text += choice["delta"].get("content") or ""
            for part in choice["delta"].get("tool_calls", []):
                call = calls.setdefault(part["index"], {"function": {"name": "", "arguments": ""}})
                for name in ("name", "arguments"):
                    call["function"][name] += part["function"].get(name, "")
            reason = choice["finish_reason"] or reason
    return f"{text}{calls_text(calls.values())}|{reason}"


def completion_streamed(events):
    choices = [choice for event in done(events) for choice in event["choices"]]
    return f"{''.join(choice['text'] for choice in choices)}|{choices[-1]['finish_reason']}"


def responses_whole(answer):
    texts = [part["text"] for item in answer["output"] if item["type"] == "message" for part in item["content"]]
    calls = [f" {item['name']}({item['arguments']})" for item in answer["output"] if item["type"] == "function_call"]
    return f"{''.join(texts)}{''.join(calls)}|{answer['status']}"


def responses_streamed(events):
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    deltas = "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")
    whole = responses_whole(events[-1]["response"])
    assert whole.startswith(deltas), (deltas, whole)
    return whole


def messages_whole(answer):
    texts = [part.get("text", "") for part in answer["content"]]
    calls = [f" {part['name']}({json.dumps(part['input'])})" for part in answer["content"] if part["type"] == "tool_use"]
    return f"{''.join(texts)}{''.join(calls)}|{answer['stop_reason']}"


def input_of(text):
    """A call that was cut off is no JSON; whole answers then hold it as text."""
    try:
        return json.loads(text or "{}")
    except ValueError:
        return {"arguments": text}


def messages_streamed(events):
    blocks, reason = [], None
    for event in events:
        if event["type"] == "content_block_start":
            blocks.append({"type": event["content_block"]["type"], "text": "",
                           "name": event["content_block"].get("name")})
        elif event["type"] == "content_block_delta":
            blocks[-1]["text"] += event["delta"].get("text", event["delta"].get("partial_json", ""))
        elif event["type"] == "message_delta":
            reason = event["delta"]["stop_reason"]
    assert events[-1]["type"] == "message_stop"
    for block in blocks:
        if block["type"] == "tool_use":
            block["input"] = input_of(block.pop("text"))
    return messages_whole({"content": blocks, "stop_reason": reason})


def ollama_text(answer):
    message = answer.get("message", {})
    calls = [f" {call['function']['name']}({json.dumps(call['function']['arguments'])})"
             for call in message.get("tool_calls", [])]
    return message.get("content", answer.get("response", "")) + "".join(calls)


def ollama_whole(answer):
    assert answer["done"]
    return f"{ollama_text(answer)}|{answer['done_reason']}"


def ollama_streamed(events):
    assert events[-1]["done"] and not any(event["done"] for event in events[:-1])
    return f"{''.join(map(ollama_text, events))}|{events[-1]['done_reason']}"


def clear_tokens(bests):
    """How many of the first tokens are no close decision; `bests` are the log probabilities of the best of each."""
    n = 0
    for best in bests[:MOST_TOKENS]:
        first, second = sorted(best, reverse=True)[:2]
        if first - second < CLEAR:
            break
        n += 1
    return n


async def clearest(ask):
    """Prompts with the number of tokens that can be compared, the longest first: of chats and of completions.
    `ask(path, body)` gives the answer's JSON."""
    chats, completions = [], []
    for prompt in PROMPTS:
        body = {"temperature": 0, "max_tokens": MOST_TOKENS}
        answer = await ask("/v1/chat/completions",
                           {**body, "messages": said(prompt), "logprobs": True, "top_logprobs": 2})
        bests = [[best["logprob"] for best in token["top_logprobs"]]
                 for token in answer["choices"][0]["logprobs"]["content"]]
        chats.append((clear_tokens(bests), prompt))
        answer = await ask("/v1/completions", {**body, "prompt": prompt, "logprobs": 2})
        bests = [list(best.values()) for best in answer["choices"][0]["logprobs"]["top_logprobs"]]
        # Two tokens may be the same text, which then stands here once.
        completions.append((clear_tokens([best if len(best) > 1 else [0, 0] for best in bests]), prompt))
    return sorted(chats, reverse=True), sorted(completions, reverse=True)


def make_cases(chats, completions):
    """Forty, greedy: a family and a prompt each. And some that are held to schemas, of which only that is checked."""
    cases = []

    def add(path, body, whole, streamed):
        cases.append(Case(path, {"model": "sample", **body}, whole, streamed))

    for i, (n, prompt) in enumerate(chats[:28]):
        greedy = {"temperature": 0, "max_tokens": n}
        if i % 5 < 2:
            add("/v1/chat/completions", {**greedy, "messages": said(prompt)}, chat_whole, chat_streamed)
        elif i % 5 == 2:
            add("/v1/messages", {**greedy, "messages": said(prompt)}, messages_whole, messages_streamed)
        elif i % 5 == 3:
            add("/v1/responses", {"temperature": 0, "max_output_tokens": n, "input": prompt, "store": False},
                responses_whole, responses_streamed)
        else:
            text = {"messages": said(prompt)} if i % 2 else {"prompt": prompt}
            add("/api/chat" if i % 2 else "/api/generate",
                {"options": {"temperature": 0, "num_predict": n, "repeat_penalty": 1}, **text}, ollama_whole,
                ollama_streamed)
    for n, prompt in completions[:12]:
        add("/v1/completions", {"temperature": 0, "max_tokens": n, "prompt": prompt},
            lambda answer: f"{answer['choices'][0]['text']}|{answer['choices'][0]['finish_reason']}",
            completion_streamed)
    return cases, make_held_cases()


def make_held_cases():
    """Each with a schema or a tool."""
    prompt = said("Is it warm in Seoul?")
    schema = {"type": "json_schema", "json_schema": {"name": "city", "strict": True, "schema": CITY}}
    tool = {"name": "weather", "description": "The weather of a city", "parameters": CITY}
    held = {"model": "sample", "max_tokens": 60}
    return [
        Case("/v1/chat/completions", {**held, "messages": prompt, "response_format": schema}, chat_whole,
             chat_streamed),
        Case("/v1/chat/completions", {**held, "messages": prompt, "tools": [{"type": "function", "function": tool}],
                                      "tool_choice": "required"}, chat_whole, chat_streamed),
        Case("/v1/responses", {"model": "sample", "input": prompt, "max_output_tokens": 60, "store": False,
                               "text": {"format": {"type": "json_schema", "name": "city", "schema": CITY}}},
             responses_whole, responses_streamed),
        Case("/v1/messages", {**held, "messages": prompt, "tool_choice": {"type": "any"}, "tools": [
            {"name": "weather", "description": "The weather of a city", "input_schema": CITY}]}, messages_whole,
             messages_streamed),
        Case("/api/chat", {"model": "sample", "messages": prompt, "format": CITY, "options": {"num_predict": 60}},
             ollama_whole, ollama_streamed),
    ]


CUT_OFF = {"length", "incomplete", "max_tokens"}


def is_held(text):
    """Whether an answer to one of those fits, if it was not cut off."""
    text, _, reason = text.rpartition("|")
    if reason in CUT_OFF:
        return True
    if text.startswith(" weather("):
        text = text[len(" weather("):-1]
    city = json.loads(text)
    return set(city) == {"city", "warm"} and city["city"] in ("Seoul", "Busan", "Jeju") and city["warm"] in (True, False)


# RFC 9112 (6.1) and RFC 9110 (2.5) call these the server's lack.
SERVER_LACKS = {"an unknown encoding": 501, "a version that does not exist": 505}


def make_malformed(headers):
    """Pairs of a name and bytes; each must be answered with 4xx, or not at all where half is missing."""
    chat = {"model": "sample", "messages": said("Hello"), "max_tokens": 4}

    def post(body, path="/v1/chat/completions", more=(), **rest):
        return request_bytes(path, body, [*headers, *more], **rest)

    deep = b'{"messages":' + b"[" * 100_000
    whole = post(chat)
    cases = [
        ("broken JSON", post(b'{"messages": [{"role": "user", ')),
        ("no JSON at all", post(b"\xff\xfe\x00nonsense")),
        ("an empty body", post(b"")),
        ("nesting without end", post(deep)),
        ("a list instead of an object", post([chat])),
        ("messages of a wrong type", post({**chat, "messages": 5})),
        ("no messages", post({**chat, "messages": []})),
        ("temperature of a wrong type", post({**chat, "temperature": "hot"})),
        ("max_tokens of a wrong type", post({**chat, "max_tokens": [1]})),
        ("a number beyond its range", post({**chat, "top_p": 1e308})),
        ("stream of a wrong type", post({**chat, "stream": "yes"})),
        ("an unknown role", post({**chat, "messages": [{"role": 7, "content": "x"}]})),
        ("a broken schema", post({**chat, "response_format": {"type": "json_schema", "json_schema": {
            "name": "x", "schema": {"type": "colour"}}}})),
        ("a broken grammar", post({**chat, "grammar": "root ::= ("})),
        ("a prompt beyond the context", post({**chat, "messages": said("word " * 20_000)})),
        ("an unknown model", post({**chat, "model": "no-such-model"})),
        ("an unknown model of Ollama's", post({"model": "nothing", "prompt": "x"}, "/api/generate")),
        ("Anthropic's without max_tokens", post({"model": "sample", "messages": said("x")}, "/v1/messages")),
        ("Ollama's options of a wrong type", post({"model": "sample", "prompt": "x", "options": 3}, "/api/generate")),
        ("a response that is not there", post({"input": "x", "previous_response_id": "resp_0"}, "/v1/responses")),
        ("an unknown path", post(chat, "/v1/no/such/path")),
        ("a wrong method", post(b"", method="DELETE")),
        ("a foreign host", post(chat, host="evil.example")),
        ("a foreign origin", post(chat, more=["Origin: https://evil.example"])),
        ("a wrong key", request_bytes("/v1/chat/completions", chat, ["Authorization: Bearer wrong"])),
        ("a length that is no number", post(chat, more=["Content-Length: many"])),
        ("two lengths", post(chat, more=["Content-Length: 3", "Content-Length: 4"])),
        ("a length and chunks", post(chat, more=["Content-Length: 3", "Transfer-Encoding: chunked"])),
        ("a chunk of a wrong size", post(b"xyz\r\n{}\r\n0\r\n\r\n", more=["Transfer-Encoding: chunked"])),
        ("an unknown encoding", post(chat, more=["Transfer-Encoding: gzip"])),
        ("a compressed body", post(b"\x1f\x8b\x08\0\0", more=["Content-Encoding: gzip"])),
        ("a header without a colon", whole.replace(b"Content-Type: ", b"Content-Type ")),
        ("a header without end", whole.replace(b"Content-Type: ", b"X: " + b"x" * 40_000)),
        ("another protocol", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello"),
        ("a version that does not exist", whole.replace(b"HTTP/1.1", b"HTTP/9.9", 1)),
        ("no path", whole.replace(b" /v1/chat/completions ", b" ", 1)),
    ]
    halves = [
        ("half a request line", whole[:9]),
        ("half the headers", whole[:60]),
        ("half a body", whole[:-20]),
    ]
    return cases, halves
