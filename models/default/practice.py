"""Rows that practise what a small model does worst: finding in its context what it needs, and writing that out exactly.

The values that answers consist of are drawn anew for each row (names are invented, too), so that only reading gives them;
several questions share a passage, so that little is read for each answer.
"""
import collections
import json
import random
import re


def turn(role: str, content: str) -> dict:
    return {"role": role, "content": content}


# Passages whose facts are drawn at random

FIRST_NAMES = """Mina Jun Anna Tom Sara Ben Lucy Omar Hana Peter Rosa Ivan Nora Sam Ella Max Yuna Leo Mary John Alice Bob Carol
David Emma Frank Grace Henry Iris Jack Kate Liam Mia Noah Olivia Paul Quinn Ruth Simon Tina Uma Victor Wendy Zoe Amir Bella Carlos
Diego Elena Farid Gita Hugo Ines Jorge Kofi Lena Mateo Nina Oscar Priya Rahul Sofia Tariq Ursula Vera Walter Minsu Jisoo Haruto
Yuki Chen Ming""".split()
TOWNS = """Paris London Seoul Busan Cairo Lima Oslo Rome Berlin Madrid Tokyo Nairobi Boston Dublin Lyon Porto Vienna Prague Athens
Delhi Hanoi Accra Quito Denver Austin""".split()
THINGS = "ball book kite hat cake boat drum lamp coat cup bag ring key clock chair basket mirror flute blanket candle box map".split()
COLOURS = "red blue green yellow white black brown pink orange purple grey golden".split()
PLACES = """the park|the school|the market|the river|the forest|the beach|the farm|the library|the station|the garden|the museum
the bridge|the bakery|the mill|the castle|the harbour""".replace("\n", "|").split("|")
ANIMALS = "dog cat goat cow horse rabbit duck parrot mouse sheep pig hen turtle donkey fox".split()
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
MONTHS = "January February March April May June July August September October November December".split()
FOODS = "apples bread soup rice cheese pears fish honey noodles beans eggs plums carrots cakes tea milk".split()
JOBS = "teacher doctor baker farmer sailor painter driver cook nurse tailor gardener builder singer judge".split()
SYLLABLES = "ba be bo da do fa ga ha ka ki ko la le li lo ma me mi mo na ne no pa ra re ri ro sa se so ta te ti to va vi wa za zu".split()


def invented(draw: random.Random) -> str:
    return "".join(draw.sample(SYLLABLES, draw.choice((2, 2, 3)))).capitalize() + draw.choice(("", "", "n", "r", "l", "s"))


def person(draw: random.Random) -> str:
    return invented(draw) if draw.random() < 0.4 else draw.choice(FIRST_NAMES)


def town(draw: random.Random) -> str:
    return invented(draw) if draw.random() < 0.4 else draw.choice(TOWNS)


