"""A server of the official SDK over streamable HTTP; says its port, a free one unless one is given."""

import socket
import sys

import uvicorn
from mcp.server import MCPServer
from mcp.server.mcpserver import Image

server = MCPServer("over-http")


@server.tool()
def add(a: int, b: int) -> dict[str, int]:
    """Adds two numbers."""
    return {"sum": a + b}


@server.tool()
def picture() -> Image:
    """A picture."""
    return Image(data=b"\x89PNG" * 512, format="png")


def guarded(app):
    """Lets nobody in without the header that was configured."""

    async def guard(scope, receive, send):
        if scope["type"] == "http" and (b"x-key", b"hunter2") not in scope["headers"]:
            await send({"type": "http.response.start", "status": 403, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        await app(scope, receive, send)

    return guard


port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
listening = socket.socket()
listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listening.bind(("127.0.0.1", port))
print(listening.getsockname()[1], flush=True)
app = guarded(server.streamable_http_app())
uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listening])
