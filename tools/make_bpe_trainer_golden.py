#!/usr/bin/env python3
"""Trains byte-level BPE on a small text with the library `tokenizers` and writes the text, the merges that it learned and
what the tokenizer makes of some texts, to tests/golden/train/. Ondol's trainer has to come to the same.

    python tools/make_bpe_trainer_golden.py tests/golden/train
    python tools/make_bpe_trainer_golden.py --check TOKENIZER.json FILE...   # encodes files, line by line, with both

The check needs the program `ondol` in the PATH.
"""
import json
import pathlib
import subprocess
import sys

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from make_tokenizer_goldens import CORPUS, GPT2, LLAMA3, TEXTS  # noqa: E402

MORE = """aaaa aaaaa aaaaaa abababab bababa aabbaabb
온돌은 따뜻하다. 온돌이 따뜻해서 좋다. 따뜻한 온돌방에서 따뜻한 차를 마신다. 한국 사람들은 온돌을 좋아한다.
가나다라마바사 가나다 가나 가 나다 다라마 ㄱㄴㄷ ㅏㅑㅓㅕ 각 갂 갃 간
"""


def train(pattern: str, text: str, size: int) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(pattern), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=size, min_frequency=2, show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator([text], trainer)
    return tokenizer


def write(folder: pathlib.Path) -> None:
    text = CORPUS + MORE
    (folder / "bpe_corpus.txt").write_text(text)
    goldens = []
    for name, pattern in (("gpt-2", GPT2), ("llama-bpe", LLAMA3)):
        tokenizer = train(pattern, text, 600)
        merges = json.loads(tokenizer.to_str())["model"]["merges"]
        goldens.append({"pre_tokenizer": name, "vocabulary_size": 600, "merges": merges,
                        "ids": [tokenizer.encode(t).ids for t in TEXTS]})
    (folder / "bpe_trainer.json").write_text(
        json.dumps({"texts": TEXTS, "cases": goldens}, ensure_ascii=False) + "\n")


def check(path: str, files: list[str]) -> None:
    tokenizer = Tokenizer.from_file(path)
    for file in files:
        text = pathlib.Path(file).read_text()[:1_000_000]
        got = json.loads(subprocess.run(["ondol", "tokenize", path, "--json"], input=text.encode(), check=True,
                                        capture_output=True).stdout)
        expected = tokenizer.encode(text).ids
        assert tokenizer.decode(expected) == text
        print(file, len(expected), "tokens:", "the same" if got == expected else "DIFFERENT")


if __name__ == "__main__":
    if sys.argv[1] == "--check":
        check(sys.argv[2], sys.argv[3:])
    else:
        write(pathlib.Path(sys.argv[1]))
