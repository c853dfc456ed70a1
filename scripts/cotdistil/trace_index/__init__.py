"""The table of contents over the pages in which training sets are read."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

from typing_extensions import TypedDict

from cotdistil.static_page import escape_text, fill_template, style_and_script

FOLDER = Path(__file__).parent


class BrowserRecord(TypedDict):
    """What is read of the record of a page."""

    rows: int
    shown: int
    rows_left: int
    reasons: dict[str, int]
    dropped: dict[str, int]
    tokens_before: int
    tokens_after: int


def write_index(path: Path, pages: Sequence[dict], records: Sequence[BrowserRecord]) -> None:
    """Write the table, a row per page.

    pages: `title` and `file`, the page's name beside this one. records: those of the browsers.
    """
    parts = style_and_script([FOLDER / "page.css"], [])
    rows = (row for each in zip(pages, records, strict=True) for row in _row(*each))
    template = (FOLDER / "page.html").read_text(encoding="utf-8")
    with path.open("w", encoding="utf-8") as file:
        file.writelines(fill_template(template, {**parts, "rows": rows}))


def _row(page: dict, record: BrowserRecord) -> Iterator[str]:
    title, link = escape_text(page["title"]), escape_text(quote(page["file"]))
    yield f'<tr><th scope="row"><a href="{link}">{title}</a></th>'
    yield f"<td>{record['rows']:,}</td><td>{record['shown']:,}</td>"
    if record["reasons"]:
        yield f"<td>{record['rows_left']:,}</td><td>{_share(record)}</td>"
        yield f'<td class="reasons">{_reasons(record)}</td>'
    else:
        yield '<td>–</td><td>–</td><td class="reasons">not pruned</td>'
    yield "</tr>\n"


def _share(record: BrowserRecord) -> str:
    before, after = record["tokens_before"], record["tokens_after"]
    return f"{100 * after / before:.0f} %" if before else "–"


def _reasons(record: BrowserRecord) -> str:
    dropped = record["dropped"]
    items = []
    for reason, number in record["reasons"].items():
        gone = dropped.get(reason, 0)
        words = "" if not gone else " (dropped)" if gone == number else f" ({gone:,} dropped)"
        items.append(f"<li>{escape_text(reason)}: {number:,}{words}</li>")
    return f"<ul>{''.join(items)}</ul>"
