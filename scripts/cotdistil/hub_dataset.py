"""Rows of a data set on the Hugging Face hub, at one pinned revision, one at a time.

Which files make up a split is left to `datasets`: it knows the card's configurations and the
layouts that do without one. The files come one by one, when their rows are asked for, and stay in
the hub's cache; no second copy is made of them.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

from cotdistil.errors import UserError
from cotdistil.hub_files import CARD_FILES, HubFiles
from cotdistil.local_table import require_columns

if TYPE_CHECKING:
    from datasets import DatasetBuilder

_FORMATS = ("parquet", "json", "csv", "arrow")
_SPLIT = re.compile(r"(?P<name>\w[\w.-]*)(\[(?P<first>\d*):(?P<last>\d*)\])?")
_BATCH_ROWS = 128
_BUFFER_BYTES = 1 << 20


def hub_rows(
    dataset: str,
    revision: str,
    config: str | None,
    split: str,
    columns: Sequence[str],
    tell: Callable[[str], None],
) -> Iterator[dict]:
    """Rows of one split as dicts of `columns`; a list in a cell comes as a list.

    dataset: id on the hub. revision: full commit hash. config: the data set's own configuration;
    None is its default. split: a split's name, rows of it as in `train[:1000]`, or several joined
    by `+`. tell: gets a line for each file that is fetched.
    Memory does not grow with the data set, unless a file is one JSON list.

    The columns are checked before this returns. Raises `UserError` then, or from the iterator where
    a later file cannot be fetched or read.
    """
    files = HubFiles(dataset, revision, tell)
    builder, names = _resolve(files, config)
    parts = []
    for name, first, last in _parts(split, list(names), files.where):
        rows = _rows(files, builder, names[name], list(dict.fromkeys(columns)))
        begun = list(islice(rows, 1))
        parts.append(islice(chain(begun, rows), first, last))
    return chain.from_iterable(parts)


def _resolve(files: HubFiles, config: str | None) -> tuple[DatasetBuilder, dict[str, list[str]]]:
    """The builder that reads the configuration's files, and the files of each of its splits.

    `datasets` goes by the card and by names, so it is shown a folder of empty files: the answer is
    the same with and without a network.
    """
    from datasets import get_dataset_config_names, load_dataset_builder

    script = f"{files.dataset.rpartition('/')[2]}.py"
    if script in files.names:
        raise UserError(
            f"{files.where}: is made by the script {script}, which is not run; expected files such"
            " as parquet; take the last commit of its branch refs/convert/parquet for `revision`"
        )
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary).resolve() / "repository"
        for name in files.names:
            file = folder / name
            if file.resolve().is_relative_to(folder):
                file.parent.mkdir(parents=True, exist_ok=True)
                file.touch()
        for name in set(CARD_FILES) & set(files.names):
            shutil.copyfile(files.fetch(name), folder / name)
        configs: list[str] = []
        try:
            configs = get_dataset_config_names(str(folder))
            builder = load_dataset_builder(str(folder), config, cache_dir=temporary)
        except Exception as error:  # what a card can hold fails in `datasets` in many ways
            raise UserError(_unresolved(files, config, configs, error, folder)) from error
        found = {
            str(split): [Path(name).resolve() for name in paths]
            for split, paths in (builder.config.data_files or {}).items()
        }
    strange = [path for paths in found.values() for path in paths if folder not in path.parents]
    if strange:
        raise UserError(
            f"{files.where}: its card names files outside of it, such as {strange[0]}; they are"
            " not read; take another data set"
        )
    if _format(builder) not in _FORMATS:
        raise UserError(
            f"{files.where}: its files are read as '{_format(builder)}'; expected one of"
            f" {', '.join(_FORMATS)}; take another configuration or data set"
        )
    return builder, {
        split: [path.relative_to(folder).as_posix() for path in paths]
        for split, paths in found.items()
    }


def _unresolved(
    files: HubFiles, config: str | None, configs: list[str], error: Exception, folder: Path
) -> str:
    there_are = ", ".join(map(repr, configs))
    if configs and config is not None and config not in configs:
        return f"{files.where} has no configuration {config!r}; there are {there_are}; take one"
    if len(configs) > 1 and config is None:
        return f"{files.where} has the configurations {there_are}; set `config` to one of them"
    reason = (str(error) or type(error).__name__).splitlines()[0]
    return (
        f"{files.where}: found no files to read by its card or their names"
        f" ({reason.replace(str(folder), files.dataset)}); expected parquet, JSON lines, JSON or"
        " CSV; take another configuration or data set"
    )


def _parts(
    split: str, names: list[str], where: str
) -> Iterator[tuple[str, int | None, int | None]]:
    """Name, first row and row behind the last, for each part of the split that is asked for."""
    for part in split.split("+"):
        match = _SPLIT.fullmatch(part.strip())
        if match is None:
            raise UserError(
                f"{where}: found the split {split!r}; expected a name, or rows of one such as"
                " train[:1000] or train[1000:], or several joined by '+'; change it in the config"
            )
        if match["name"] not in names:
            raise UserError(
                f"{where} has no split {match['name']!r}; there are"
                f" {', '.join(map(repr, names))}; change it in the config"
            )
        first, last = (int(row) if row else None for row in match.group("first", "last"))
        yield match["name"], first, last


def _rows(
    files: HubFiles, builder: DatasetBuilder, names: list[str], columns: list[str]
) -> Iterator[dict]:
    """The rows of the files `names`, in their order. Raises `UserError` if a column is missing."""
    of_file = _parquet_rows if _format(builder) == "parquet" else _other_rows
    for name in names:
        path, where = files.fetch(name), f"{files.where}: {name}"
        try:
            yield from of_file(path, builder, columns, where)
        except (OSError, ValueError, NotImplementedError, EOFError) as error:
            reason = (str(error) or type(error).__name__).splitlines()[0]
            raise UserError(
                f"{where} could not be read as {_format(builder)} ({reason}); it is as the hub has"
                " it; take another data set, or a mended copy"
            ) from error


def _parquet_rows(
    path: Path, builder: DatasetBuilder, columns: list[str], where: str
) -> Iterator[dict]:
    """Not through `datasets`, which holds a whole row group: that can be the whole file."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path, pre_buffer=False, buffer_size=_BUFFER_BYTES) as table:
        require_columns(table.schema_arrow.names, columns, where)
        for batch in table.iter_batches(_BATCH_ROWS, columns=columns, use_threads=False):
            yield from batch.to_pylist()


def _other_rows(
    path: Path, builder: DatasetBuilder, columns: list[str], where: str
) -> Iterator[dict]:
    builder.config.data_files = {"train": [str(path)]}
    table = builder.as_streaming_dataset("train")
    if table.features:
        require_columns(table.column_names, columns, where)
        # A column that the card calls an image or a sound is not to be opened as one.
        yield from table.select_columns(columns).decode(False)
        return
    for row in table:
        require_columns(list(row), columns, where)
        yield {name: row[name] for name in columns}


def _format(builder: DatasetBuilder) -> str:
    """Such as "parquet", from the module of `datasets` that reads the files."""
    return type(builder).__module__.rpartition(".")[2]
