"""The official SDK's client at our server, over a real pipe: one agent's way from the list of tools to a completed session.

    mcp_client.py PROGRAM MODE ID HELD

in a clone. ID is planned with the criterion AC-1, HELD is somebody else's. MODE is the SDK's: auto asks for the newest
protocol, legacy shakes hands as clients did before. Ends with 0 and a line that begins with `done`.
"""

import asyncio
import json
import os
import subprocess
import sys

import mcp
from mcp import Client, MCPError, StdioServerParameters


async def call(client, tool, arguments, fails=False):
    result = await client.call_tool(tool, arguments)
    assert result.is_error == fails, (tool, result)
    assert json.loads(result.content[0].text) == result.structured_content, result
    return result.structured_content


async def way(client, session, held):
    tools = (await client.list_tools()).tools
    assert len(tools) == 10 and all(tool.name.startswith("session_") for tool in tools), tools
    assert [t.name for t in tools if t.annotations.destructive_hint] == ["session_release", "session_complete"], tools

    listed = await call(client, "session_list", {"state": ["planned"]})
    assert session in [one["id"] for one in listed["sessions"]], listed
    claimed = await call(client, "session_claim", {"id": session})
    checkout = claimed["claims"][0]["checkout"]
    noted = await call(client, "session_log", {"id": session, "text": "- begun", "type": "progress"})
    assert noted["type"] == "progress", noted

    for arguments, code, status in (
        ({"id": held}, "held", 3),
        ({"id": session, "force": True}, "usage", 2),
        ({"id": "--force"}, "bad_id", 2),
    ):
        error = await call(client, "session_claim", arguments, fails=True)
        assert (error["code"], error["exit"]) == (code, status) and error["message"], error
    try:
        await client.call_tool("session_trust", {})
        raise AssertionError("there is no such tool")
    except MCPError as error:
        assert error.code == -32602, error

    uris = [str(one.uri) for one in (await client.list_resources()).resources]
    assert f"session://{session}/brief" in uris and "session://board" in uris, uris
    brief = (await client.read_resource(f"session://{session}/brief")).contents[0]
    assert brief.mime_type == "text/markdown" and session in brief.text and "begun" in brief.text, brief

    with open(os.path.join(checkout, f"{session}.txt"), "w", encoding="utf-8") as file:
        file.write("done\n")
    for words in (["add", "--all"], ["commit", "--quiet", "--message", "the work"]):
        subprocess.run(["git", "-C", checkout, *words], check=True)
    error = await call(client, "session_complete", {"id": session}, fails=True)
    assert (error["code"], error["exit"]) == ("criteria_open", 5) and error["hint"], error
    met = {"id": session, "status": "met", "criteria": ["AC-1"], "evidence": "the file is there"}
    await call(client, "session_criteria", met)
    done = await call(client, "session_complete", {"id": session, "summary": "the work is done"})
    assert done["state"] == "completed" and not os.path.exists(checkout), done


async def main(program, mode, session, held):
    server = StdioServerParameters(command=program, args=["mcp", "--as", f"python-{mode}"], env=dict(os.environ))
    async with Client(server, mode=mode, read_timeout_seconds=60) as client:
        await way(client, session, held)
        print("done over protocol", client.session.protocol_version)


asyncio.run(main(*sys.argv[1:]))
