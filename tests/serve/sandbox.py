"""Whether programs can be confined on this machine."""
import subprocess
import tempfile


def confines(ondol, source):
    with tempfile.TemporaryDirectory() as data, tempfile.TemporaryDirectory() as work:
        return "sandbox" not in subprocess.run([ondol, "act", "x", "--model", f"{source}/examples/sample.gguf", "--steps", "1",
                                                "--data-dir", data], cwd=work, capture_output=True, text=True).stderr
