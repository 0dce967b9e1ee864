"""Parsers in C, C++ and Rust."""

import lxml.etree
import orjson
import pydantic


class Row(pydantic.BaseModel):
    id: int
    body: str


def main():
    kept = b"x" * (32 << 20)  # holds 32 MiB
    body = "x" * (1 << 20)
    objects = [{"id": n, "body": body} for n in range(3)]
    document = orjson.dumps(objects)  # heap holds 15.85 MiB: its buffer, as malloc has it
    rows = orjson.loads(document)
    models = [Row.model_validate_json(orjson.dumps(rows[0])) for _ in range(4)]
    tree = lxml.etree.fromstring(b"<rows>" + b"<row>text</row>" * 50_000 + b"</rows>")
    print(len(rows), models[0].id, len(tree), tree.xpath("count(//row)"), len(kept))


main()
