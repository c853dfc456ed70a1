"""What to say of a file of the store that cannot be read, or that is not as its stage writes it."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from cotdistil.errors import UserError


def broken(path: Path, found: str, made: str = "it") -> UserError:
    """The error about a file of an artefact, in its folder `stage/key`.

    found: what was found in it, and what was expected. made: what is to be made again.
    """
    address = "/".join(path.parts[-3:-1])
    remedy = f"make {made} again: clean_store.py --remake {address}"
    return UserError(f"{path}: {' '.join(found.split())}; {remedy}")


@contextlib.contextmanager
def may_be_broken(path: Path, *errors: type[Exception]) -> Iterator[None]:
    """Raises `UserError` about `path` for an error of reading it: OSError, ValueError, `errors`."""
    try:
        yield
    except (OSError, ValueError, *errors) as error:
        words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise broken(path, f"found {words}; expected a file that can be read") from error
