"""An MCP server over stdio that does what no server should; written by hand, so that no SDK stops it.

It works in the directory that it is started in. While a file `held` is there, it does not start.
"""

import json
import os
import signal
import sys
import time

while os.path.exists("held"):
    time.sleep(0.02)

cancelled = []
stubborn = False
extra = []


def tool(name, properties=None, **more):
    schema = {"type": "object", "properties": properties or {}}
    return {"name": name, "description": f"Does {name}.", "inputSchema": schema, **more}


def listed():
    return [
        tool("die"),
        tool("die_politely"),
        tool("hang"),
        tool("freeze"),
        tool("garbage"),
        tool("huge"),
        tool("change"),
        tool("stubborn"),
        tool("cancelled"),
        tool("pid"),
        {"name": "twice", "inputSchema": {"type": "object", "allOf": [TWICE] * 2}},
        tool("environment"),
        tool("fail"),
        tool("ask"),
        tool("ask_without_end"),
        tool("tell_without_end"),
        tool("many_values"),
        tool("double", {"n": {"type": "integer", "minimum": 1}}),
        tool("harmless", annotations={"readOnlyHint": True, "destructiveHint": False}),
        tool("twin", description="The first.\u202e\u0000"),
        tool("twin", description="The second."),
        tool("bad name"),
        {"name": "without_a_schema"},
        {"name": "bad_schema", "inputSchema": {"type": "object", "properties": {"a": {"type": 7}}}},
        {"name": "no_object", "inputSchema": {"type": "array"}},
        {"name": "dear", "inputSchema": doubling(26)},
    ] + [tool(name) for name in extra]


# Beside itself, what is in its value is looked at twice as often at each level.
TWICE = {"properties": {"a": {"$ref": "#"}}}


def doubling(levels):
    """A schema that looks at its value 2^levels times."""
    parts = {f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(levels)}
    return {"type": "object", "$ref": "#/$defs/a0", "$defs": {**parts, f"a{levels}": {}}}


def send(message):
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)


def answer(request, text, **more):
    send({"id": request["id"], "result": {"content": [{"type": "text", "text": text}], **more}})


def call(request, name, arguments):
    if name == "die":
        print("the last words", file=sys.stderr, flush=True)
        os._exit(3)
    elif name == "die_politely":
        answer(request, "dead")
        sys.exit(0)
    elif name == "hang":
        pass
    elif name == "freeze":
        while True:
            time.sleep(1)
    elif name == "garbage":
        print("Traceback (most recent call last): this is no JSON", flush=True)
        print('{"jsonrpc": "2.0", "half', flush=True)
        print('[1, 2, 3]\n{"neither": "one thing nor another"}', flush=True)
        send({"id": 987654, "result": {"content": []}})
        answer(request, "after the garbage")
    elif name == "huge":
        answer(request, "x" * 3_000_000)
    elif name == "change":
        extra.append("new")
        for _ in range(50):
            send({"method": "notifications/tools/list_changed"})
        answer(request, "changed")
    elif name == "stubborn":
        global stubborn
        stubborn = True
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        answer(request, str(os.getpid()))
    elif name == "cancelled":
        answer(request, json.dumps(cancelled))
    elif name == "pid":
        answer(request, str(os.getpid()))
    elif name == "environment":
        answer(request, " ".join(sorted(os.environ)))
    elif name == "fail":
        answer(request, "the disk is full", isError=True)
    elif name == "ask":
        send({"id": "q1", "method": "ping"})
        params = {"messages": [], "maxTokens": 1}
        send({"id": "q2", "method": "sampling/createMessage", "params": params})
        answers = [json.loads(sys.stdin.readline()) for _ in range(2)]
        answer(request, json.dumps(sorted(answers, key=lambda answer: answer["id"])))
    elif name == "ask_without_end":
        while True:
            send({"id": 1, "method": "ping"})
    elif name == "tell_without_end":
        progress = {"progressToken": 1, "progress": 1, "message": "x" * 100}
        log = {"level": "info", "data": "x" * 100}
        for _ in range(3_000):
            send({"method": "notifications/progress", "params": progress})
            send({"method": "notifications/message", "params": log})
            send({"method": "notifications/tools/list_changed"})
        answer(request, "told")
    elif name == "many_values":
        answer(request, "many", structuredContent={"a": [[] for _ in range(300_000)]})
    elif name == "double":
        answer(request, str(2 * arguments["n"]))
    else:
        answer(request, name)


def main():
    for line in sys.stdin:
        request = json.loads(line)
        method, params = request.get("method"), request.get("params") or {}
        if method == "initialize":
            version = params["protocolVersion"]
            info = {"name": "misbehaving", "version": "1"}
            capabilities = {"tools": {"listChanged": True}}
            result = {"protocolVersion": version, "capabilities": capabilities, "serverInfo": info}
            send({"id": request["id"], "result": result})
        elif method == "tools/list":
            # Three a page.
            start, tools = int(params.get("cursor") or 0), listed()
            result = {"tools": tools[start : start + 3]}
            if start + 3 < len(tools):
                result["nextCursor"] = str(start + 3)
            send({"id": request["id"], "result": result})
        elif method == "tools/call":
            call(request, params["name"], params.get("arguments") or {})
        elif method == "notifications/cancelled":
            cancelled.append(params["requestId"])
        elif "id" in request:
            error = {"code": -32601, "message": "no such method"}
            send({"id": request["id"], "error": error})


main()
while stubborn:
    time.sleep(1)