def fact(p: str, draw: random.Random) -> tuple[str, list[tuple[str, str]]]:
    """A sentence about a person, and questions that it answers."""
    other, thing, colour, place = person(draw), draw.choice(THINGS), draw.choice(COLOURS), draw.choice(PLACES)
    animal, day, food, job, city = draw.choice(ANIMALS), draw.choice(DAYS), draw.choice(FOODS), draw.choice(JOBS), town(draw)
    number, price, month, hour = draw.randint(2, 99), draw.randint(2, 900), draw.choice(MONTHS), draw.randint(1, 12)
    return draw.choice([
        (f"{p} has a {colour} {thing}.", [(f"What colour is {p}'s {thing}?", f"It is {colour}."), (f"Who has a {thing}?", f"{p} has a {thing}."),
                                          (f"What does {p} have?", f"A {colour} {thing}.")]),
        (f"{p} went to {place} on {day}.", [(f"Where did {p} go?", f"{p} went to {place}."), (f"When did {p} go to {place}?", f"On {day}."),
                                            (f"Who went to {place}?", f"{p} went to {place}.")]),
        (f"{p} gave a {thing} to {other}.", [(f"What did {p} give to {other}?", f"A {thing}."), (f"Who got a {thing}?", f"{other} got a {thing}."),
                                             (f"Who gave {other} a {thing}?", f"{p}.")]),
        (f"{p} is {number} years old.", [(f"How old is {p}?", f"{p} is {number} years old.")]),
        (f"{p}'s {animal} is called {other}.", [(f"What is {p}'s {animal} called?", f"It is called {other}."),
                                                (f"What animal does {p} have?", f"A {animal}."), (f"Who is {other}?", f"{p}'s {animal}.")]),
        (f"{p} lives near {place} in {city}.", [(f"Where does {p} live?", f"{p} lives near {place} in {city}."),
                                                (f"In which town does {p} live?", f"In {city}.")]),
        (f"{p} was born in {city} in {1900 + number}.", [(f"Where was {p} born?", f"In {city}."), (f"When was {p} born?", f"In {1900 + number}.")]),
        (f"{p} is a {job} in {city}.", [(f"What is {p}'s job?", f"{p} is a {job}."), (f"Where does {p} work?", f"In {city}.")]),
        (f"{p} bought {number} {food} for {price} coins.", [(f"What did {p} buy?", f"{p} bought {number} {food}."),
                                                            (f"How much did {p} pay?", f"{price} coins.")]),
        (f"{p} likes {food} best.", [(f"What does {p} like best?", f"{p} likes {food} best.")]),
        (f"{p} found the {thing} under a {draw.choice(('tree', 'table', 'stone', 'bed', 'boat'))} near {place}.",
         [(f"What did {p} find?", f"The {thing}."), (f"Who found the {thing}?", f"{p} found the {thing}.")]),
        (f"{p} and {other} met at {hour} o'clock at {place}.", [(f"Whom did {p} meet?", f"{other}."),
                                                                (f"When did {p} and {other} meet?", f"At {hour} o'clock."),
                                                                (f"Where did {p} meet {other}?", f"At {place}.")]),
        (f"{p}'s birthday is on {month} {draw.randint(1, 28)}.", [(f"In which month is {p}'s birthday?", f"In {month}.")]),
        (f"The code of {p}'s box is {draw.randint(100, 9999)}.", []),
        (f"{p} works for {invented(draw)} {draw.choice(('Bank', 'Foods', 'Books', 'Airlines', 'Motors'))}.", []),
    ])


def open_questions(sentence: str, p: str) -> list[tuple[str, str]]:
    """Of the facts whose answer is the end of their sentence."""
    code = re.search(r"box is (\d+)", sentence)
    company = re.search(r"works for (.+)\.$", sentence)
    if code:
        return [(f"What is the code of {p}'s box?", f"{code[1]}.")]
    return [(f"For whom does {p} work?", f"{p} works for {company[1]}.")] if company else []


def reading_rows(count: int, draw: random.Random) -> list[dict]:
    """A passage of facts about several people, and one to four questions with their answers, turn by turn."""
    forms = ["{p}\n\nQuestion: {q}", "{p}\n\n{q}", "{p} {q}", "Passage: {p}\n\n{q}", "{q}\n\n{p}", "Read this: {p}\n\n{q}"]
    rows = []
    for _ in range(count):
        people = [person(draw) for _ in range(draw.randint(2, 5))]
        facts = []
        for p in people:
            sentence, asked = fact(p, draw)
            facts.append((sentence, asked or open_questions(sentence, p)))
        endings = [sentence.split(" ", 1)[1] for sentence, _ in facts]
        if len(set(people)) < len(people) or len(set(endings)) < len(endings):
            continue
        passage = " ".join(sentence for sentence, _ in facts)
        # A question with "who" or of a thing must have one answer only: another fact of the same words would give a second.
        questions = [(q, a) for sentence, asked in facts for q, a in asked
                     if not (q.startswith("Who ") and sum(q[8:].rstrip("?") in other for other, _ in facts) > 1)]
        chosen = draw.sample(questions, min(len(questions), draw.choice((1, 2, 3, 4))))
        messages = []
        for i, (question, answer) in enumerate(chosen):
            messages.append(turn("user", draw.choice(forms).format(p=passage, q=question) if i == 0 else question))
            messages.append(turn("assistant", answer))
        rows.append({"messages": messages})
    return rows


