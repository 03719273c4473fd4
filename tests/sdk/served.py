"""`ondol serve` with the sample model, for tests of clients."""
import os
import re
import struct
import subprocess
import time
import urllib.request

KEY = "test-key"
THINKING_TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.reasoning_content %}<think>\n{{ m.reasoning_content }}\n"
    "</think>\n\n{% endif %}{{ m.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n{% else %}<think>\n"
    "{% endif %}{% endif %}")


def write_thinking_sample(source, path):
    """The sample model with a template that opens reasoning, which only budgets close."""
    with open(f"{source}/examples/sample.gguf", "rb") as file:
        data = file.read()
    at = data.index(b"tokenizer.chat_template") + len("tokenizer.chat_template") + 4
    length = struct.unpack_from("<Q", data, at)[0]
    text = THINKING_TEMPLATE.encode()
    blanks = (length - len(text) - 4) % 32  # tensors stay aligned
    text += b"{#" + b" " * blanks + b"#}"
    with open(path, "wb") as file:
        file.write(data[:at] + struct.pack("<Q", len(text)) + text + data[at + 8 + length:])


class Server:
    """On a free port. `keys`: Ollama's clients send none. `errors`: a file for standard error."""

    def __init__(self, ondol, *models, keys=True, errors=None):
        environment = {**os.environ, "ONDOL_HOME": "/nonexistent", "HF_HUB_CACHE": "/nonexistent",
                       "OLLAMA_MODELS": "/nonexistent", "HF_HUB_OFFLINE": "1", "LC_ALL": "C.UTF-8"}
        command = [ondol, "serve", *models, "--port", "0", "-t", "2"]
        if keys:
            command += ["--api-key", f"tester={KEY}"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True,
                                        env=environment)
        self.url = re.search(r"http://[\w.]+:\d+", self.process.stdout.readline())[0]

    def stop(self):
        self.process.terminate()
        self.process.wait(60)
        self.process.stdout.close()

    def kill(self):
        self.process.kill()
        self.process.wait(60)
        self.process.stdout.close()

    def metric(self, name):
        """The sum over all models."""
        request = urllib.request.Request(self.url + "/metrics", headers={"Authorization": f"Bearer {KEY}"})
        with urllib.request.urlopen(request) as answer:
            text = answer.read().decode()
        return sum(float(value) for value in re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.M))

    def becomes_cancelled(self, before):
        """Whether more requests than `before` were cancelled, and none runs."""
        for _ in range(200):
            if self.metric("ondol_requests_cancelled_total") > before and self.metric("ondol_requests_running") == 0:
                return True
            time.sleep(0.05)
        return False
