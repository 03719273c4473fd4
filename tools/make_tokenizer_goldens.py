#!/usr/bin/env python3
"""Trains small tokenizers of every kind with the libraries `tokenizers` and `sentencepiece` and writes them, with what
those libraries make of a list of texts, to tests/golden/tokenizers/. The C++ tests read both.

    python tools/make_tokenizer_goldens.py tests/golden/tokenizers [FOLDER]

With FOLDER, which holds qwen2/ and phi4-mini/ (vocab.json, merges.txt) and mistral-v0.3/ and minilm/ (tokenizer.json), it
writes what those give as well.
"""
import base64
import io
import json
import pathlib
import sys
import tempfile

import sentencepiece
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

CORPUS = """The quick brown fox jumps over the lazy dog. The dog, it seems, didn't mind: it's been lying there since 1987.
We'll see whether they're coming; I've heard they're late, and he'd said he'd be here by 10:45.
def add(a, b):\n    # adds two numbers\n    return a + b\n\nfor i in range(100):\n    print(add(i, 2 * i), end=' ')
안녕하세요. 오늘은 날씨가 참 좋습니다. 온돌은 방바닥을 따뜻하게 하는 한국의 난방 방식입니다. 오늘 저녁에 무엇을 드시겠어요?
우리는 한국어와 영어를 모두 잘 다루는 프로그램을 만들고 있습니다. 한국어 문장도 잘게 나뉘어야 합니다.
Привет, мир! Как дела? Сегодня хорошая погода. Él comió piñas en São Paulo; naïve café façade, Übergröße.
漢字と仮名を混ぜた日本語の文章です。今日はとても良い天気ですね。中文也可以,我们来试试看。
HelloWorld camelCase HTTPServer XMLHttpRequest snake_case kConstant member_ n_tokens 3.14159 1,000,000 0x7fff
The end of the story is the beginning of another story, and the other one begins with the words: once upon a time.
""" * 3

TEXTS = [
    "", " ", "  ", "\n", "\n\n", " \n \t\n", "a", " a", "a ", "  a  b   c    ", "Hello", "Hello World", " Hello, world!",
    "The quick brown fox didn't jump; it's LAZY, we'LL see they'Re I'VE he'd 'tis", "x" * 40, "ab" * 30,
    "123456789 1 12 123 1234 12345 3.14 1,000,000", "\u0661\u0662\u0663 \u00bd \u00b2 \u2460 \u2163",
    "def f(x):\n    if x > 0:\n\t\treturn x\n    else:\r\n        return -x  # done\n\n\n",
    "안녕하세요. 오늘 저녁에 무엇을 드시겠어요?", "한국어 문장 \u1112\u1161\u11ab\u1100\u116e\u11a8", "ㅋㅋㅋ ㅠㅠ 뷁",
    "漢字と仮名。中文", "カタカナ ひらがな 漢字kanji", "Привет, как дела?", "naïve café e\u0301 n\u0303 Å \u212b ﬁ ™",
    "\U0001f600 \U0001f468\u200d\U0001f469\u200d\U0001f467 \u2764\ufe0f \U0001f1f0\U0001f1f7", "tabs\tand\u3000wide\u00a0spaces\u2003here",
    "HelloWorld HTTPServer camelCase XMLHttpRequest SNAKE_CASE aBcDeF ÀÉîÕ ǅ", "<s>text</s> <|end|> [CLS] [MASK] <unk>",
    "a<|end|>b <|end|> c  <|end|>\n", "<tool>call</tool>", "price: $5.00 (~€4.60)!!! ... ???", "a/b//c ///\n#@%^&*",
    "\u200b\u200d\ufeffzero width\u00ad", "\u0000\u0001\u007f control", "\u0e44\u0e17\u0e22 \u0939\u093f\u0928\u094d\u0926\u0940 \u0639\u0631\u0628\u064a",
    "▁▁ metaspace ▁x", "Ġ byte Ċ alphabet", "<0x41><0x0A>", "##ing ##", "once upon a time\r\n\r\nthe end\r",
    "I'm you're 'S 'ſ don'T", "<|im_start|>user\nhi<|im_end|>\n<|endoftext|><tool_call>", "<|assistant|>  ok<|tool|> x<|end|>\n y",
    "[INST] hello [/INST] world </s>", "one two  three   four\n five \n\nsix", "🇰🇷온돌🔥따뜻해요 ondol!", "ẞß İI ıi Σς",
]

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
          r"|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace("{1,3}", "")
