"""A model that says what a test wrote down: each token is followed by one other, and the chat template chooses the first
one by the latest message. Its weights are a table of pairs, nothing else; everything around them is real.

write_scripted_model(PATH, SCRIPTS, after): SCRIPTS is [(word, [piece, ...]), ...]: where the latest message has the
word, the pieces are the answer; `after` are the pieces that follow a tool's result. A last piece "..." begins the
pieces again, for ever. Pieces must all differ.

As a program: scripted_gguf.py PATH, with {"scripts": [[word, [piece or {"name", "arguments"}, ...]], ...], "after": [...]}
on standard input; an object is a call.
"""
import json
import random
import struct
import sys

WIDTH = 256
SPECIAL = ["<|im_start|>", "<|im_end|>"]
NORMAL, CONTROL = 1, 3


def byte_letters():
    """GPT-2's letters for bytes."""
    own = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = {byte: chr(byte) for byte in own}
    for n, byte in enumerate(byte for byte in range(256) if byte not in letters):
        letters[byte] = chr(256 + n)
    return letters


LETTERS = byte_letters()


def spelled(text):
    return "".join(LETTERS[byte] for byte in text.encode())


def text(value):
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def entry(key, kind, value):
    kinds = {"u32": (4, "<I"), "f32": (6, "<f"), "bool": (7, "<?")}
    if kind == "text":
        return text(key) + struct.pack("<I", 8) + text(value)
    if kind == "texts":
        return text(key) + struct.pack("<IIQ", 9, 8, len(value)) + b"".join(map(text, value))
    if kind == "i32s":
        return text(key) + struct.pack("<IIQ", 9, 5, len(value)) + struct.pack(f"<{len(value)}i", *value)
    return text(key) + struct.pack("<I", kinds[kind][0]) + struct.pack(kinds[kind][1], value)


def call(name, arguments):
    """A piece that calls a tool."""
    return f'<tool_call>\n{{"name": "{name}", "arguments": {json.dumps(arguments)}}}\n</tool_call>'


def template(scripts, words):
    choices = "".join(f"{{% elif '{word}' in messages[-1].content %}}<|{n}|>" for n, word in enumerate(words))
    return (
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}{% if m.role == 'system' and tools %}\n"
        "{% for t in tools %}{{ t | tojson }}\n{% endfor %}{% endif %}{% if m.tool_calls %}{% for c in m.tool_calls %}"
        '<tool_call>\n{"name": "{{ c.function.name }}", "arguments": {{ c.function.arguments | tojson }}}\n</tool_call>'
        "{% endfor %}{% endif %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n"
        "{% if messages[-1].role == 'tool' %}<|after|>" + choices + "{% else %}<|other|>{% endif %}{% endif %}")


def tensor_bytes(rows):
    return b"".join(struct.pack(f"<{len(row)}f", *row) for row in rows)


def write_scripted_model(path, scripts, after, other=("I do not know.",)):
    words = [word for word, _ in scripts]
    starts = [f"<|{n}|>" for n in range(len(words))] + ["<|after|>", "<|other|>"]
    tokens = [LETTERS[byte] for byte in range(256)] + ["~~"] + SPECIAL + starts  # a tokenizer has one merge at least
    kinds = [NORMAL] * 257 + [CONTROL] * (len(SPECIAL) + len(starts))
    end = tokens.index("<|im_end|>")
    follows = {}
    for start, pieces in zip(starts, [pieces for _, pieces in scripts] + [list(after), list(other)]):
        ids = []
        for piece in pieces:
            if piece == "...":
                continue
            if spelled(piece) in tokens:
                raise ValueError(f"a piece comes twice: {piece!r}")
            ids.append(len(tokens))
            tokens.append(spelled(piece))
            kinds.append(NORMAL)
        for this, following in zip([tokens.index(start), *ids], [*ids, ids[0] if pieces[-1] == "..." else end]):
            follows[this] = following

    source = random.Random(1)
    codes = [[source.choice((-0.0625, 0.0625)) for _ in range(WIDTH)] for _ in tokens]
    output = [[0.0] * WIDTH for _ in tokens]
    for this, following in follows.items():
        output[following] = [a + b for a, b in zip(output[following], codes[this])]
    square = [[0.0] * WIDTH for _ in range(WIDTH)]
    ones = [[1.0] * WIDTH]
    tensors = {"token_embd.weight": codes, "output.weight": output, "output_norm.weight": ones,
               "blk.0.attn_norm.weight": ones, "blk.0.ffn_norm.weight": ones}
    for name in ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"):
        tensors[f"blk.0.{name}.weight"] = square

    metadata = [
        entry("general.architecture", "text", "llama"), entry("general.name", "text", "scripted"),
        entry("llama.context_length", "u32", 16384), entry("llama.embedding_length", "u32", WIDTH),
        entry("llama.block_count", "u32", 1), entry("llama.feed_forward_length", "u32", WIDTH),
        entry("llama.attention.head_count", "u32", 4), entry("llama.attention.head_count_kv", "u32", 4),
        entry("llama.rope.dimension_count", "u32", 64),
        entry("llama.attention.layer_norm_rms_epsilon", "f32", 1e-5),
        entry("tokenizer.ggml.model", "text", "gpt2"), entry("tokenizer.ggml.pre", "text", "gpt-2"),
        entry("tokenizer.ggml.tokens", "texts", tokens), entry("tokenizer.ggml.token_type", "i32s", kinds),
        entry("tokenizer.ggml.merges", "texts", ["~ ~"]), entry("tokenizer.ggml.eos_token_id", "u32", end),
        entry("tokenizer.ggml.add_bos_token", "bool", False),
        entry("tokenizer.chat_template", "text", template(scripts, words))]
    head, data = b"", b""
    for name, rows in tensors.items():
        sizes = [WIDTH] if len(rows) == 1 else [WIDTH, len(rows)]
        head += text(name) + struct.pack("<I", len(sizes)) + struct.pack(f"<{len(sizes)}Q", *sizes)
        head += struct.pack("<IQ", 0, len(data))
        data += tensor_bytes(rows)
        data += b"\0" * (-len(data) % 32)
    file = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata)) + b"".join(metadata) + head
    file += b"\0" * (-len(file) % 32)
    with open(path, "wb") as out:
        out.write(file + data)


if __name__ == "__main__":
    wanted = json.load(sys.stdin)
    pieces = lambda all: [call(**one) if isinstance(one, dict) else one for one in all]
    write_scripted_model(sys.argv[1], [(word, pieces(all)) for word, all in wanted["scripts"]], pieces(wanted["after"]))
