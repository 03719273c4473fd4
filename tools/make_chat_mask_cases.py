#!/usr/bin/env python3
"""Writes the cases of tests/golden/train/chat_masks.jsonl, with empty expectations. The test program fills them in (see
chat_masks_test.cpp); they are then read by a person.

    python tools/make_chat_mask_cases.py > tests/golden/train/chat_masks.jsonl
    ONDOL_WRITE_GOLDENS=new.jsonl build/tests/train_tests --gtest_filter='ChatMasks.*'
"""
import json

USER, ANSWER = {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello, you."}
TALK = {"messages": [{"role": "system", "content": "Be kind."}, USER, ANSWER, {"role": "user", "content": "Who?"},
                     {"role": "assistant", "content": "Me!"}]}
CALL = {"role": "assistant", "content": "", "tool_calls": [
    {"id": "call00001", "type": "function", "function": {"name": "get_weather", "arguments": "{\"city\": \"Seoul\"}"}}]}
TOOLS = {"tools": [{"type": "function", "function": {"name": "get_weather", "description": "Weather", "parameters": {
    "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}],
    "messages": [{"role": "user", "content": "Weather in Seoul?"}, CALL,
                 {"role": "tool", "tool_call_id": "call00001", "name": "get_weather", "content": "21 C"},
                 {"role": "assistant", "content": "It is 21 C."}]}
THOUGHT = {"messages": [USER, dict(ANSWER, reasoning_content="A greeting."), {"role": "user", "content": "Who?"},
                        {"role": "assistant", "content": "Me!", "reasoning_content": "Easy."}]}

CHATML = ("{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
          "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}")
# Reasoning is shown in the last turn only; an answer without any gets an empty one.
FORGETFUL = ("{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.role == 'assistant' and loop.last %}<think>\n"
             "{{ m.reasoning_content or '' }}\n</think>\n\n{% endif %}{{ m.content | trim }}<|im_end|>\n{% endfor %}"
             "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}")
# The prompt opens the reasoning.
OPENING = ("{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% if m.role == 'assistant' %}<|end|>{% endif %}"
           "{% endfor %}{% if add_generation_prompt %}<|assistant|><think>\n{% endif %}")
# No header before answers, no mark behind the last one.
BARE = ("{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}[Q] {{ m.content }} [A]"
        "{% else %} {{ m.content }}{% if not loop.last %}</s>{% endif %}{% endif %}{% endfor %}")

IM = ["<|im_start|>", "<|im_end|>", "<|endoftext|>"]


def case(template, specials, eos, record, bos="", train_on="assistant", source=""):
    print(json.dumps({"template": template, "source": source, "specials": specials, "eos": eos, "bos": bos,
                      "train_on": train_on, "record": record, "expected": []}, ensure_ascii=False))


NO_SYSTEM = {"messages": TALK["messages"][1:]}
WEIGHTED = {"messages": [USER, dict(ANSWER, weight=0), *TALK["messages"][3:]]}
OPEN = {"messages": TALK["messages"] + [{"role": "user", "content": "Bye"}]}
for train_on in ("assistant", "last", "all"):
    case("chatml", IM, "<|im_end|>", TALK, train_on=train_on, source=CHATML)
case("chatml, a weight of 0", IM, "<|im_end|>", WEIGHTED, source=CHATML)
case("chatml, a user speaks last", IM, "<|im_end|>", OPEN, source=CHATML)
case("forgetful", IM, "<|im_end|>", THOUGHT, source=FORGETFUL)
case("forgetful, without reasoning", IM, "<|im_end|>", TALK, source=FORGETFUL)
case("opening", ["<|user|>", "<|assistant|>", "<|system|>", "<|end|>"], "<|end|>", TALK, source=OPENING)
case("bare", ["<s>", "</s>"], "</s>", NO_SYSTEM, bos="<s>", source=BARE)

LLAMA3 = ["<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<|eom_id|>", "<|python_tag|>"]
MISTRAL = ["<s>", "</s>", "[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]", "[TOOL_CALLS]", "[TOOL_RESULTS]",
           "[/TOOL_RESULTS]"]
DEEPSEEK = ["<\uff5cbegin\u2581of\u2581sentence\uff5c>", "<\uff5cend\u2581of\u2581sentence\uff5c>", "<\uff5cUser\uff5c>",
            "<\uff5cAssistant\uff5c>"]
HARMONY = ["<|start|>", "<|end|>", "<|message|>", "<|channel|>", "<|return|>", "<|call|>", "<|constrain|>"]
case("Qwen-Qwen3-0.6B.jinja", IM, "<|im_end|>", TALK)
case("Qwen-Qwen3-0.6B.jinja", IM, "<|im_end|>", THOUGHT)
case("Qwen-Qwen3-0.6B.jinja", IM, "<|im_end|>", TOOLS)
case("meta-llama-Llama-3.1-8B-Instruct.jinja", LLAMA3, "<|eot_id|>", TALK, "<|begin_of_text|>")
case("meta-llama-Llama-3.1-8B-Instruct.jinja", LLAMA3, "<|eot_id|>", TOOLS, "<|begin_of_text|>")
case("mistralai-Mistral-Nemo-Instruct-2407.jinja", MISTRAL, "</s>", NO_SYSTEM, "<s>")
case("mistralai-Mistral-Nemo-Instruct-2407.jinja", MISTRAL, "</s>", TOOLS, "<s>")
case("google-gemma-2-2b-it.jinja", ["<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>"], "<eos>", TALK, "<bos>")
case("microsoft-Phi-3.5-mini-instruct.jinja", ["<|system|>", "<|user|>", "<|assistant|>", "<|end|>", "<|endoftext|>"],
     "<|endoftext|>", TALK)
case("deepseek-ai-DeepSeek-R1-Distill-Qwen-32B.jinja", DEEPSEEK, DEEPSEEK[1], TALK, DEEPSEEK[0])
case("deepseek-ai-DeepSeek-V3.1.jinja", DEEPSEEK, DEEPSEEK[1], TALK, DEEPSEEK[0])
case("openai-gpt-oss-120b.jinja", HARMONY, "<|return|>", THOUGHT)
case("ibm-granite-granite-4.0.jinja", ["<|start_of_role|>", "<|end_of_role|>", "<|end_of_text|>"], "<|end_of_text|>", TALK)
case("HuggingFaceTB-SmolLM3-3B.jinja", IM, "<|im_end|>", TALK)
case("NousResearch-Hermes-3-Llama-3.1-8B-tool_use.jinja", IM + ["<|begin_of_text|>"], "<|im_end|>", TOOLS, "<|begin_of_text|>")
case("LFM2-8B-A1B.jinja", IM + ["<|startoftext|>"], "<|im_end|>", TALK, "<|startoftext|>")
case("Apertus-8B-Instruct.jinja", ["<s>", "</s>", "<|system_start|>", "<|system_end|>", "<|user_start|>", "<|user_end|>",
     "<|assistant_start|>", "<|assistant_end|>"], "<|assistant_end|>", TALK, "<s>")
case("GLM-4.7-Flash.jinja", ["<|user|>", "<|assistant|>", "<|system|>", "<|observation|>", "<|endoftext|>"], "<|endoftext|>",
     TALK)
case("moonshotai-Kimi-K2.jinja", ["<|im_system|>", "<|im_user|>", "<|im_assistant|>", "<|im_middle|>", "<|im_end|>"],
     "<|im_end|>", TALK)
