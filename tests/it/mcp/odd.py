"""An MCP server over stdio that answers as odd servers do; written by hand, so that no SDK stops it.

Each tool answers with the bytes that stand in ANSWERS under its name, `ID` replaced by the call's id.
"""

import json
import sys

ANSWERS = {
    "error_null": b'{"jsonrpc":"2.0","id":ID,"result":{"content":[{"type":"text","text":"ok"}]},"error":null}',
    "error_text": b'{"jsonrpc":"2.0","id":ID,"error":"disk full"}',
    "error_beside_null": b'{"jsonrpc":"2.0","id":ID,"result":null,"error":{"code":"ENOSPC","message":"disk full"}}',
    "error_without_words": b'{"jsonrpc":"2.0","id":ID,"error":{"code":-32000,"data":"disk full"}}',
    "neither": b'{"jsonrpc":"2.0","id":ID,"result":null,"error":null}',
    "no_version": b'{"id":"ID","result":{"content":[{"type":"text","text":"ok"}]}}',
    "not_a_number": b'{"jsonrpc":"2.0","id":ID,"result":{"content":[{"type":"text","text":"ok"}],"structuredContent":{"n":NaN}}}',
    "not_utf8": b'{"jsonrpc":"2.0","id":ID,"result":{"content":[{"type":"text","text":"caf\xe9"}]}}',
    "half": b'{"jsonrpc":"2.0","id":ID,"result":{"content":[{"type":"text","text":"a\\ud83d"}]}}',
    "marked": b'\xef\xbb\xbf{"jsonrpc":"2.0","id":ID,"result":{"content":[{"type":"text","text":"ok"}]}}',
    "batch": b'[{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}},{"jsonrpc":"2.0","id":ID,"result":{"content":[{"type":"text","text":"ok"}]}}]',
    "video": b'{"jsonrpc":"2.0","id":ID,"result":{"content":[{"type":"text","text":"ok"},{"type":"video","uri":"https://a/b.mp4"},{"type":"resource_link","uri":"file:///c"},null]}}',
    "broken": b'{"jsonrpc":"2.0","id":ID,"result":{"content":[{"type":"text","te',
    "noise": b'Traceback (most recent call last):\n  KeyError: "answer"',
    "same": b'{"jsonrpc":"2.0","id":ID,"result":{"content":[{"type":"text","text":"ok"},{"type":"text","text":"ok"}]}}',
    "spelled": b'{"jsonrpc":"2.0","id":ID,"result":{"content":[{"type":"text","text":"{\\"b\\": 1.0, \\"a\\": 2}"}],"structuredContent":{"a":2,"b":1}}}',
    "bare": b'{"jsonrpc":"2.0","id":ID,"result":"ok"}',
    "twice": b'{"jsonrpc":"2.0","id":ID,"result":{"content":[{"type":"text","text":"ok"}],"structuredContent":{"result":"ok"}}}',
}

SCHEMAS = {
    "schema_object": {"type": "object"},
    "schema_closed": {"type": "object", "additionalProperties": False},
    "schema_ref": {
        "$ref": "#/$defs/Args",
        "$defs": {"Args": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}},
    },
    "schema_any": {
        "anyOf": [
            {"properties": {"a": {"type": "string"}}, "required": ["a"]},
            {"properties": {"b": {"type": "string"}}, "required": ["b"]},
        ]
    },
    "schema_endless": {"$ref": "#"},
}


def send(message):
    sys.stdout.buffer.write(message + b"\n")
    sys.stdout.buffer.flush()


def answer(request, result):
    send(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}).encode())


for line in sys.stdin:
    request = json.loads(line)
    method, params = request.get("method"), request.get("params") or {}
    if method == "initialize":
        info = {"name": "odd", "version": "1"}
        version = params["protocolVersion"]
        answer(request, {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": info})
    elif method == "tools/list":
        tools = [{"name": name, "inputSchema": {"type": "object"}} for name in ANSWERS]
        tools += [{"name": name, "inputSchema": schema} for name, schema in SCHEMAS.items()]
        answer(request, {"tools": tools})
    elif method == "tools/call" and params["name"] in ANSWERS:
        send(ANSWERS[params["name"]].replace(b"ID", str(request["id"]).encode()))
    elif method == "tools/call":
        text = json.dumps(params.get("arguments"))
        answer(request, {"content": [{"type": "text", "text": text}]})
    elif "id" in request:
        error = {"code": -32601, "message": "no such method"}
        send(json.dumps({"jsonrpc": "2.0", "id": request["id"], "error": error}).encode())
