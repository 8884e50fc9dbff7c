"""The Python SDK, configured to be as quick and as small as it can be.

`server.py ADDRESS [json|sse]`; it prints the address that it listens on, and serves until its
standard input ends. Both eras; `json` (the default) or `sse` says how they are answered.
"""

import asyncio
import gc
import logging
import os
import socket
import sys
import threading

import mcp_types as types
import uvicorn
import uvloop
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings

# What `test_simple_text` answers in the official conformance suite.
TEXT = "This is a simple text response for testing."

TOOLS = {
    "test_simple_text": types.Tool(
        name="test_simple_text",
        description="A constant text",
        input_schema={"type": "object"},
    ),
    "text": types.Tool(
        name="text",
        description="A text of so many bytes",
        input_schema={
            "type": "object",
            "properties": {"bytes": {"type": "integer", "minimum": 0}},
            "required": ["bytes"],
        },
    ),
}


async def list_tools(_context, _params):
    return types.ListToolsResult(tools=list(TOOLS.values()))


async def call_tool(_context, params):
    if params.name == "test_simple_text":
        text = TEXT
    elif params.name == "text":
        text = "x" * (params.arguments or {})["bytes"]
    else:
        raise ValueError("no such tool")
    return types.CallToolResult(content=[types.TextContent(type="text", text=text)])


def input_schema(name):
    tool = TOOLS.get(name)
    return tool and tool.input_schema


def manager(json_response: bool) -> StreamableHTTPSessionManager:
    # The low-level server: no model is built of a tool's arguments. With the schema looked up here,
    # a call of 2026-07-28 does not list all tools to check its `Mcp-Param-*` headers.
    server = Server(
        "peer-python",
        version="1.0.0",
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        get_tool_input_schema=input_schema,
    )
    # Spans that nobody collects.
    server.middleware.clear()
    return StreamableHTTPSessionManager(
        app=server,
        json_response=json_response,
        max_sessions=None,
        # What the SDK's own application sets when it serves a loopback address.
        security_settings=TransportSecuritySettings(
            enable_dns_rebinding_protection=True,
            allowed_hosts=["127.0.0.1:*", "localhost", "localhost:*", "[::1]:*"],
            allowed_origins=["http://127.0.0.1:*", "http://localhost:*", "http://[::1]:*"],
        ),
    )


async def serve(listener: socket.socket, json_response: bool) -> None:
    sessions = manager(json_response)

    # The manager is the whole application: one endpoint needs no router.
    async def application(scope, receive, send):
        await sessions.handle_request(scope, receive, send)

    async with sessions.run():
        # What was imported is not walked again by the collector.
        gc.collect()
        gc.freeze()
        await uvicorn.Server(
            uvicorn.Config(
                application,
                http="httptools",
                ws="none",
                lifespan="off",
                interface="asgi3",
                access_log=False,
                log_config=None,
                log_level="critical",
                proxy_headers=False,
                server_header=False,
                timeout_keep_alive=600,
            )
        ).serve(sockets=[listener])


def until_input_ends() -> None:
    # Not `sys.stdin`: its lock would be held while the interpreter shuts down.
    while os.read(0, 4096):
        pass
    os._exit(0)


def main() -> None:
    host, _, port = sys.argv[1].rpartition(":")
    mode = sys.argv[2] if len(sys.argv) > 2 else "json"
    if mode not in ("json", "sse"):
        sys.exit(f"{mode} is no mode: json or sse")
    logging.disable(logging.CRITICAL)
    listener = socket.create_server((host, int(port)), backlog=4096)
    print("{}:{}".format(*listener.getsockname()), flush=True)
    threading.Thread(target=until_input_ends, daemon=True).start()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(listener, mode == "json"))


if __name__ == "__main__":
    main()