QWEN35 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*"
          r"|\s*[\r\n]+|\s+(?!\S)|\s+")
UPPER, LOWER, CONTRACTIONS = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]", r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
O200K = (rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}*{LOWER}+{CONTRACTIONS}|[^\r\n\p{{L}}\p{{N}}]?{UPPER}+{LOWER}*{CONTRACTIONS}"
         r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
TEKKEN = O200K.replace(CONTRACTIONS, "").replace("{1,3}", "")
DEEPSEEK3 = [r"\p{N}{1,3}", "[一-龥\u3040-ゟ゠-ヿ]+",
             r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"
             r"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"]
KIMI = (r"[\p{Han}]+|" + rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER[:-1]}&&[^\p{{Han}}]]*{LOWER[:-1]}&&[^\p{{Han}}]]+{CONTRACTIONS}"
        rf"|[^\r\n\p{{L}}\p{{N}}]?{UPPER[:-1]}&&[^\p{{Han}}]]+{LOWER[:-1]}&&[^\p{{Han}}]]*{CONTRACTIONS}"
        r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
SPECIAL = [AddedToken("<s>", special=True), AddedToken("</s>", special=True), AddedToken("<|end|>", special=True, rstrip=True)]
TOOL = AddedToken("<tool>", special=False, normalized=False)


def train(tokenizer, trainer):
    tokenizer.train_from_iterator(CORPUS.splitlines(keepends=True), trainer)
    return tokenizer


def template(tokenizer, before=("<s>",), after=()):
    around = [(t, tokenizer.token_to_id(t)) for t in (*before, *after)]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=" ".join([*before, "$A", *after]), special_tokens=[a for a in dict(around).items()])


def byte_level(patterns, normalizer=None, vocab=620, **bpe):
    tokenizer = Tokenizer(models.BPE(**bpe))
    steps = [pre_tokenizers.Split(Regex(p), "isolated") for p in patterns]
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([*steps, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.normalizer = normalizer
    tokenizer.decoder = decoders.ByteLevel()
    train(tokenizer, trainers.BpeTrainer(vocab_size=vocab, special_tokens=SPECIAL, show_progress=False,
                                         initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.add_tokens([TOOL])
    template(tokenizer)
    return tokenizer


def roberta():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    mask = AddedToken("<mask>", special=True, lstrip=True)
    train(tokenizer, trainers.BpeTrainer(vocab_size=400, special_tokens=[*SPECIAL, mask], show_progress=False,
                                         initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 1), ("<s>", 0))
    return tokenizer


def falcon():
    """ByteLevel in the middle: later steps see the byte alphabet."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Punctuation("contiguous"), pre_tokenizers.ByteLevel(add_prefix_space=False),
        pre_tokenizers.Digits(individual_digits=False), pre_tokenizers.Split(Regex("[0-9][0-9][0-9]"), "isolated")])
    tokenizer.decoder = decoders.ByteLevel()
    return train(tokenizer, trainers.BpeTrainer(vocab_size=400, special_tokens=SPECIAL, show_progress=False,
                                                initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))


def bloom():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(" ?[^(\\s|[.,!?…。，、।۔،])]+"), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    return train(tokenizer, trainers.BpeTrainer(vocab_size=400, special_tokens=SPECIAL, show_progress=False,
                                                initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))


def clip():
    """Words end in </w>."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>", continuing_subword_prefix=""))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"), "removed", invert=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tokenizer.decoder = decoders.BPEDecoder("</w>")
    return train(tokenizer, trainers.BpeTrainer(vocab_size=700, special_tokens=["<unk>", *SPECIAL], show_progress=False,
                                                end_of_word_suffix="</w>", initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))


BYTES = [f"<0x{b:02X}>" for b in range(256)]
METASPACE_DECODER = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]


def characters(kind):
    """Merges on characters with byte fallback, as converted from SentencePiece: Llama 2, Mistral and Gemma style."""
    learner = Tokenizer(models.BPE())
    learner.normalizer = normalizers.Replace(" ", "▁")
    learner.pre_tokenizer = pre_tokenizers.Split(Regex("▁?[^▁]+"), "isolated")
    train(learner, trainers.BpeTrainer(vocab_size=320, special_tokens=["<unk>", "<s>", "</s>", "<|end|>", *BYTES],
                                       limit_alphabet=120, show_progress=False))
    model = json.loads(learner.to_str())["model"]
    if "▁" not in model["vocab"]:
        model["vocab"]["▁"] = len(model["vocab"])
    tokenizer = Tokenizer(models.BPE(model["vocab"], [tuple(m) for m in model["merges"]], unk_token="<unk>",
                                     fuse_unk=True, byte_fallback=True))
    if kind == "llama":
        tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
        tokenizer.decoder = decoders.Sequence([*METASPACE_DECODER, decoders.Strip(" ", 1, 0)])
    elif kind == "mistral":
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace("▁", prepend_scheme="first", split=False)
        tokenizer.decoder = decoders.Sequence([*METASPACE_DECODER, decoders.Strip(" ", 1, 0)])
    else:
        tokenizer.normalizer = normalizers.Replace(" ", "▁")
        tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
        tokenizer.decoder = decoders.Sequence(METASPACE_DECODER)
    tokenizer.add_special_tokens(["<unk>", *SPECIAL])
    tokenizer.add_tokens([AddedToken("<tool>", normalized=True), AddedToken("word", single_word=True, normalized=False)])
    template(tokenizer)
    return tokenizer


def word_piece(lowercase):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=30))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    train(tokenizer, trainers.WordPieceTrainer(vocab_size=500, limit_alphabet=160, show_progress=False,
                                               special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]))
    template(tokenizer, ["[CLS]"], ["[SEP]"])
    return tokenizer


