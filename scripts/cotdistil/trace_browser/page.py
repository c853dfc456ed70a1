"""The page of one training set, written trace by trace.

The traces lie in it in blocks, each compressed, which the browser opens when they are looked at or
searched; an index of one short entry per trace comes after them.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from cotdistil.static_page import escape_text, fill_template, json_in_script, style_and_script
from cotdistil.trace_browser.account import Account

FOLDER = Path(__file__).parent
SCRIPTS = (
    *("elements.js", "blocks.js", "view.js", "search.js"),
    *("verdicts.js", "steps.js", "trace.js", "list.js", "filters.js", "page.js"),
)
BLOCK_TRACES = 50
BLOCK_CHARACTERS = 1_000_000
QUESTION_CHARACTERS = 140


def write_page(
    path: Path, title: str, account: Account, pruned: bool, traces: Iterable[dict]
) -> int:
    """Write the page; returns how many traces it shows. Only one block is held in memory."""
    shown: list[dict] = []
    sizes: list[tuple[int, int]] = []
    parts = style_and_script([FOLDER / "page.css"], [FOLDER / name for name in SCRIPTS])
    parts |= {
        "title": escape_text(title),
        "blocks": _blocks(traces, shown, sizes),
        "index": _index(title, account, pruned, shown, sizes),
    }
    template = (FOLDER / "page.html").read_text(encoding="utf-8")
    with path.open("w", encoding="utf-8") as file:
        file.writelines(fill_template(template, parts))
    return len(shown)


def _blocks(
    traces: Iterable[dict], shown: list[dict], sizes: list[tuple[int, int]]
) -> Iterator[str]:
    """The blocks as elements; fills `shown` with entries of the index, `sizes` with the traces and
    the characters of each block.
    """
    block: list[str] = []
    characters = 0
    for trace in traces:
        shown.append(_entry(trace))
        block.append(_json(trace))
        characters += len(block[-1])
        if len(block) == BLOCK_TRACES or characters >= BLOCK_CHARACTERS:
            yield _block(block, sizes)
            block, characters = [], 0
    if block:
        yield _block(block, sizes)


def _json(trace: dict) -> str:
    # ASCII: half of a surrogate pair, which UTF-8 cannot write, is an escape like any other.
    shown = {name: value for name, value in trace.items() if name != "response"}
    return json.dumps(shown, ensure_ascii=True, separators=(",", ":"))


def _block(traces: list[str], sizes: list[tuple[int, int]]) -> str:
    text = f"[{','.join(traces)}]"
    sizes.append((len(traces), len(text)))
    packed = base64.b64encode(gzip.compress(text.encode("ascii"), mtime=0)).decode("ascii")
    return f'<script type="application/octet-stream" class="block">{packed}</script>\n'


def _entry(trace: dict) -> dict:
    kept = trace["kept"]
    question = " ".join(trace["question"].split())
    return {
        "row": trace["row"],
        "id": trace["id"],
        "question": question[:QUESTION_CHARACTERS],
        "characters": len(trace["response"]),
        "tokens": trace["tokens"],
        "tokens_after": trace["tokens_after"],
        "steps": len(trace["steps"]),
        "kept_steps": None if kept is None else sum(end - start for start, end in kept),
        "reason": trace["reason"],
        "verdict": trace["verdict"],
    }


def _index(
    title: str, account: Account, pruned: bool, shown: list[dict], sizes: list[tuple[int, int]]
) -> Iterator[str]:
    """The index, made when the blocks before it are written."""
    yield json_in_script(
        {
            "title": title,
            "pruned": pruned,
            "rows": account.rows,
            "rows_left": account.rows_left,
            "tokens_before": account.tokens_before,
            "tokens_after": account.tokens_after,
            "reasons": dict(account.reasons.most_common()),
            "blocks": [traces for traces, _ in sizes],
            "block_characters": [characters for _, characters in sizes],
            "traces": shown,
        }
    )
