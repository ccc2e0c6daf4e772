"""Write `docs/openapi.json` and the page made of it: `python -m tools.openapi`.

The document is the one that a running service answers. The page is plain HTML with nothing from
another host; a test fails when either is not what this would write.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from chalicelib.entrypoints.http.openapi import document, document_text

ROOT: Final = Path(__file__).resolve().parent.parent
DOCUMENT: Final = ROOT / "docs" / "openapi.json"
PAGE: Final = ROOT / "docs" / "openapi.html"

_STYLE: Final = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid #8888; padding-bottom: .25rem; }
code, pre { font: .875rem/1.45 ui-monospace, monospace; }
pre { overflow-x: auto; padding: .75rem; border: 1px solid #8888; border-radius: .375rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0; }
tr { border-bottom: 1px solid #8884; }
"""


def page(described: Mapping[str, Any]) -> str:
    """Return the page of a document."""
    info = described["info"]
    parts = [
        f"<h1>{_text(info['title'])} {_text(info['version'])}</h1>",
        f"<p>{_text(info['description'])}</p>",
        "<nav aria-label='Calls'><ul>",
        *(
            f"<li><a href='#{operation['operationId']}'><code>{method.upper()} {_text(path)}</code>"
            f"</a> {_text(operation['summary'])}</li>"
            for method, path, operation in _operations(described)
        ),
        "</ul></nav>",
    ]
    for method, path, operation in _operations(described):
        parts += _operation(method, path, operation)
    parts.append("<h2 id='schemas'>Schemas</h2>")
    for name, schema in described["components"]["schemas"].items():
        parts.append(f"<h3 id='{name}'>{name}</h3><pre>{_json(schema)}</pre>")
    body = "\n".join(parts)
    return (
        "<!doctype html>\n<html lang='en'>\n<meta charset='utf-8'>\n"
        "<meta name='viewport' content='width=device-width'>\n"
        f"<title>{_text(info['title'])}</title>\n<style>{_STYLE}</style>\n<main>\n{body}\n</main>\n"
        "</html>\n"
    )


def _operations(described: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            if method != "head":
                yield method, path, operation


def _operation(method: str, path: str, operation: Mapping[str, Any]) -> Iterator[str]:
    yield f"<h2 id='{operation['operationId']}'><code>{method.upper()} {_text(path)}</code></h2>"
    yield f"<p>{_text(operation['summary'])}.</p>"
    if operation["parameters"]:
        yield "<table><thead><tr><th>Parameter<th>In<th>What</thead><tbody>"
        for parameter in operation["parameters"]:
            yield (
                f"<tr><td><code>{_text(parameter['name'])}</code><td>{parameter['in']}"
                f"<td>{_text(parameter['description'])}"
            )
        yield "</tbody></table>"
    if "requestBody" in operation:
        yield "<h3>Request</h3>" + _content(operation["requestBody"]["content"])
    yield "<h3>Answers</h3><table><thead><tr><th>Status<th>What</thead><tbody>"
    for status, response in operation["responses"].items():
        yield f"<tr><td>{status}<td>{_text(response['description'])}"
    yield "</tbody></table>"
    success = next(iter(operation["responses"].values()))
    yield _content(success.get("content", {}))


def _content(content: Mapping[str, Any]) -> str:
    return "".join(
        f"<pre>{_json(example['value'])}</pre>"
        for media in content.values()
        for example in media.get("examples", {}).values()
    )


def _json(value: object) -> str:
    return _text(json.dumps(value, indent=2, ensure_ascii=False))


def _text(text: str) -> str:
    return html.escape(text, quote=False)


def main() -> None:
    """Write both files."""
    DOCUMENT.write_text(document_text() + "\n")
    PAGE.write_text(page(document()))


if __name__ == "__main__":
    main()
