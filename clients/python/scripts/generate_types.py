"""Makes `src/aura_client/types.py` out of `docs/openapi.json` and `docs/asyncapi.json`.

`--check` writes nothing, and fails if what is there is not what they say.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).resolve().parents[1]
TARGET = PACKAGE / "src/aura_client/types.py"
SOURCES = ("asyncapi.json", "openapi.json")
WANTED = (
    "StartEvent ThoughtEvent PlanStepEvent PlanStepUpdateEvent TimelineStepUpdateEvent ToolExecutionEvent HitlEvent "
    "ContentEvent ErrorEvent FailedEvent EndEvent EndStatus SessionStatus SessionPage SessionDetail RequestDetails ApprovalsPage "
    "RunPage Hold HoldList SnapshotEvent AskedEvent EndorsedEvent DecidedEvent Verdict"
).split()
HEAD = '''"""What the server's documents describe.

Generated from docs/asyncapi.json and docs/openapi.json by scripts/generate_types.py: do not change it here.
"""

from __future__ import annotations

import sys
from typing import Literal, TypedDict, Union

if sys.version_info >= (3, 11):
    from typing import NotRequired
else:
    from typing_extensions import NotRequired

'''
SCALARS = {
    "string": "str",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "null": "None",
    "object": "dict[str, object]",
}
Schema = dict[str, Any]


def schemas() -> dict[str, Schema]:
    """Those of both documents. Where both have a name, it has to mean the same."""
    found: dict[str, Schema] = {}
    for source in SOURCES:
        document = json.loads((PACKAGE / "../../docs" / source).read_text())
        for name, schema in document["components"]["schemas"].items():
            if found.setdefault(name, schema) != schema:
                sys.exit(f"{name} is described in two ways")
    return found


class Generator:
    """Writes each definition once, after those that it names at once."""

    def __init__(self, definitions: dict[str, Schema]) -> None:
        self.definitions = definitions
        self.written: dict[str, str] = {}

    def define(self, name: str) -> None:
        if name not in self.written:
            self.written[name] = ""
            text = self.definition(name, self.definitions[name])
            # Once more at the end: what it names comes before it.
            del self.written[name]
            self.written[name] = text

    def definition(self, name: str, schema: Schema) -> str:
        if "properties" in schema:
            return self.typed_dict(name, schema)
        about = schema.get("description")
        return f"{name} = {self.type_of(name, schema)}\n" + (docstring(about, "") if about else "")

    def typed_dict(self, name: str, schema: Schema) -> str:
        required = set(schema.get("required", ()))
        lines = [f"class {name}(TypedDict):\n", docstring(schema.get("description", name), "    ")]
        for field, of in schema["properties"].items():
            kind = self.type_of(name + field[0].upper() + field[1:], of)
            lines.append(f"    {field}: {kind if field in required else f'NotRequired[{kind}]'}\n")
            if "description" in of:
                lines.append(docstring(of["description"], "    "))
        return "".join(lines)

    def type_of(self, name: str, schema: Schema) -> str:
        """`name`: what an object is called that has none of its own."""
        if "$ref" in schema:
            target = str(schema["$ref"]).rsplit("/", 1)[1]
            self.define(target)
            return target
        for key in ("anyOf", "oneOf"):
            if key in schema:
                return union([self.type_of(f"{name}{at}", choice) for at, choice in enumerate(schema[key], 1)])
        if "const" in schema or "enum" in schema:
            values = schema["enum"] if "enum" in schema else [schema["const"]]
            return f"Literal[{', '.join(repr(value) for value in values)}]"
        if "properties" in schema:
            self.definitions[name] = schema
            self.define(name)
            return name
        kinds = schema.get("type", "any")
        return union([self.simple(name, kind, schema) for kind in ([kinds] if isinstance(kinds, str) else kinds)])

    def simple(self, name: str, kind: str, schema: Schema) -> str:
        if kind == "array":
            return f"list[{self.type_of(f'{name}Item', schema.get('items', {}))}]"
        return SCALARS.get(kind, "object")


def union(kinds: list[str]) -> str:
    kinds = list(dict.fromkeys(kinds))
    return kinds[0] if len(kinds) == 1 else f"Union[{', '.join(kinds)}]"


def docstring(text: str, indent: str) -> str:
    lines = " ".join(text.replace("\\", "\\\\").split("\n\n")[0].split())
    return f'{indent}"""{lines}"""\n'


def generated() -> str:
    generator = Generator(schemas())
    for name in WANTED:
        generator.define(name)
    return HEAD + "\n\n".join(f"{text}" for text in generator.written.values())


if __name__ == "__main__":
    if "--check" not in sys.argv:
        TARGET.write_text(generated())
    elif TARGET.read_text() != generated():
        sys.exit("src/aura_client/types.py is not what docs/ says: python scripts/generate_types.py")