RULES = {"ﬁ": "fi", "™": "TM", "\u3000": " ", "\u00a0": " ", "\t": " ", "\n": " ", "\r": " ", "e\u0301": "é", "①": "1",
         "½": "1⁄2", "\u200b": " ", "\u00ad": "", "\u212b": "\u00c5", "カ": "か"}


def train_sentencepiece(folder, **options):
    rules = folder / "rules.tsv"
    codes = lambda text: " ".join(f"{ord(c):X}" for c in text)
    rules.write_text("".join(f"{codes(k)}\t{codes(v)}\n" for k, v in RULES.items()))
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(CORPUS.splitlines()), model_writer=model, minloglevel=2, num_threads=1,
        hard_vocab_limit=options["model_type"] == "bpe", **options,
        **({"normalization_rule_tsv": str(rules)} if "normalization_rule_name" not in options else {}))
    return model.getvalue()


def unigram(charsmap):
    """As T5 and XLM-R: SentencePiece's rules, then Metaspace."""
    tokenizer = Tokenizer(models.Unigram())
    steps = [normalizers.Precompiled(charsmap)] if charsmap else [normalizers.NFKC()]
    tokenizer.normalizer = normalizers.Sequence([*steps, normalizers.Strip(left=False, right=True), normalizers.Replace(Regex(" {2,}"), "▁")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace("▁", prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace("▁", prepend_scheme="always")
    train(tokenizer, trainers.UnigramTrainer(vocab_size=380, unk_token="<unk>", show_progress=False,
                                             special_tokens=["<pad>", "</s>", "<unk>", "<s>"]))
    template(tokenizer, [], ["</s>"])
    return tokenizer


def words():
    """The steps that no other one here uses."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKD(), normalizers.StripAccents(),
                                                 normalizers.Lowercase(), normalizers.Strip()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Whitespace(), pre_tokenizers.Digits(individual_digits=True),
        pre_tokenizers.Punctuation("merged_with_previous"), pre_tokenizers.Split("e", "merged_with_next")])
    tokenizer.decoder = decoders.WordPiece()
    train(tokenizer, trainers.WordPieceTrainer(vocab_size=300, limit_alphabet=120, show_progress=False, special_tokens=["[UNK]"]))
    return tokenizer


def hugging_face_set(charsmap):
    return {
        "gpt2": byte_level([GPT2]), "llama3": byte_level([LLAMA3], ignore_merges=True), "qwen2": byte_level([QWEN2], normalizers.NFC()),
        "qwen35": byte_level([QWEN35], normalizers.NFC()), "o200k": byte_level([O200K]), "tekken": byte_level([TEKKEN], ignore_merges=True),
        "deepseek3": byte_level(DEEPSEEK3), "kimi": byte_level([KIMI]), "roberta": roberta(), "falcon": falcon(),
        "bloom": bloom(), "clip": clip(), "llama-characters": characters("llama"), "mistral-characters": characters("mistral"),
        "gemma-characters": characters("gemma"), "bert": word_piece(True), "bert-cased": word_piece(False),
        "t5": unigram(charsmap), "unigram-nfkc": unigram(None), "words": words(),
    }


def sentencepiece_set(folder):
    common = {"user_defined_symbols": ["<tool>", "온돌"], "control_symbols": ["<|end|>"]}
    return {
        "spm-bpe": train_sentencepiece(folder, model_type="bpe", vocab_size=700, byte_fallback=True, remove_extra_whitespaces=False,
                                       character_coverage=0.98, normalization_rule_name="identity", **common),
        "spm-bpe-plain": train_sentencepiece(folder, model_type="bpe", vocab_size=500, character_coverage=0.98, **common),
        "spm-unigram": train_sentencepiece(folder, model_type="unigram", vocab_size=420, character_coverage=0.98, **common),
        "spm-unigram-bytes": train_sentencepiece(folder, model_type="unigram", vocab_size=600, byte_fallback=True,
                                                 add_dummy_prefix=False, character_coverage=0.98, **common),
    }


def expected_hugging_face(tokenizer):
    special = {i for i, token in tokenizer.get_added_tokens_decoder().items() if token.special and "unk" not in token.content.lower()}
    cases = []
    for text in TEXTS:
        tokenizer.encode_special_tokens = False
        ids = tokenizer.encode(text).ids
        decoded = tokenizer.decode(ids, skip_special_tokens=True)
        tokenizer.encode_special_tokens = True
        plain = tokenizer.encode(text, add_special_tokens=False).ids
        cases.append([ids, None if special & set(plain) else plain, decoded])
    return cases


def expected_sentencepiece(model):
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    cases = []
    for text in TEXTS:
        ids = processor.encode(text)
        cases.append([ids, processor.decode([i for i in ids if i != processor.unk_id()])])
    return cases


def main(out, real):
    out.mkdir(parents=True, exist_ok=True)
    compact = {"ensure_ascii": False, "separators": (",", ":")}
    (out / "texts.json").write_text(json.dumps(TEXTS, **compact) + "\n")
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        charsmap = charsmap_of(train_sentencepiece(folder, model_type="unigram", vocab_size=400, character_coverage=0.98))
        for name, tokenizer in hugging_face_set(charsmap).items():
            root = json.loads(tokenizer.to_str())
            (out / f"{name}.tokenizer.json").write_text(json.dumps(root, **compact) + "\n")
            (out / f"{name}.expected.json").write_text(json.dumps(expected_hugging_face(tokenizer), **compact) + "\n")
        for name, tokenizer in (real_set(real) if real else {}).items():
            (out / f"{name}.expected.json").write_text(json.dumps(expected_hugging_face(tokenizer), **compact) + "\n")
        for name, model in sentencepiece_set(folder).items():
            (out / f"{name}.tokenizer.model").write_bytes(model)
            (out / f"{name}.expected.json").write_text(json.dumps(expected_sentencepiece(model), **compact) + "\n")


def from_lists(folder, pattern, normalizer=None):
    """A tokenizer out of vocab.json and merges.txt, cut by `pattern`."""
    merges = [tuple(line.split(" ")) for line in (folder / "merges.txt").read_text().split("\n")
              if line and not line.startswith("#version")]
    tokenizer = Tokenizer(models.BPE(json.loads((folder / "vocab.json").read_text()), merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(pattern), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.normalizer = normalizer
    tokenizer.decoder = decoders.ByteLevel()
    configs = sorted(folder.glob("*tokenizer_config.json"))
    added = json.loads(configs[0].read_text())["added_tokens_decoder"]
    for _, token in sorted(added.items(), key=lambda item: int(item[0])):
        flags = {k: token[k] for k in ("lstrip", "rstrip", "normalized", "single_word", "special")}
        (tokenizer.add_special_tokens if token["special"] else tokenizer.add_tokens)([AddedToken(token["content"], **flags)])
    return tokenizer


def real_set(folder):
    tokenizers = {"qwen2": from_lists(folder / "qwen2", QWEN2, normalizers.NFC()),
                  "phi4-mini": from_lists(folder / "phi4-mini", O200K)}
    for name in ("mistral-v0.3", "minilm"):
        tokenizers[name] = Tokenizer.from_file(str(folder / name / "tokenizer.json"))
        tokenizers[name].no_truncation()
        tokenizers[name].no_padding()
    return {f"real-{name}": tokenizer for name, tokenizer in tokenizers.items()}


def charsmap_of(model):
    from sentencepiece import sentencepiece_model_pb2
    proto = sentencepiece_model_pb2.ModelProto()
    proto.ParseFromString(model)
    return proto.normalizer_spec.precompiled_charsmap


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else None)
