#!/usr/bin/env python3
"""Trains the sample model that ships in examples/: a very small Llama that tells stories and chats in Korean.

usage: train_sample_model.py DATA OUT_FOLDER [MINUTES]
DATA holds text/kids-stories.txt, text/books-easy-train.jsonl, instruct/ko-chat.jsonl and instruct/short-qa-train.jsonl.
Needs torch, transformers and tokenizers from PyPI. Afterwards: ondol convert OUT_FOLDER sample.gguf --type F16,
ondol quantize sample.gguf sample-Q8_0.gguf --type Q8_0.
"""
import json
import pathlib
import random
import sys
import time

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

VOCABULARY = 2048
CONTEXT = 192
BATCH = 16
TEMPLATE = ("{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n"
            "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}")


def read_texts(data: pathlib.Path) -> tuple[list[str], list[str]]:
    """Plain texts and rendered conversations."""
    stories = (data / "text/kids-stories.txt").read_text(encoding="utf-8")
    books = []
    with open(data / "text/books-easy-train.jsonl", encoding="utf-8") as file:
        for line in file:
            books.append(json.loads(line)["text"][:200_000])
            if sum(map(len, books)) > 6_000_000:
                break
    chats = []
    for name, limit in (("ko-chat", 20_000), ("short-qa-train", 4_000)):
        with open(data / f"instruct/{name}.jsonl", encoding="utf-8") as file:
            for line in list(file)[:limit]:
                messages = json.loads(line)["messages"]
                chats.append("".join(f"<|im_start|>{m['role']}\n{m['content']}<|im_end|>\n" for m in messages))
    return [stories] * 4 + books, chats


def train_tokenizer(texts: list[str]) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(__import__("tokenizers").Regex(
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"),
            behavior="isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    return tokenizer


def main() -> None:
    data, out = pathlib.Path(sys.argv[1]), sys.argv[2]
    minutes = float(sys.argv[3]) if len(sys.argv) > 3 else 30
    random.seed(7), np.random.seed(7), torch.manual_seed(7)
    texts, chats = read_texts(data)
    tokenizer = train_tokenizer([t[:300_000] for t in texts] + chats)
    end = tokenizer.token_to_id("<|endoftext|>")
    encode = lambda parts: np.array([i for e in tokenizer.encode_batch(parts) for i in e.ids + [end]], dtype=np.int32)
    random.shuffle(chats)
    streams = [encode(texts), encode(chats)]
    print("tokens:", [len(s) for s in streams], flush=True)

    config = LlamaConfig(vocab_size=VOCABULARY, hidden_size=256, intermediate_size=512, num_hidden_layers=4,
                         num_attention_heads=8, num_key_value_heads=4, max_position_embeddings=1024,
                         rope_theta=10000.0, tie_word_embeddings=True, bos_token_id=end, eos_token_id=end)
    model = LlamaForCausalLM(config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, betas=(0.9, 0.95), weight_decay=0.05)
    start, step = time.time(), 0
    while (elapsed := (time.time() - start) / 60) < minutes:
        rate = 2e-3 * min(1, (step + 1) / 100) * max(0.05, 1 - elapsed / minutes)
        for group in optimizer.param_groups:
            group["lr"] = rate
        rows = []
        for _ in range(BATCH):
            stream = streams[0] if random.random() < 0.5 else streams[1]
            i = random.randrange(len(stream) - CONTEXT - 1)
            rows.append(stream[i:i + CONTEXT])
        batch = torch.from_numpy(np.stack(rows)).long()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = model(input_ids=batch, labels=batch).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 50 == 0:
            print(f"step {step} loss {loss.item():.3f} minutes {elapsed:.1f}", flush=True)
        step += 1

    model.to(torch.float32).save_pretrained(out)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|im_end|>", bos_token="<|endoftext|>",
                                   pad_token="<|endoftext|>")
    fast.chat_template = TEMPLATE
    fast.save_pretrained(out)


main()
