#!/usr/bin/env python3
"""Makes the training data of the default model from the public sets that README.md names.

    prepare_data.py SETS OUT

SETS is a folder with text/ and instruct/ as README.md describes them. OUT receives
  texts/train.jsonl             {"text"}: simple books, fairy tales, children's stories
  talk/train.jsonl              {"messages"}, some with "tools": stories on request, questions about a passage, calls of
                                tools, small talk in English and Korean, sums
  practice/train.jsonl          reading and calls with values drawn anew (practice.py), stories, small talk
  polish/train.jsonl            the same with other values, and whole dialogues
  everything/train.jsonl        texts, made-up stories (stories.py) and all of the above with other values, mixed
  last/train.jsonl              the same kinds once more, drawn anew, fewer texts
  valid/<set>.jsonl             what is kept from training, a file for each set
Needs Python's standard library only. The same input gives the same bytes.
"""
import collections
import json
import pathlib
import random
import re
import sys

import practice
import stories as made_stories

STORY_REPEATS = 12     # how often each children's story is told in talk/
PASSAGE_BYTES = 1400   # longest passage of a question
DIALOGUE_BYTES = 2600  # where a dialogue with tools is cut
WHOLE_BYTES = 7000     # the same for the last part, where results of tools stay whole


def read_lines(path: pathlib.Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def write_lines(path: pathlib.Path, rows: list[dict]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def turn(role: str, content: str) -> dict:
    return {"role": role, "content": content}


def talk(user: str, assistant: str) -> dict:
    return {"messages": [turn("user", user), turn("assistant", assistant)]}


def plain(text: str) -> str:
    """Typewriter quotes and dashes, so that a small vocabulary does not spend tokens on variants."""
    for old, new in (("\u2018", "'"), ("\u2019", "'"), ("\u201c", '"'), ("\u201d", '"'), ("\u2014", " - "), ("\u2013", "-")):
        text = text.replace(old, new)
    return re.sub(r"[ \t]+", " ", text).strip()


# Stories and books

def children_stories(sets: pathlib.Path) -> list[tuple[str, str]]:
    """(title, text) of each story."""
    stories = []
    for story in (sets / "text/kids-stories.txt").read_text(encoding="utf-8").split("<|endoftext|>"):
        lines = [line.strip() for line in plain(story.replace("\n", "\f")).replace("\f", "\n").splitlines() if line.strip()]
        if len(lines) > 3:
            stories.append((lines[0].rstrip("."), " ".join(lines[1:])))
    return stories


def simplicity(text: str, common: set[str]) -> float:
    """How much of a text is short sentences of common words: higher is simpler."""
    words = re.findall(r"[a-z']+", text.lower())
    sentences = max(1, len(re.findall(r"[.!?]", text)))
    if len(words) < 50:
        return -1.0
    known = sum(word in common for word in words) / len(words)
    return known - len(words) / sentences / 100


def simple_books(sets: pathlib.Path, size_bytes: int, common: set[str]) -> list[str]:
    """The simplest windows of about 3000 bytes, in their order, up to `size_bytes` in all."""
    windows = []
    for book in read_lines(sets / "text/books-easy-train.jsonl"):
        window: list[str] = []
        for paragraph in re.split(r"\n\s*\n", book["text"]):
            window.append(plain(paragraph))
            if sum(map(len, window)) > 3000:
                windows.append("\n\n".join(window))
                window = []
    order = sorted(range(len(windows)), key=lambda i: -simplicity(windows[i], common))
    kept, total = set(), 0
    for i in order:
        if total >= size_bytes:
            break
        kept.add(i)
        total += len(windows[i].encode())
    return [windows[i] for i in sorted(kept)]


ASK_STORY = ["Tell me a story.", "Tell me a short story.", "Can you tell me a story?", "Please tell me a simple story.",
             "I want to hear a story.", "Write a short story.", "Tell a story for children.", "A story, please."]
ASK_STORY_ABOUT = ["Tell me a story about {}.", "Write a story about {}.", "Can you tell a story about {}?",
                   "Tell me the story of {}.", "Please write a short story about {}.", "A story about {}, please."]
FREQUENT_CHARACTERS = ["dog", "cat", "goat", "cow", "bird", "lion", "elephant", "rabbit", "monkey", "chicken", "tortoise", "hen",
                       "girl", "boy", "king", "queen", "mother", "father", "grandmother", "fish", "frog", "tree", "river",
                       "school", "doctor", "farmer", "bee", "crocodile", "hyena", "snake", "market", "moon", "rain"]


def story_talks(stories: list[tuple[str, str]], draw: random.Random) -> list[dict]:
    rows = []
    for title, text in stories:
        words = collections.Counter(re.findall(r"[a-z]+", text.lower()))
        present = [name for name in FREQUENT_CHARACTERS if words[name] >= 3]
        for _ in range(STORY_REPEATS):
            kind = draw.random()
            if kind < 0.3:
                rows.append(talk(draw.choice(ASK_STORY), text))
            elif kind < 0.55 and present:
                some = draw.sample(present, min(len(present), draw.choice((1, 1, 2))))
                about = " and ".join("a" + ("n" if name[0] in "aeiou" else "") + " " + name for name in some)
                rows.append(talk(draw.choice(ASK_STORY_ABOUT).format(about), text))
            elif kind < 0.85:
                rows.append(talk(draw.choice(ASK_STORY_ABOUT).format(title), text))
            else:
                beginning = re.match(r".{20,200}?[.!?] ", text)
                cut = beginning.end() if beginning else 40
                rows.append(talk(text[:cut].strip(), text[cut:].strip()))
    return rows


# Questions

def passage_talks(rows: list[dict], draw: random.Random) -> list[dict]:
    """Questions about a passage, which is given before the question or behind it, in one of several forms."""
    forms = ["{p}\n\nQuestion: {q}", "{p}\n\n{q}", "Passage: {p}\n\nQuestion: {q}", "{q}\n\n{p}", "Read this: {p}\n\n{q}",
             "Answer from the text.\n\n{p}\n\n{q}"]
    result = []
    for row in rows:
        passage, question = row["messages"][0]["content"].split("\n\nQuestion:", 1)
        passage, question, answer = plain(passage), plain(question), plain(row["messages"][1]["content"])
        if len(passage) > PASSAGE_BYTES:
            continue
        answer = answer[0].upper() + answer[1:] + ("" if answer[-1] in ".!?" else ".")
        result.append(talk(draw.choice(forms).format(p=passage, q=question), answer))
    return result


NAMES = ["Mina", "Jun", "Anna", "Tom", "Sara", "Ben", "Lucy", "Omar", "Hana", "Peter", "Rosa", "Ivan", "Nora", "Sam", "Ella", "Max"]
THINGS = ["ball", "book", "kite", "hat", "cake", "boat", "drum", "lamp", "coat", "cup", "bag", "ring", "key", "clock", "chair"]
COLOURS = ["red", "blue", "green", "yellow", "white", "black", "brown", "pink", "orange", "purple"]
PLACES = ["the park", "the school", "the market", "the river", "the forest", "the beach", "the farm", "the library", "the station"]
ANIMALS = ["dog", "cat", "goat", "cow", "horse", "rabbit", "duck", "parrot", "mouse", "sheep"]
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]


def made_passages(count: int, draw: random.Random) -> list[dict]:
    """Small passages whose facts are drawn at random, so that only reading them answers the question."""
    rows = []
    for _ in range(count):
        people = draw.sample(NAMES, 3)
        facts = []
        for person in people:
            thing, colour, place, animal = draw.choice(THINGS), draw.choice(COLOURS), draw.choice(PLACES), draw.choice(ANIMALS)
            number, day, other = draw.randint(2, 99), draw.choice(DAYS), draw.choice([n for n in NAMES if n not in people])
            facts.append(draw.choice([
                (f"{person} has a {colour} {thing}.", [(f"What colour is {person}'s {thing}?", f"It is {colour}."),
                                                       (f"Who has a {thing}?", f"{person} has a {thing}.")]),
                (f"{person} went to {place} on {day}.", [(f"Where did {person} go?", f"{person} went to {place}."),
                                                         (f"When did {person} go to {place}?", f"On {day}.")]),
                (f"{person} gave a {thing} to {other}.", [(f"What did {person} give to {other}?", f"A {thing}."),
                                                          (f"Who got a {thing}?", f"{other} got a {thing}.")]),
                (f"{person} is {number} years old.", [(f"How old is {person}?", f"{person} is {number} years old.")]),
                (f"{person}'s {animal} is called {other}.", [(f"What is {person}'s {animal} called?", f"It is called {other}."),
                                                             (f"What animal does {person} have?", f"A {animal}.")]),
                (f"{person} lives near {place}.", [(f"Where does {person} live?", f"{person} lives near {place}.")]),
            ]))
        if len({fact.split(" ", 1)[1] for fact, _ in facts}) < len(facts):
            continue
        passage = " ".join(fact for fact, _ in facts)
        chosen = [question for question in draw.choice(facts)[1] if question[0].split(" ")[0] != "Who" or
                  sum(question[1].split(" ", 1)[1].rstrip(".") in fact for fact, _ in facts) == 1]
        if chosen:
            question, answer = draw.choice(chosen)
            form = draw.choice(["{p}\n\nQuestion: {q}", "{p}\n\n{q}", "{p} {q}", "Passage: {p}\n\n{q}"])
            rows.append(talk(form.format(p=passage, q=question), answer))
    return rows


def sums(count: int, draw: random.Random) -> list[dict]:
    rows = []
    for _ in range(count):
        a, b = draw.randint(0, 20), draw.randint(0, 20)
        sign, result = draw.choice([("+", a + b), ("-", abs(a - b)), ("times", a * b)])
        if sign == "-":
            a, b = max(a, b), min(a, b)
        ask = draw.choice(["What is {}?", "{} = ?", "How much is {}?", "{}"]).format(f"{a} {sign} {b}")
        rows.append(talk(ask, draw.choice([f"{result}", f"{a} {sign} {b} is {result}."])))
    return rows


# Tools

def spellings(name: str) -> list[str]:
    words = re.findall(r"[A-Z][a-z]*|[a-z]+", name)
    return ["".join(words), "_".join(words).lower(), words[0].lower() + "".join(w.title() for w in words[1:])]


OTHER_WORDS = {
    "city": ["location", "town", "area", "city_name"], "location": ["city", "place", "town"], "date": ["day", "on_date"],
    "time": ["at_time", "hour", "when"], "restaurant_name": ["restaurant", "place_name"], "party_size": ["people", "guests"],
    "movie_name": ["movie", "title", "film"], "movie_title": ["title", "film"], "event_name": ["event", "name_of_event"],
    "category": ["kind", "type"], "cuisine": ["food", "category"], "price_range": ["price", "cost"], "amount": ["sum", "money"],
    "recipient_account_name": ["recipient", "to_name"], "number_of_tickets": ["tickets", "group_size"], "song_name": ["track", "song"],
    "origin_city": ["from_city", "origin", "from"], "destination_city": ["to_city", "destination", "to"], "address": ["street_address"],
    "number_of_seats": ["seats", "party_size"], "artist": ["singer", "band"], "genre": ["style", "category"], "hotel_name": ["hotel"],
    "departure_date": ["leaving_date", "start_date"], "account_type": ["account"], "destination": ["to", "where_to"],
}


def rename_tools(row: dict, draw: random.Random) -> dict:
    """The same dialogue with other names of functions and parameters, so that names must be read, not remembered."""
    functions, parameters = {}, {}
    for tool in row["tools"]:
        name = tool["function"]["name"]
        functions[name] = draw.choice(spellings(name))
        for parameter in tool["function"]["parameters"]["properties"]:
            parameters.setdefault(parameter, draw.choice([parameter] + OTHER_WORDS.get(parameter, [])))
    used = list(parameters.values())
    parameters = {old: new if used.count(new) == 1 and (new == old or new not in parameters) else old for old, new in parameters.items()}

    def renamed(arguments: dict) -> dict:
        return {parameters.get(key, key): value for key, value in arguments.items()}

    row = json.loads(json.dumps(row))
    for tool in row["tools"]:
        function = tool["function"]
        function["name"] = functions[function["name"]]
        schema = function["parameters"]
        schema["properties"] = renamed(schema["properties"])
        schema["required"] = [parameters.get(key, key) for key in schema.get("required", [])]
    for message in row["messages"]:
        for call in message.get("tool_calls") or []:
            function = call["function"]
            function["name"] = functions.get(function["name"], function["name"])
            function["arguments"] = json.dumps(renamed(json.loads(function["arguments"])), ensure_ascii=False)
    return row


def shortened(row: dict, longest: int = DIALOGUE_BYTES) -> dict | None:
    """Up to the answer behind the last call that still fits; long results of tools keep their first entry."""
    messages, size, last = [], 0, 0
    for message in row["messages"]:
        message = dict(message)
        if message["role"] == "tool" and longest == DIALOGUE_BYTES:
            found = json.loads(message["content"])
            if isinstance(found, list) and len(message["content"]) > 400:
                message["content"] = json.dumps(found[:1], ensure_ascii=False)
            if len(message["content"]) > 500:
                message["content"] = message["content"][:500]
        size += len(json.dumps(message))
        if size > longest:
            break
        messages.append(message)
        if message["role"] == "assistant" and (message.get("tool_calls") or len(messages) < 3 or messages[-2]["role"] == "tool"):
            last = len(messages)
    has_call = any(message.get("tool_calls") for message in messages[:last])
    return {"tools": row["tools"], "messages": messages[:last]} if has_call else None


def single_request(row: dict, draw: random.Random) -> dict | None:
    """One user's message that says all that the first call needs, and the call: what a person types into one line."""
    call = next((m["tool_calls"][0] for m in row["messages"] if m.get("tool_calls")), None)
    first = row["messages"][0]["content"]
    if call is None or row["messages"][0]["role"] != "user":
        return None
    arguments = json.loads(call["function"]["arguments"])
    parts = [f"{key.replace('_', ' ')} {value}" for key, value in arguments.items() if str(value).lower() not in first.lower()]
    draw.shuffle(parts)
    text = first + (" " + ", ".join(parts).capitalize() + "." if parts else "")
    return {"tools": row["tools"], "messages": [turn("user", text), {"role": "assistant", "content": None, "tool_calls": [call]}]}


def tool_talks(rows: list[dict], draw: random.Random) -> list[dict]:
    result = []
    for row in rows:
        whole = shortened(row)
        if whole:
            result.append(rename_tools(whole, draw) if draw.random() < 0.5 else whole)
        line = single_request(row, draw)
        if line:
            result.append(rename_tools(line, draw) if draw.random() < 0.7 else line)
    return result


# Small talk

def small_talks(folder: pathlib.Path, repeats: int, draw: random.Random) -> list[dict]:
    """small_talk.tsv: ways to say something, separated by |, a tab, answers, separated by |."""
    rows = []
    for line in (folder / "small_talk.tsv").read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        asks, answers = (part.split("|") for part in line.split("\t"))
        for ask in asks:
            for _ in range(repeats):
                rows.append(talk(ask.strip(), draw.choice(answers).strip()))
    return rows


def practice_rows(folder: pathlib.Path, stories: list, passages: list[dict], korean: list[dict], dialogues: list[dict],
                  longest: int, seed: int) -> list[dict]:
    draw = random.Random(seed)
    pools = practice.value_pools(dialogues)
    rows = story_talks(stories, draw) + sums(1000, draw) + small_talks(folder, 20, draw) + draw.sample(korean, 6000)
    rows += practice.reading_rows(24000, draw)
    for _ in range(2):
        rows += [plain_turns(row) for row in practice.passage_rows(passages, PASSAGE_BYTES + 400, draw)]
    for row in dialogues:
        whole = shortened(practice.with_other_values(row, pools, draw) if draw.random() < 0.6 else row, longest)
        if whole:
            rows.append(rename_tools(whole, draw) if draw.random() < 0.5 else whole)
    rows += [rename_tools(row, draw) if draw.random() < 0.5 else row for row in practice.request_rows(dialogues, pools, draw)]
    draw.shuffle(rows)
    return rows


def everything_rows(folder: pathlib.Path, texts: list[dict], stories: list, passages: list[dict], korean: list[dict], dialogues: list[dict],
                    text_count: int, story_count: int, seed: int) -> list[dict]:
    """Texts, of which every token is learned, and conversations, of which the assistant's words are, in one order."""
    draw = random.Random(seed)
    rows = draw.sample(texts, text_count) + [{"text": text} for text in made_stories.texts(story_count // 4, draw)]
    rows += made_stories.rows(story_count, draw)
    rows += practice_rows(folder, stories, passages, korean, dialogues, WHOLE_BYTES, seed + 1)
    draw.shuffle(rows)
    return rows


def plain_turns(row: dict) -> dict:
    return {"messages": [turn(message["role"], plain(message["content"])) for message in row["messages"]]}


def main(sets: pathlib.Path, out: pathlib.Path) -> None:
    draw = random.Random(20261123)
    stories = children_stories(sets)
    draw.shuffle(stories)
    told, kept_stories = stories[12:], stories[:12]
    fairy = read_lines(sets / "instruct/fairytale-qa-train.jsonl")
    passages = list(dict.fromkeys(plain(row["messages"][0]["content"].split("\n\nQuestion:")[0]) for row in fairy))
    kept_passages = set(draw.sample(passages, 60))
    learned = [row for row in fairy if plain(row["messages"][0]["content"].split("\n\nQuestion:")[0]) not in kept_passages]
    asked = [row for row in fairy if plain(row["messages"][0]["content"].split("\n\nQuestion:")[0]) in kept_passages]

    words = collections.Counter(re.findall(r"[a-z']+", " ".join(text for _, text in stories).lower() + " ".join(passages).lower()))
    common = {word for word, count in words.items() if count >= 8}
    texts = [{"text": text} for text in simple_books(sets, 12_000_000, common)]
    texts += [{"text": passage} for passage in passages if passage not in kept_passages] * 2
    texts += [{"text": f"{title}\n\n{text}"} for title, text in told] * 8
    draw.shuffle(texts)
    write_lines(out / "texts/train.jsonl", texts)

    korean = read_lines(sets / "instruct/ko-chat.jsonl")
    draw.shuffle(korean)
    here = pathlib.Path(__file__).resolve().parent
    dialogues = read_lines(sets / "instruct/service-dialogues-train.jsonl")
    short = story_talks(told, draw) + made_passages(9000, draw) + sums(1500, draw)
    passages_asked, tools = passage_talks(learned, draw), tool_talks(dialogues, draw)
    talks = short + passages_asked + tools + small_talks(here, 6, draw) + korean[400:]
    draw.shuffle(talks)
    write_lines(out / "talk/train.jsonl", talks)
    for name, longest, seed in (("practice", DIALOGUE_BYTES, 20261124), ("polish", WHOLE_BYTES, 20261125)):
        write_lines(out / name / "train.jsonl", practice_rows(here, told, learned, korean[400:], dialogues, longest, seed))

    for name, text_count, story_count, seed in (("everything", 10000, 16000, 20261126), ("last", 3000, 12000, 20261128)):
        write_lines(out / name / "train.jsonl",
                    everything_rows(here, texts, told, learned, korean[400:], dialogues, text_count, story_count, seed))

    write_lines(out / "valid/stories.jsonl", [{"text": f"{title}\n\n{text}"} for title, text in kept_stories])
    write_lines(out / "valid/books.jsonl", [{"text": plain(book["text"])[20000:60000]} for book in read_lines(sets / "text/books-easy-val.jsonl")[:8]])
    write_lines(out / "valid/passages.jsonl", passage_talks(asked, random.Random(1)))
    write_lines(out / "valid/made-passages.jsonl", made_passages(200, random.Random(2)))
    write_lines(out / "valid/korean.jsonl", korean[:400])
    dev = read_lines(sets / "instruct/service-dialogues-dev.jsonl")
    write_lines(out / "valid/tools.jsonl", [row for row in map(shortened, dev) if row][:200])


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