def passage_rows(rows: list[dict], longest: int, draw: random.Random) -> list[dict]:
    """Real passages with up to four of their questions, turn by turn. `rows` have one question each."""
    asked = collections.defaultdict(list)
    for row in rows:
        passage, question = row["messages"][0]["content"].split("\n\nQuestion:", 1)
        answer = row["messages"][1]["content"].strip()
        asked[passage.strip()].append((question.strip(), answer[0].upper() + answer[1:] + ("" if answer[-1] in ".!?" else ".")))
    forms = ["{p}\n\nQuestion: {q}", "{p}\n\n{q}", "Passage: {p}\n\nQuestion: {q}", "{q}\n\n{p}", "Read this: {p}\n\n{q}"]
    result = []
    for passage, pairs in asked.items():
        if len(passage) > longest:
            continue
        draw.shuffle(pairs)
        for begin in range(0, len(pairs), 4):
            messages = []
            for i, (question, answer) in enumerate(pairs[begin:begin + 4]):
                text = draw.choice(forms).format(p=passage, q=question) if i == 0 else question
                messages += [turn("user", text), turn("assistant", answer)]
            result.append({"messages": messages})
    return result


# Dialogues with tools

def calls_of(row: dict) -> list[dict]:
    return [call["function"] for message in row["messages"] for call in message.get("tool_calls") or []]


def value_pools(rows: list[dict]) -> dict[str, list[str]]:
    """The values that each parameter has anywhere, those of a list in its schema left out."""
    pools = collections.defaultdict(set)
    for row in rows:
        listed = {name for tool in row["tools"] for name, schema in tool["function"]["parameters"]["properties"].items() if "enum" in schema}
        for function in calls_of(row):
            for name, value in json.loads(function["arguments"]).items():
                if name not in listed and re.search(r"[A-Za-z]{3}", str(value)):
                    pools[name].add(str(value))
    return {name: sorted(values) for name, values in pools.items()}


def with_other_values(row: dict, pools: dict[str, list[str]], draw: random.Random) -> dict:
    """The same dialogue about other names and places: each value that its text has word for word is replaced everywhere."""
    spoken = " ".join(message["content"] for message in row["messages"] if message["role"] == "user")
    text = json.dumps(row["messages"], ensure_ascii=False)
    replaced = {}
    for function in calls_of(row):
        for name, value in json.loads(function["arguments"]).items():
            value = str(value)
            if name in pools and value in pools[name] and value in spoken and '"' not in value and value not in replaced:
                other = " ".join(invented(draw) for _ in value.split()) if draw.random() < 0.5 else draw.choice(pools[name])
                if '"' not in other and "\\" not in other:
                    replaced[value] = other
    if not replaced:
        return row
    pattern = re.compile("|".join(rf"\b{re.escape(value)}\b" for value in sorted(replaced, key=len, reverse=True)))
    return {"tools": row["tools"], "messages": json.loads(pattern.sub(lambda found: replaced[found[0]], text))}


LEADS = ["{d}.", "Please {l}.", "I want to {l}.", "I need to {l}.", "Can you {l}?", "I would like to {l}.", ""]
PARTS = ["{k} {v}", "{k}: {v}", "the {k} is {v}", "{k} should be {v}", "{v} as {k}"]


def request_rows(rows: list[dict], pools: dict[str, list[str]], draw: random.Random) -> list[dict]:
    """One message that says all that a call needs, and the call: what a person types into one line."""
    result = []
    for row in rows:
        described = {tool["function"]["name"]: tool["function"].get("description", "") for tool in row["tools"]}
        listed = {name for tool in row["tools"] for name, schema in tool["function"]["parameters"]["properties"].items() if "enum" in schema}
        for function in calls_of(row)[:2]:
            arguments = json.loads(function["arguments"])
            for name in arguments:
                if name not in listed and name in pools and draw.random() < 0.6:
                    arguments[name] = draw.choice(pools[name]) if draw.random() < 0.5 else invented(draw)
            what = described.get(function["name"], "").rstrip(".")
            lead = draw.choice(LEADS).format(d=what, l=what[:1].lower() + what[1:])
            form = draw.choice(PARTS)
            parts = [form.format(k=name.replace("_", " "), v=value) for name, value in arguments.items()]
            draw.shuffle(parts)
            said = (lead + " " + (", ".join(parts) + "." if parts else "")).strip()
            call = {"id": "call_1", "type": "function",
                    "function": {"name": function["name"], "arguments": json.dumps(arguments, ensure_ascii=False)}}
            result.append({"tools": row["tools"], "messages": [turn("user", said[:1].upper() + said[1:]),
                                                              {"role": "assistant", "content": None, "tool_calls": [call]}]})
    return result
