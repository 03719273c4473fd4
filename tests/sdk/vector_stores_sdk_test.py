#!/usr/bin/env python3
"""Vector stores and file_search of OpenAI's own Python client against `ondol serve` with the sample model. Exit status
77: the client is not installed.

usage: vector_stores_sdk_test.py ONDOL SOURCE_DIR
"""
import io
import json
import pathlib
import sys
import tempfile
import unittest

try:
    import openai
except ImportError as error:
    print(f"skipped: {error}; install it with: ./test sdk")
    sys.exit(77)

from served import KEY, Server

ONDOL, SOURCE = sys.argv[1:3]
BUILT = "The lighthouse of Hallasan bay was built in 1908."
LIGHTHOUSE = f"# Lighthouse\n\n{BUILT}\n\nIts lamp turns once in twelve seconds.\n"
WARRANTY = "# 보증\n\n세탁기의 보증 기간은 24개월입니다.\n"


class VectorStores(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.server = Server(ONDOL, f"{SOURCE}/examples/sample.gguf", "--data-dir",
                            pathlib.Path(cls.temporary.name) / "data", "--api-key", "other=other-key")
        cls.client = openai.OpenAI(base_url=f"{cls.server.url}/v1", api_key=KEY, max_retries=0, timeout=120)
        cls.stores = cls.client.vector_stores

    @classmethod
    def tearDownClass(cls):
        cls.client.close()
        cls.server.stop()
        cls.temporary.cleanup()

    def upload(self, name, text):
        return self.client.files.create(file=(name, io.BytesIO(text.encode())), purpose="assistants")

    def filled(self, *texts, **fields):
        """A store, and the files that are in it."""
        store = self.stores.create(**fields)
        files = [self.upload(name, text) for name, text in texts]
        for file in files:
            placed = self.stores.files.create_and_poll(file.id, vector_store_id=store.id, poll_interval_ms=50)
            self.assertEqual(placed.status, "completed", placed.last_error)
        return store, files

    def check(self, thing):
        """As the client's own types have it: nothing that the API documents is missing or of another type."""
        type(thing).model_validate(thing.model_dump(by_alias=True))
        return thing

    def test_stores(self):
        store = self.check(self.stores.create(name="notes", description="of a walk", metadata={"team": "a"},
                                              expires_after={"anchor": "last_active_at", "days": 3}))
        self.assertEqual((store.object, store.name, store.status), ("vector_store", "notes", "completed"))
        self.assertEqual(store.expires_at - store.last_active_at, 3 * 86400)
        self.assertEqual(self.check(self.stores.retrieve(store.id)), store)
        changed = self.stores.update(store.id, name="new", metadata={"team": "b"}, expires_after=None)
        self.assertEqual((changed.name, changed.metadata, changed.expires_after), ("new", {"team": "b"}, None))
        self.assertIn(store.id, [other.id for other in self.stores.list()])
        deleted = self.check(self.stores.delete(store.id))
        self.assertEqual((deleted.id, deleted.deleted), (store.id, True))
        with self.assertRaises(openai.NotFoundError) as missing:
            self.stores.retrieve(store.id)
        self.assertIn(store.id, missing.exception.body["message"])

    def test_pages(self):
        made = [self.stores.create(name=str(i)).id for i in range(5)]
        seen = [store.id for store in self.stores.list(limit=2) if store.id in made]  # asks for all the pages
        self.assertEqual(seen, made[::-1])
        seen = [store.id for store in self.stores.list(limit=2, order="asc") if store.id in made]
        self.assertEqual(seen, made)
        with self.assertRaises(openai.BadRequestError) as refused:
            self.stores.list(limit=0)
        self.assertEqual(refused.exception.param, "limit")

    def test_files(self):
        store, (bay, warranty) = self.filled(("bay.md", LIGHTHOUSE), ("warranty.md", WARRANTY))
        files = self.stores.files
        self.assertEqual({file.id for file in files.list(store.id, limit=1)}, {bay.id, warranty.id})
        self.assertEqual(list(files.list(store.id, filter="failed")), [])
        placed = self.check(files.retrieve(bay.id, vector_store_id=store.id))
        self.assertEqual((placed.object, placed.status, placed.last_error), ("vector_store.file", "completed", None))
        self.assertEqual(placed.usage_bytes, len(LIGHTHOUSE.encode()))
        changed = files.update(bay.id, vector_store_id=store.id, attributes={"year": 1908, "open": True})
        self.assertEqual(changed.attributes, {"year": 1908, "open": True})
        content = list(files.content(bay.id, vector_store_id=store.id))
        self.assertEqual(content[0].text, LIGHTHOUSE)
        self.assertEqual(self.client.files.content(bay.id).read().decode(), LIGHTHOUSE)
        counts = self.stores.retrieve(store.id).file_counts
        self.assertEqual((counts.completed, counts.total), (2, 2))
        self.assertTrue(self.check(files.delete(bay.id, vector_store_id=store.id)).deleted)
        self.assertEqual([file.id for file in files.list(store.id)], [warranty.id])
        self.assertEqual(list(self.stores.search(store.id, query="lighthouse")), [])
        with self.assertRaises(openai.NotFoundError):
            files.retrieve(bay.id, vector_store_id=store.id)

    def test_what_cannot_be_read(self):
        store = self.stores.create()
        broken = self.upload("broken.pdf", "%PDF-1.7\nnothing")
        placed = self.stores.files.create_and_poll(broken.id, vector_store_id=store.id, poll_interval_ms=50)
        self.assertEqual((placed.status, placed.last_error.code), ("failed", "invalid_file"))
        self.assertTrue(placed.last_error.message)
        self.check(placed)
        with self.assertRaises(openai.BadRequestError) as refused:
            self.stores.files.create(vector_store_id=store.id, file_id="file-none")
        self.assertEqual(refused.exception.param, "file_id")
        with self.assertRaises(openai.BadRequestError) as refused:
            self.stores.create(expires_after={"anchor": "last_active_at", "days": 1000})
        self.assertEqual(refused.exception.param, "expires_after.days")

    def test_batches(self):
        store = self.stores.create()
        batches = self.stores.file_batches
        ids = [self.upload(f"{i}.txt", f"walrus {i}").id for i in range(3)]
        batch = self.check(batches.create_and_poll(vector_store_id=store.id, file_ids=ids, poll_interval_ms=50,
                                                   attributes={"kind": "walrus"}))
        self.assertEqual((batch.status, batch.file_counts.completed), ("completed", 3))
        self.assertEqual(batches.retrieve(batch.id, vector_store_id=store.id), batch)
        placed = list(batches.list_files(batch.id, vector_store_id=store.id, limit=2))
        self.assertEqual({file.id for file in placed}, set(ids))
        self.assertEqual({file.attributes["kind"] for file in placed}, {"walrus"})
        loaded = batches.upload_and_poll(store.id, files=[("a.txt", b"one seal"), ("b.txt", b"two seals")],
                                         poll_interval_ms=50)
        self.assertEqual(loaded.file_counts.completed, 2)
        self.assertEqual({found.filename for found in self.stores.search(store.id, query="seal")}, {"a.txt", "b.txt"})
        self.check(batches.cancel(batch.id, vector_store_id=store.id))
        with self.assertRaises(openai.NotFoundError):
            batches.retrieve("vsfb_none", vector_store_id=store.id)

    def test_chunking(self):
        long = "\n\n".join(f"Paragraph {i} tells of the harbour and its ferries, at some length." for i in range(100))
        file = self.upload("long.txt", long)
        static = {"type": "static", "static": {"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 50}}
        store = self.stores.create(file_ids=[file.id], chunking_strategy=static)
        placed = self.stores.files.poll(file.id, vector_store_id=store.id, poll_interval_ms=50)
        self.assertEqual(placed.chunking_strategy.static.max_chunk_size_tokens, 100)
        self.check(placed)
        found = list(self.stores.search(store.id, query="ferries", max_num_results=50))
        self.assertGreater(len(found), 10)
        self.assertLessEqual(max(len(piece.content[0].text) for piece in found), 400)
        whole = self.stores.files.create_and_poll(file.id, vector_store_id=store.id, chunking_strategy={"type": "auto"},
                                                  poll_interval_ms=50)
        self.assertEqual(whole.status, "completed")
        self.assertLess(len(list(self.stores.search(store.id, query="ferries", max_num_results=50))), len(found))
        with self.assertRaises(openai.BadRequestError) as refused:
            self.stores.files.create(vector_store_id=store.id, file_id=file.id, chunking_strategy={
                "type": "static", "static": {"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 51}})
        self.assertEqual(refused.exception.param, "chunking_strategy.static.chunk_overlap_tokens")

    def test_search(self):
        store = self.stores.create()
        for i, year in enumerate((2020, 2022, None)):
            self.stores.files.create_and_poll(self.upload(f"{i}.txt", f"walrus number {i}").id, poll_interval_ms=50,
                                              vector_store_id=store.id, attributes={"year": year} if year else {})
        found = self.check(self.stores.search(store.id, query="walrus"))
        self.assertEqual(len(found.data), 3)
        for piece in found.data:
            self.assertTrue(0 < piece.score <= 1)
            self.assertIn("walrus", piece.content[0].text)
        self.assertEqual(len(self.stores.search(store.id, query=["walrus", "number"], max_num_results=2).data), 2)
        newer = self.stores.search(store.id, query="walrus", filters={"type": "gt", "key": "year", "value": 2021})
        self.assertEqual([piece.attributes["year"] for piece in newer], [2022])
        some = {"type": "or", "filters": [{"type": "eq", "key": "year", "value": 2020},
                                          {"type": "in", "key": "year", "value": [2022, 2023]}]}
        self.assertEqual(len(self.stores.search(store.id, query="walrus", filters=some).data), 2)
        best = max(piece.score for piece in found.data)
        above = self.stores.search(store.id, query="walrus",
                                   ranking_options={"ranker": "auto", "score_threshold": min(1, best + 0.01)})
        self.assertEqual(len(above.data), 0 if best < 1 else len(found.data))
        weighed = self.stores.search(store.id, query="walrus", rewrite_query=True, ranking_options={
            "hybrid_search": {"embedding_weight": 1, "text_weight": 3}})
        self.assertEqual(len(weighed.data), 3)
        with self.assertRaises(openai.BadRequestError) as refused:
            self.stores.search(store.id, query="x", filters={"type": "like", "key": "a", "value": 1})
        self.assertEqual(refused.exception.param, "filters.type")

    def test_another_key_sees_nothing(self):
        store, (file,) = self.filled(("bay.md", LIGHTHOUSE))
        other = self.client.with_options(api_key="other-key")
        with self.assertRaises(openai.NotFoundError):
            other.vector_stores.retrieve(store.id)
        self.assertNotIn(store.id, [each.id for each in other.vector_stores.list()])
        with self.assertRaises(openai.BadRequestError):
            other.vector_stores.create(file_ids=[file.id])
        with self.assertRaises(openai.NotFoundError):
            self.respond(store, client=other)

    # file_search

    def respond(self, store, client=None, **fields):
        """A first round that must search, and an answer that is BUILT in quotation marks."""
        fields = {"model": "sample", "input": "When was the lighthouse built?", "temperature": 0,
                  "max_output_tokens": 500, "max_tool_calls": 1, "tool_choice": {"type": "file_search"},
                  "tools": [{"type": "file_search", "vector_store_ids": [store.id], "max_num_results": 5}],
                  "text": {"format": {"type": "json_schema", "name": "x", "schema": {"const": BUILT}}}, **fields}
        return (client or self.client).responses.create(**fields)

    def searched(self):
        """A store with a file in which the model's own query is found, whatever that is."""
        store = self.stores.create()
        query = self.respond(store).output[0].queries[0]
        file = self.upload("bay.md", f"{LIGHTHOUSE}\n{query}\n")
        self.stores.files.create_and_poll(file.id, vector_store_id=store.id, poll_interval_ms=50)
        return store, file

    def test_file_search(self):
        store, file = self.searched()
        response = self.check(self.respond(store, include=["file_search_call.results"]))
        call, message = response.output
        self.assertEqual((call.type, call.status), ("file_search_call", "completed"))
        self.assertEqual(call.results[0].file_id, file.id)
        self.assertEqual(json.loads(response.output_text), BUILT)
        note = message.content[0].annotations[0]
        self.assertEqual((note.type, note.file_id, note.filename), ("file_citation", file.id, "bay.md"))
        self.assertEqual(note.index, len(response.output_text))
        # The place, as a page shows it.
        place = note.ondol
        shown = self.client.get(f"/vector_stores/{store.id}/files/{file.id}/text"
                                f"?start={place['start']}&end={place['end']}", cast_to=object)
        self.assertEqual(shown["place"]["quote"], place["quote"])
        self.assertIn("1908", place["quote"])
        without = self.respond(store)
        self.assertIsNone(without.output[0].results)
        then = self.client.responses.create(model="sample", input="And then?", previous_response_id=response.id,
                                            max_output_tokens=4)
        self.assertIn(then.status, ("completed", "incomplete"))
        sent_back = [{"role": "user", "content": "When?"}, *[item.model_dump() for item in response.output],
                     {"role": "user", "content": "And then?"}]
        self.client.responses.create(model="sample", input=sent_back, max_output_tokens=4, store=False)

    def test_file_search_streaming(self):
        store, file = self.searched()
        types, annotations = [], []
        for event in self.respond(store, stream=True):
            types.append(event.type)
            if event.type == "response.output_text.annotation.added":
                annotations.append(event.annotation)
        places = [types.index(f"response.file_search_call.{each}") for each in ("in_progress", "searching", "completed")]
        self.assertEqual(places, sorted(places))
        self.assertEqual(types[-1], "response.completed")
        self.assertEqual(annotations[0].file_id, file.id)
        with self.client.responses.stream(
                model="sample", input="When?", temperature=0, max_output_tokens=500, max_tool_calls=1,
                tools=[{"type": "file_search", "vector_store_ids": [store.id]}],
                tool_choice={"type": "file_search"}) as stream:
            final = stream.until_done().get_final_response()
        self.assertEqual(final.output[0].type, "file_search_call")
        self.assertEqual(final.output[-1].type, "message")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
