#!/usr/bin/env python3
"""The official Python library of the Agent Client Protocol as an editor of Ondol's agent.

Usage: acp_sdk_test.py ONDOL SOURCE. Exit status 77: the library, or a sandbox, is not here."""
import asyncio
import os
import sys
import tempfile

try:
    import acp
    from acp import schema
except ImportError as error:
    print(f"skipped: {error}; install it with: ./test sdk")
    sys.exit(77)


class Editor(acp.Client):
    def __init__(self):
        self.updates = []

    async def session_update(self, session_id, update, **_):
        self.updates.append(update)

    async def request_permission(self, options, session_id, tool_call, **_):
        return schema.RequestPermissionResponse(outcome=schema.DeniedOutcome(outcome="cancelled"))


async def take_up(ondol, arguments, environment, folder, session):
    """Another process, as after the editor was closed: what was said is told again."""
    editor = Editor()
    async with acp.spawn_agent_process(editor, ondol, *arguments, env=environment) as (agent, _):
        begun = await agent.initialize(protocol_version=1)
        assert begun.agent_capabilities.load_session, begun
        await agent.load_session(cwd=folder, session_id=session, mcp_servers=[])
        said = [one.content.text for one in editor.updates if one.session_update == "user_message_chunk"]
        assert said == ["Say hello"], editor.updates
        for wrong, place in (("none", folder), (session, "/tmp")):
            try:
                await agent.load_session(cwd=place, session_id=wrong, mcp_servers=[])
                raise AssertionError(f"{wrong} was loaded in {place}")
            except acp.RequestError:
                pass
    print("taken up again")


async def talk(ondol, source, folder):
    editor = Editor()
    environment = {**os.environ, "ONDOL_HOME": folder, "LC_ALL": "C.UTF-8"}
    arguments = ["acp", "--model", f"{source}/examples/sample.gguf", "--data-dir", folder, "-t", "2"]
    async with acp.spawn_agent_process(editor, ondol, *arguments, env=environment) as (agent, _):
        begun = await agent.initialize(protocol_version=1, client_capabilities=schema.ClientCapabilities(
            fs=schema.FileSystemCapabilities(read_text_file=True, write_text_file=True), terminal=True))
        assert begun.protocol_version == 1, begun
        assert begun.agent_capabilities.mcp_capabilities.http, begun
        try:
            session = await agent.new_session(cwd=folder, mcp_servers=[])
        except acp.RequestError as error:
            print(f"skipped: {error}")
            sys.exit(77)
        try:
            done = await agent.prompt(session_id=session.session_id, prompt=[acp.text_block("Say hello")])
            assert done.stop_reason in ("end_turn", "max_tokens", "max_turn_requests"), done
            said = [one for one in editor.updates if one.session_update == "agent_message_chunk"]
            print(f"{done.stop_reason}, {len(said)} pieces of text")
        except acp.RequestError as error:
            # The sample's context is smaller than what an agent needs; that must be said.
            assert "context" in str(error) or "template" in str(error), error
            print(f"told: {error}")
        try:
            await agent.prompt(session_id="none", prompt=[acp.text_block("x")])
            raise AssertionError("a session that there is not was accepted")
        except acp.RequestError:
            pass
    await take_up(ondol, arguments, environment, folder, session.session_id)


def main():
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(talk(*sys.argv[1:3], folder))


if __name__ == "__main__":
    main()
