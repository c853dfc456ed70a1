"""One HTML file that needs no server and no network, made of a template and parts.

A template has `{{name}}` where a part goes. The page's policy lets nothing load and nothing run but
the one style sheet and the one script that it was made with: untrusted text in it stays text, also
if it were written into the markup by mistake.
"""

import base64
import hashlib
import html
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

COLOURS = Path(__file__).with_name("colours.css")
_PART = re.compile(r"\{\{(\w+)\}\}")


def fill_template(template: str, parts: dict[str, str | Iterable[str]]) -> Iterator[str]:
    """The page, piece by piece; a part may be made while it is written.

    Raises KeyError if the template names a part that is not there.
    """
    text = True
    for piece in _PART.split(template):
        part = piece if text else parts[piece]
        if isinstance(part, str):
            yield part
        else:
            yield from part
        text = not text


def style_and_script(style_files: Iterable[Path], script_files: Iterable[Path]) -> dict[str, str]:
    """The parts `style`, `script` and `policy` (the page's Content-Security-Policy)."""
    style, script = _together([COLOURS, *style_files]), _together(script_files)
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)};"
        " base-uri 'none'; form-action 'none'"
    )
    return {"style": style, "script": script, "policy": policy}


def escape_text(text: str) -> str:
    """Text as HTML shows it, in an element or in a quoted attribute."""
    return html.escape(text, quote=True)


def json_in_script(value: object) -> str:
    """JSON that can stand in a script element: ASCII, and no tag can begin or end in it."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")


def _together(files: Iterable[Path]) -> str:
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
