#!/usr/bin/env python3
"""Containers of `ondol serve --code-interpreter` as a client drives them: a file is put there, a program of the model
reads it and leaves another, which is fetched. 77 where no sandbox works.

usage: containers_test.py ONDOL SOURCE_DIR
"""
import json
import pathlib
import sys
import tempfile
import unittest
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "sdk"))

from sandbox import confines  # noqa: E402
from scripted_gguf import call, write_scripted_model  # noqa: E402
from served import KEY, Server  # noqa: E402

ONDOL, SOURCE = sys.argv[1:3]
PROGRAM = "open('sum.txt', 'w').write(str(sum(map(int, open('numbers.txt')))))"
BOUNDARY = "a1b2c3"


class Containers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        model = cls.scratch.name + "/scripted.gguf"
        write_scripted_model(model, [("SUM", [call("code_interpreter", {"code": PROGRAM})])], ["It is there."])
        cls.server = Server(ONDOL, model, "--code-interpreter", "--ctx", "4096", "--data-dir",
                            cls.scratch.name + "/data", "--api-key", "other=other-key")

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.scratch.cleanup()

    def ask(self, method, path, body=None, kind="application/json", key=KEY, expected=200):
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        request = urllib.request.Request(self.server.url + path, data, method=method, headers={
            "Authorization": f"Bearer {key}", "Content-Type": kind})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                status, text = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                status, text = error.code, error.read()
        self.assertEqual(status, expected, text)
        return text if path.endswith("/content") else json.loads(text)

    def test_a_program_reads_and_leaves_files(self):
        container = self.ask("POST", "/v1/containers", {"name": "sums"})
        path = f"/v1/containers/{container['id']}"
        form = (f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="numbers.txt"\r\n\r\n'
                f"1\n20\n300\n\r\n--{BOUNDARY}--\r\n").encode()
        put = self.ask("POST", path + "/files", form, f"multipart/form-data; boundary={BOUNDARY}")
        self.assertEqual((put["path"], put["bytes"], put["source"]), ("numbers.txt", 9, "user"))
        response = self.ask("POST", "/v1/responses", {"input": "SUM it.", "tools": [
            {"type": "code_interpreter", "container": container["id"]}]})
        self.assertEqual(response["output"][0]["container_id"], container["id"])
        listed = self.ask("GET", path + "/files")["data"]
        self.assertEqual({file["path"]: file["source"] for file in listed},
                         {"numbers.txt": "user", "sum.txt": "assistant"})
        (made,) = (file for file in listed if file["path"] == "sum.txt")
        self.assertEqual(self.ask("GET", f"{path}/files/{made['id']}/content"), b"321")
        self.ask("GET", f"{path}/files/{made['id']}/content", key="other-key", expected=404)
        self.assertEqual(self.ask("GET", "/v1/containers", key="other-key")["data"], [])
        self.ask("DELETE", path, key="other-key", expected=404)
        self.assertTrue(self.ask("DELETE", f"{path}/files/{made['id']}")["deleted"])
        self.assertTrue(self.ask("DELETE", path)["deleted"])
        self.ask("POST", "/v1/responses", {"input": "SUM it.", "tools": [
            {"type": "code_interpreter", "container": container["id"]}]}, expected=404)


if __name__ == "__main__":
    if not confines(ONDOL, SOURCE):
        print("no sandbox works here")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
