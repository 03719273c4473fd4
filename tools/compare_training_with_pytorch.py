#!/usr/bin/env python3
"""Compares the speed and memory of ondol train with PyTorch's, in turn, on this machine's processors.

usage: compare_training_with_pytorch.py ONDOL DATA.txt [--folder FOLDER] [--what lora|new] [--steps 8] [--rounds 2]
                                        [--width 320 --layers 8 --batch 8 --seq 512] [--type Q8_0]

lora: a LoRA (rank 16, all linear maps) on Qwen2.5-0.5B's shapes with random weights; PyTorch with transformers and
PEFT in fp32 and in bf16, Ondol on the file in --type.
new:  a Llama from scratch with 4096 tokens (11 million numbers); PyTorch with transformers in fp32 and under bf16 autocast.
Each program has its own process. Reported are the median of the steps after the second, and the peak of the memory
that the process held. The weights are random and the tokens meaningless: only time and memory are compared.
"""
import argparse
import json
import multiprocessing
import os
import pathlib
import statistics
import subprocess
import sys
import time


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ondol")
    parser.add_argument("data")
    parser.add_argument("--folder", default="/tmp/ondol-compare-training")
    parser.add_argument("--what", choices=("lora", "new"), default="lora")
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--width", type=int, default=320)
    parser.add_argument("--layers", type=int, default=8)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--seq", type=int, default=512)
    parser.add_argument("--type", default="Q8_0")
    parser.add_argument("--learn", help=argparse.SUPPRESS)  # this process is PyTorch's, in this precision
    return parser.parse_args()


TOKENS = 4096


def qwen():
    from transformers import Qwen2Config
    return Qwen2Config(vocab_size=151936, hidden_size=896, intermediate_size=4864, num_hidden_layers=24,
                       num_attention_heads=14, num_key_value_heads=2, max_position_embeddings=32768, rope_theta=1e6,
                       rms_norm_eps=1e-6, tie_word_embeddings=True)


def inner_width(width):
    return (width * 8 // 3 + 31) // 32 * 32


def llama(args):
    from transformers import LlamaConfig
    return LlamaConfig(vocab_size=TOKENS, hidden_size=args.width, intermediate_size=inner_width(args.width),
                       num_hidden_layers=args.layers, num_attention_heads=args.width // 32,
                       num_key_value_heads=args.width // 32, max_position_embeddings=args.seq,
                       tie_word_embeddings=True)


def make_files(args, folder):
    """The model with random weights as GGUF, and a tokenizer."""
    model = folder / "model"
    if args.what == "lora" and not (folder / f"{args.type}.gguf").exists():
        import torch
        from transformers import Qwen2ForCausalLM
        torch.manual_seed(1)
        Qwen2ForCausalLM(qwen()).to(torch.bfloat16).save_pretrained(model)
        tokenizer(args, model / "tokenizer.json", 30000)
        subprocess.run([args.ondol, "quantize", model, folder / f"{args.type}.gguf", "--type", args.type], check=True)
    if args.what == "new" and not (folder / "tokenizer.json").exists():
        tokenizer(args, folder / "tokenizer.json", TOKENS)


def tokenizer(args, path, size):
    subprocess.run([args.ondol, "train-tokenizer", args.data, "-o", path, "--vocab-size", str(size)], check=True)


def learn_with_pytorch(args):
    """One line of JSON for each step."""
    import torch
    from transformers import LlamaForCausalLM, Qwen2ForCausalLM
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    is_bf16 = args.learn == "bf16"
    if args.what == "lora":
        from peft import LoraConfig, get_peft_model
        model = Qwen2ForCausalLM.from_pretrained(pathlib.Path(args.folder) / "model",
                                                 dtype=torch.bfloat16 if is_bf16 else torch.float32)
        model = get_peft_model(model, LoraConfig(r=16, lora_alpha=32, target_modules="all-linear"))
    else:
        model = LlamaForCausalLM(llama(args))
    n_tokens = model.config.vocab_size
    learned = [p for p in model.parameters() if p.requires_grad]
    print(f"{args.learn}: {sum(p.numel() for p in learned)} numbers learn", file=sys.stderr)
    optimizer = torch.optim.AdamW(learned, lr=2e-4)
    model.train()
    for _ in range(args.steps):
        ids = torch.randint(0, n_tokens, (args.batch, args.seq))
        start = time.monotonic()
        with torch.autocast("cpu", torch.bfloat16, enabled=is_bf16 and args.what == "new"):
            loss = model(input_ids=ids, labels=ids).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learned, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        seconds = time.monotonic() - start
        print(json.dumps({"loss": loss.item(), "tokens_per_s": ids.numel() / seconds}), flush=True)


def run(command, log):
    """The lines of JSON and the peak of memory in MiB of a program."""
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    text = process.stdout.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{command[0]} ended with {process.returncode}")
    lines = log.read_text() if log else text
    speeds = [json.loads(line)["tokens_per_s"] for line in lines.splitlines()]
    return statistics.median(speeds[2:]), usage.ru_maxrss / 1024


def with_ondol(args, folder):
    log = folder / "ondol.log"
    log.unlink(missing_ok=True)
    usual = ["--train-on", "all", "--seq", args.seq, "--batch", args.batch, "--steps", args.steps, "--log", log, "-o",
             folder / "learned.gguf", "--save-every", args.steps]
    if args.what == "lora":
        return run([args.ondol, "train", folder / f"{args.type}.gguf", args.data, "--rank", 16, *usual], log)
    return run([args.ondol, "train", "--new", "llama", "--layers", args.layers, "--width", args.width, "--heads",
                args.width // 32, "--context", args.seq, "--vocab", folder / "tokenizer.json", args.data, *usual], log)


def with_pytorch(args, precision):
    return run([sys.executable, __file__, *sys.argv[1:], "--learn", precision], None)


def main():
    args = options()
    if args.learn:
        return learn_with_pytorch(args)
    folder = pathlib.Path(args.folder)
    folder.mkdir(parents=True, exist_ok=True)
    # In a process of its own: what this one held at its largest would count as its children's.
    maker = multiprocessing.get_context("spawn").Process(target=make_files, args=(args, folder))
    maker.start()
    maker.join()
    if maker.exitcode != 0:
        sys.exit("the model was not made")
    found = {"ondol": [], "PyTorch fp32": [], "PyTorch bf16": []}
    for _ in range(args.rounds):
        found["ondol"].append(with_ondol(args, folder))
        found["PyTorch fp32"].append(with_pytorch(args, "fp32"))
        found["PyTorch bf16"].append(with_pytorch(args, "bf16"))
    print(f"{args.what}, {args.batch} x {args.seq} tokens a step; tokens per second (each round), peak memory")
    for name, results in found.items():
        speeds = [speed for speed, _ in results]
        print(f"{name:<14}{statistics.median(speeds):>9.1f}  ({', '.join(f'{s:.1f}' for s in speeds)})"
              f"{max(peak for _, peak in results):>9.0f} MiB")


if __name__ == "__main__":
    main()
