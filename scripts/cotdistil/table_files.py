"""Tables as files: CSV for programs, Markdown for people."""

import csv
import io
from collections.abc import Collection, Iterable
from pathlib import Path


def write_csv(rows: Iterable[dict], columns: list[str], path: Path) -> int:
    """Write the rows below a header, fractions with six decimals; returns how many there are."""
    count = 0
    with path.open("w", newline="", encoding="utf-8") as file:
        file.write(",".join(columns) + "\n")
        for row in rows:
            # The writer quotes what its own line end has: so it does a carriage return in a cell.
            line = io.StringIO(newline="")
            cells = {k: f"{v:.6f}" if isinstance(v, float) else v for k, v in row.items()}
            csv.DictWriter(line, columns, lineterminator="\r\n").writerow(cells)
            file.write(line.getvalue().removesuffix("\r\n") + "\n")
            count += 1
    return count


def markdown_table(heads: list[str], rows: Iterable[list[str]], words: Collection[str]) -> str:
    """A Markdown table; the columns whose heads are in `words` are aligned left, others right."""
    rules = ["---" if head in words else "---:" for head in heads]
    head, *body = [[_cell(cell) for cell in row] for row in (heads, *rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, rules, *body))


def _cell(text: str) -> str:
    """One line, in which no character ends the cell."""
    return " ".join(text.replace("\\", "\\\\").replace("|", "\\|").splitlines())
