"""Simple stories whose heroes, places and things are drawn anew for each: plots.txt tells what happens.

So few real stories are short and simple that a small model only remembers them word for word. These teach it what stories
have in common: somebody is named once and stays the same, wants something, meets somebody, and it ends.
"""
import pathlib
import random
import re

import practice

ANIMALS = """dog cat goat cow horse rabbit duck parrot mouse sheep pig hen turtle donkey fox bear squirrel hedgehog frog monkey
elephant lion tiger owl crow goose beaver badger deer camel tortoise hare""".split()
CHILDREN = [("boy", "he"), ("girl", "she")]
ADJECTIVES = "little small young clever brave kind lazy funny shy cheerful quiet curious".split()
ANIMAL_NAMES = """Pip Bella Momo Rusty Coco Dot Fifi Bruno Lulu Toby Nilo Pepper Daisy Otto Tiko Zuri Biscuit Clover Maple Hazel Olly
Poppy Bobo Kiki Mika Juju Tamu Rafi""".split()
HERS = """Mina Anna Sara Lucy Hana Rosa Nora Ella Yuna Mary Alice Carol Emma Grace Iris Kate Mia Olivia Ruth Tina Uma Wendy Zoe
Bella Elena Gita Ines Lena Priya Sofia Ursula Vera Jisoo Yuki Chen""".split()
PLACES = """the river|the forest|the lake|the market|the sea|the big hill|the old bridge|the village|the farm|the garden|the mill
the castle|the harbour|the field|the meadow|the old tree|the well""".replace("\n", "|").split("|")
FOODS = "bread cheese rice honey soup corn cake porridge".split()
FRUIT = "apples pears plums mangoes oranges cherries figs bananas nuts".split()
ELDERS = [("mother", "her"), ("father", "his"), ("grandmother", "her"), ("grandfather", "his"), ("aunt", "her"), ("uncle", "his")]
OLD_ONES = "owl turtle goat elephant crow tortoise donkey".split()
WHEN = ["One day", "One morning", "One fine day", "One evening", "One sunny day", "Then one day"]
NUMBERS = "three four five six seven nine ten".split()
FORMS = {"he": ("he", "him", "his", "himself"), "she": ("she", "her", "her", "herself")}

ASK = ["Tell me a story.", "Tell me a short story.", "Can you tell me a story?", "Please tell me a simple story.", "I want to hear a story.",
       "Write a short story.", "Tell a story for children.", "A story, please.", "tell me a story", "Tell me a bedtime story."]
ASK_ABOUT = ["Tell me a story about {}.", "Write a story about {}.", "Can you tell a story about {}?", "A story about {}, please.",
             "Please write a short story about {}.", "Write a short story about {}.", "tell me a story about {}", "Tell a story with {}."]


def article(words: str) -> str:
    return ("an " if words[0] in "aeiou" else "a ") + words


def somebody(draw: random.Random, taken: set[str]) -> dict[str, str]:
    """A child or an animal: kind, name and pronoun, none of them in `taken`."""
    while True:
        if draw.random() < 0.35:
            kind, pronoun = draw.choice(CHILDREN)
            name = draw.choice(HERS if pronoun == "she" else [name for name in practice.FIRST_NAMES if name not in HERS])
        else:
            kind, pronoun = draw.choice(ANIMALS), "she" if draw.random() < 0.5 else "he"
            name = draw.choice(ANIMAL_NAMES)
        if draw.random() < 0.15:
            name = practice.invented(draw)
        if kind not in taken and name not in taken:
            taken |= {kind, name}
            return {"kind": kind, "name": name, "pronoun": pronoun}


