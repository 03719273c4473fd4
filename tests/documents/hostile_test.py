#!/usr/bin/env python3
"""Hostile files beside good ones: `ondol index` neither crashes nor hangs, and the good files are found.
  hostile_test.py ONDOL SOURCE_FOLDER [COUNT]      COUNT damaged copies of the goldens (default 20); exit status 77: no reader"""
import io
import os
import pathlib
import random
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib

ondol, root = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
count = int(sys.argv[3]) if len(sys.argv) > 3 else 20
goldens = sorted(p for p in (root / "tests/golden/documents").iterdir() if p.suffix not in {".md", ".png"} and p.name != "scanned.pdf")
# Words that no golden has, in files that must be found whatever lies beside them.
GOOD = {"good.txt": b"quetzalcoatl", "good.html": b"<p>axolotl", "good.csv": b"a,b\nxochimilco,2\n",
        "z/good.eml": b"Subject: popocatepetl\n\ntext\n"}


def damaged(rng, data):
    data = bytearray(data)
    if rng.random() < 0.4:
        del data[rng.randrange(len(data)):]
    for _ in range(rng.choice([1, 3, 30])):
        if data:
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(data)


def zipped(entries):
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return memory.getvalue()


def docx(document):
    return zipped({"word/document.xml": document})


def xlsx(sheet):
    relations = '<Relationships><Relationship Id="r1" Target="worksheets/sheet1.xml"/></Relationships>'
    return zipped({"xl/workbook.xml": '<workbook xmlns:r="r"><sheets><sheet name="s" r:id="r1"/></sheets></workbook>',
                   "xl/_rels/workbook.xml.rels": relations, "xl/worksheets/sheet1.xml": sheet})


def pdf(*objects):
    body = b"%PDF-1.4\n"
    for number, content in enumerate(objects, 1):
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    return body + b"trailer\n<</Root 1 0 R/Size %d>>\n" % (len(objects) + 1)


def bombs():
    big = b"<w:p>" + b" " * (80 << 20)
    yield "bomb.docx", docx(big)
    inner = docx(b"<a>" + b"x" * (40 << 20))
    for _ in range(5):
        inner = zipped({"word/document.xml": inner})
    yield "nested.docx", inner
    yield "many.docx", zipped({f"{i}.xml": "<a/>" for i in range(25000)})
    yield "deep.docx", docx("<a>" * 200000)
    yield "laughs.docx", docx('<!DOCTYPE a [<!ENTITY l "ha">' + "".join(
        f'<!ENTITY l{i} "{("&l%s;" % (i - 1 if i else "")) * 10}">' for i in range(10)) + "]><a>&l9;</a>")
    yield "deep.html", b"<div>" * 20000
    yield "tags.html", b"<a><b><i><table>" * 5000
    yield "cells.xlsx", xlsx('<worksheet><sheetData>' + "".join(
        f'<row r="{2**31 - 1}"><c r="XFD{2**40}" t="s"><v>{i}99999999</v></c><c r="ZZZZZZZZZZZ1"><v>1e308</v></c></row>' for i in range(500)) +
        "</sheetData></worksheet>")
    yield "cycle.pdf", pdf(b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[2 0 R 2 0 R]/Count 2147483647>>")
    yield "huge.pdf", pdf(b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
                          b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 1e9 1e9]/Contents 4 0 R>>", b"<</Length 3>>stream\n1 g\nendstream")
    yield "self.pdf", pdf(b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
                          b"<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</XObject<</X 4 0 R>>>>>>",
                          b"<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X 4 0 R>>>>/Length 5>>stream\n/X Do\nendstream")
    hwp = (root / "tests/golden/documents/paragraphs.hwp").read_bytes()
    for i in range(512, len(hwp) - 4, max(4, len(hwp) // 12 // 4 * 4)):
        yield f"length{i}.hwp", hwp[:i] + struct.pack("<I", 0xFFFFFFFF) + hwp[i + 4:]
    yield "parts.eml", b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 50000
    mail = b"Subject: x\n\ntext"
    for _ in range(300):
        mail = b"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822\n\n" + mail + b"\n--b--\n"
    yield "recursive.eml", mail
    yield "words.eml", b"Subject: " + b"=?utf-8?b?" * 20000 + b"\n\nx"
    yield "quotes.csv", b'"' * 1000001
    yield "commas.csv", b"," * 1000000
    header = struct.pack(">IIBBBBB", 100000, 100000, 8, 2, 0, 0, 0)
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    yield "wide.png", b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100000)) + chunk(b"IEND", b"")
    for name in ("wrong.pdf", "wrong.docx", "wrong.hwp", "wrong.eml", "wrong.mbox", "wrong.png", "wrong.epub"):
        yield name, random.Random(name).randbytes(5000)


def write_all(folder):
    rng = random.Random(7)
    n = 0
    for name, content in GOOD.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    for i in range(count):
        golden = goldens[i % len(goldens)]
        name = f"{i}{golden.suffix if rng.random() < 0.8 else rng.choice(goldens).suffix}"
        (folder / name).write_bytes(damaged(rng, golden.read_bytes()))
        n += 1
    for name, content in bombs():
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        n += 1
    with open(folder / "sparse.pdf", "wb") as file:
        file.truncate(4 << 30)
    os.mkfifo(folder / "pipe.pdf")
    os.symlink("nowhere", folder / "dangling.pdf")
    os.symlink("/dev/zero", folder / "device.pdf")
    (pathlib.Path(os.fsdecode(os.fsencode(folder) + b"/odd\xff\n\x1b[31m.html"))).write_bytes(b"<p>odd")
    return n + 5


def main():
    if not (ondol.parent / "ondol-reader").exists():
        print("the reader was not built")
        return 77
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary) / "documents"
        folder.mkdir()
        n = write_all(folder)
        store = str(pathlib.Path(temporary) / "s.db")
        start = time.monotonic()
        done = subprocess.run([ondol, "index", folder, "--store", store], capture_output=True, timeout=1800)
        seconds = time.monotonic() - start
        report = done.stderr.decode(errors="backslashreplace")
        assert done.returncode == 0, (done.returncode, report)
        for name, word in (("good.txt", "quetzalcoatl"), ("good.html", "axolotl"), ("good.csv", "xochimilco"), ("good.eml", "popocatepetl")):
            found = subprocess.run([ondol, "search", word, "--store", store], capture_output=True, timeout=60)
            assert name in found.stdout.decode(errors="replace"), (name, report)
        again = subprocess.run([ondol, "index", folder, "--store", store], capture_output=True, timeout=60)
        assert again.returncode == 0 and b" 0 new, 0 changed" in again.stderr, again.stderr
        database = sqlite3.connect(store)
        errors = [row[0] for row in database.execute("SELECT error FROM document WHERE error != ''")]
        ended = [error for error in errors if error.startswith("the reader")]
        print(f"{n} hostile files in {seconds:.1f} s: {len(errors)} failures, in {len(ended)} of them the reader ended: {ended}")
        print(report)
    return 0


if __name__ == "__main__":
    sys.exit(main())