def cast(draw: random.Random, mouse: bool) -> dict[str, str]:
    """What stands for each name in braces."""
    taken: set[str] = set()
    hero = somebody(draw, taken)
    if mouse:
        hero["kind"] = "mouse"
    friend = somebody(draw, taken)
    old = draw.choice([kind for kind in OLD_ONES if kind not in taken])
    elder, elders = draw.choice(ELDERS)
    thing, colour, food = draw.choice(practice.THINGS), draw.choice(practice.COLOURS), draw.choice(FOODS)
    place, other_place = draw.sample(PLACES, 2)
    he, him, his, himself = FORMS[hero["pronoun"]]
    fhe, fhim, fhis, _ = FORMS[friend["pronoun"]]
    when = draw.choice(WHEN)
    return {"h": hero["name"], "k": hero["kind"], "ak": article(f"{draw.choice(ADJECTIVES)} {hero['kind']}"),
            "f": friend["name"], "fk": friend["kind"], "afk": article(f"{draw.choice(ADJECTIVES)} {friend['kind']}"),
            "he": he, "him": him, "his": his, "himself": himself, "He": he.title(), "His": his.title(),
            "fhe": fhe, "fhim": fhim, "fhis": fhis, "Fhe": fhe.title(), "Fhis": fhis.title(),
            "e": f"{his} {elder}", "e1": elder.title(), "e2": f"{his} {elder}".capitalize(), "his2": elders,
            "t": thing, "c": colour, "ct": f"{colour} {thing}", "act": article(f"{colour} {thing}"), "p": place, "q": other_place,
            "d": food, "D": food.title(), "fruit": draw.choice(FRUIT), "seeds": draw.choice(["seeds", "bread", "corn"]), "o": old,
            "it": "him" if elders == "his" else "her", "cl": draw.choice(["hat", "arms", "hands"]), "w": when, "w2": when[0].lower() + when[1:],
            "n": draw.choice(NUMBERS)}


def read_plots() -> tuple[dict[str, str], list[tuple[str, list[str]]]]:
    """The lines that stories share, by name, and (subject, lines) of each story."""
    shared, plots = {}, []
    text = (pathlib.Path(__file__).resolve().parent / "plots.txt").read_text(encoding="utf-8")
    for block in text.split("\n\n"):
        lines = [line for line in block.splitlines() if line and not line.startswith("#")]
        if lines and lines[0].startswith("@"):
            shared[lines[0]] = lines[1]
        elif lines:
            plots.append((lines[0], lines[1:]))
    return shared, plots


def told(subject: str, lines: list[str], shared: dict[str, str], draw: random.Random) -> tuple[str, dict[str, str], str]:
    """A story, whom and what it is about, and its subject."""
    who = cast(draw, "mouse" in subject)
    sentences = []
    for line in lines:
        line = shared.get(line, line)
        chosen = draw.choice(line.split("|")).strip()
        if line.startswith("?") or chosen.startswith("?"):
            chosen = chosen.lstrip("? ")
            if draw.random() < 0.5:
                continue
        who["w"] = draw.choice(WHEN)
        who["n"] = draw.choice(NUMBERS)
        sentence = chosen.format(**who)
        sentences.append(sentence[0].upper() + sentence[1:])
    return " ".join(sentences), who, subject.format(**who)


def asked(who: dict[str, str], subject: str, story: str, draw: random.Random) -> str:
    """A request that the story answers."""
    about = [article(who["k"])]
    if re.search(rf"\b{who['f']}\b", story):
        about += [f"{article(who['k'])} and {article(who['fk'])}", f"{who['h']} and {who['f']}"]
    about += [f"{article(who['k'])} named {who['h']}", f"{article(who['k'])} called {who['h']}", subject, article(who["k"])]
    if who["ct"] in story:
        about += [f"{article(who['k'])} and {who['act']}", article(who["t"])]
    if who["p"] in story:
        about.append(f"{article(who['k'])} and {who['p']}")
    return draw.choice(ASK_ABOUT).format(draw.choice(about))


def turn(role: str, content: str) -> dict:
    return {"role": role, "content": content}


def rows(count: int, draw: random.Random) -> list[dict]:
    """Requests for stories and the stories; beginnings and how they go on; questions about the story just told."""
    shared, plots = read_plots()
    result = []
    for _ in range(count):
        story, who, subject = told(*draw.choice(plots), shared, draw)
        kind = draw.random()
        if kind < 0.25:
            messages = [turn("user", draw.choice(ASK)), turn("assistant", story)]
        elif kind < 0.85:
            messages = [turn("user", asked(who, subject, story, draw)), turn("assistant", story)]
        else:
            cut = re.match(r".{20,160}?[.!?] ", story)
            end = cut.end() if cut else 40
            messages = [turn("user", story[:end].strip()), turn("assistant", story[end:].strip())]
        if draw.random() < 0.2:
            questions = [("What is the {k} called?", "{h}."), ("Who is {h}?", "{h} is {ak}.")]
            if who["f"] in story and who["fk"] in story:
                questions += [("Who is {f}?", "{f} is the {fk}."), ("Who is the friend of {h}?", "{f} the {fk}.")]
            question, answer = draw.choice(questions)
            messages += [turn("user", question.format(**who)), turn("assistant", answer.format(**who))]
        result.append({"messages": messages})
    return result


def texts(count: int, draw: random.Random) -> list[str]:
    shared, plots = read_plots()
    return [told(*draw.choice(plots), shared, draw)[0] for _ in range(count)]
