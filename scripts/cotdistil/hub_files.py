"""Files of a data set on the Hugging Face hub, at one pinned revision, in the hub's own cache.

`HF_ENDPOINT`, `HF_HOME`, `HF_TOKEN` and `HF_HUB_OFFLINE` work as everywhere else: the list of files
and small files come through huggingface_hub, and what is fetched lies where it looks for it. Large
files are fetched here, because huggingface_hub (2.4) starts a file anew in each process.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cotdistil.errors import UserError

if TYPE_CHECKING:
    from huggingface_hub.hf_api import RepoFile

CARD_FILES = ("README.md", ".huggingface.yaml", "dataset_infos.json")
_TRIES_WITHOUT_PROGRESS = 5
_SECONDS_BETWEEN_TRIES = 1.0
_SECONDS_BETWEEN_LINES = 10.0


class HubFiles:
    """The files of `dataset` at `revision`, a full commit hash.

    names: paths of all files in the repository. snapshot: the folder of the cache that shows the
    files that are here; the card's files are. tell: gets a line for each file that is fetched.
    Raises `UserError` if the hub does not show the data set, or is not reached and the list of its
    files is not in the cache.
    """

    def __init__(self, dataset: str, revision: str, tell: Callable[[str], None]):
        from huggingface_hub import get_cached_repo_tree, snapshot_download

        self.dataset, self.revision, self.tell = dataset, revision, tell
        self.where = f"the data set {dataset} at revision {revision}"
        with self._faults_for_a_user("the list of its files"):
            folder = snapshot_download(
                dataset, repo_type="dataset", revision=revision, allow_patterns=list(CARD_FILES)
            )
            tree = get_cached_repo_tree(dataset, repo_type="dataset", revision=revision)
        self.snapshot = Path(folder)
        self._storage = self.snapshot.parents[1]
        self._files: dict[str, RepoFile] = {file.path: file for file in tree}
        self.names = list(self._files)

    def fetch(self, name: str) -> Path:
        """Where the file `name` lies, whole and checked; downloads what is not there yet.

        Raises `UserError`, after removing the file from the cache, if it is damaged.
        """
        path = self.snapshot / name
        with self._faults_for_a_user(name):
            if not path.exists():
                self._download(name)
            elif path.is_symlink():
                self._check(name, path.resolve(), path.readlink().name)
            else:
                self._check(name, path, "")
        return path

    def _download(self, name: str) -> None:
        from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url
        from huggingface_hub.utils import WeakFileLock

        url = hf_hub_url(self.dataset, name, repo_type="dataset", revision=self.revision)
        etag = get_hf_file_metadata(url, retry_on_errors=True).etag
        if not etag:
            raise UserError(
                f"{self.where}: the hub states no ETag for {name}; check HF_ENDPOINT, which must be"
                " a hub or a mirror of one"
            )
        blob = self._storage / "blobs" / etag
        lock = self._storage.parent / ".locks" / self._storage.name / f"{etag}.lock"
        for file in (blob, lock):
            file.parent.mkdir(parents=True, exist_ok=True)
        with WeakFileLock(lock):
            if not blob.exists():
                part = blob.with_name(f"{etag}.incomplete")
                self._fetch_rest(name, url, part)
                self._check(name, part, etag)
                part.replace(blob)
        # The file is whole: this only has the cache's folder of the revision show it.
        hf_hub_download(self.dataset, name, repo_type="dataset", revision=self.revision)

    def _fetch_rest(self, name: str, url: str, part: Path) -> None:
        """Append to `part` what it lacks; a connection that breaks is taken up again."""
        from huggingface_hub.utils import httpx

        part.touch()
        size, have, tries = self._files[name].size, part.stat().st_size, 0
        here = f", {_amount(have)} of it are here" if have else ""
        self.tell(f"fetching {name} ({_amount(size)}{here})")
        while have < size:
            fault = None
            try:
                self._append(name, url, part)
            except httpx.TransportError as error:
                fault = error
            before, have = have, part.stat().st_size
            if have >= size:
                break
            tries = 1 if have > before else tries + 1
            if tries == _TRIES_WITHOUT_PROGRESS:
                raise fault or httpx.RemoteProtocolError("the answer ends too early")
            self.tell(f"the connection broke at {_amount(have)} of {name}; going on from there")
            time.sleep(_SECONDS_BETWEEN_TRIES)

    def _append(self, name: str, url: str, part: Path) -> None:
        """Ask for what comes behind the bytes of `part` and append it as it comes."""
        from huggingface_hub import constants
        from huggingface_hub.utils import build_hf_headers, hf_raise_for_status, http_stream_backoff

        # Bytes of a compressed answer would not be those that the range counts.
        headers = {**build_hf_headers(), "Accept-Encoding": "identity"}
        if have := part.stat().st_size:
            headers["Range"] = f"bytes={have}-"
        timeout = constants.HF_HUB_DOWNLOAD_TIMEOUT
        with http_stream_backoff(
            "GET", url, headers=headers, timeout=timeout, retry_on_exceptions=()
        ) as response:
            hf_raise_for_status(response)
            told = time.monotonic()
            # A server may ignore the range and send the whole file.
            with part.open("ab" if response.status_code == 206 else "wb") as file:
                for piece in response.iter_bytes():
                    file.write(piece)
                    if time.monotonic() - told > _SECONDS_BETWEEN_LINES:
                        told = time.monotonic()
                        size = _amount(self._files[name].size)
                        self.tell(f"{_amount(file.tell())} of {size} of {name}")

    def _check(self, name: str, file: Path, etag: str) -> None:
        """Compare with what the hub states: the size, and the content where it names a hash of it,
        which is sha256 for a file in LFS and git's for others."""
        size, expected, found = file.stat().st_size, "", ""
        if len(etag) == 64:
            expected, found = f" with the sha256 {etag}", f" with the sha256 {_sha256(file)}"
        elif etag == self._files[name].blob_id:
            expected, found = f" with git's hash {etag}", f" with git's hash {_git_hash(file)}"
        if (size, found) == (self._files[name].size, expected):
            return
        file.unlink()
        (self.snapshot / name).unlink(missing_ok=True)
        raise UserError(
            f"{self.where}: {name} is damaged: found {size} bytes{found}; expected"
            f" {self._files[name].size} bytes{expected}; it was removed from the cache; run again"
            " to fetch it anew"
        )

    @contextlib.contextmanager
    def _faults_for_a_user(self, what: str) -> Iterator[None]:
        """Turn what huggingface_hub raises into a `UserError`.

        Nothing that a server wrote goes into the message: it could repeat the token.
        """
        from huggingface_hub.errors import CachedRepoTreeNotFoundError, LocalEntryNotFoundError
        from huggingface_hub.utils import httpx

        try:
            yield
        except (OSError, ValueError, httpx.HTTPError, CachedRepoTreeNotFoundError) as error:
            if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
                raise
            cause = error.__cause__ if isinstance(error, LocalEntryNotFoundError) else None
            raise UserError(f"{self.where}: {self._fault(what, cause or error)}") from error

    def _fault(self, what: str, error: BaseException) -> str:
        from huggingface_hub import constants, errors, get_token
        from huggingface_hub.utils import httpx

        hub = urlsplit(constants.ENDPOINT).netloc.rpartition("@")[2]
        token = "HF_TOKEN" if get_token() else "no HF_TOKEN"
        match error:
            case errors.OfflineModeIsEnabled():
                return (
                    f"{what} is not in the cache {constants.HF_HUB_CACHE}, and HF_HUB_OFFLINE is"
                    " set; expected it there; run once without HF_HUB_OFFLINE, or set HF_HOME to"
                    " the cache that has it"
                )
            case errors.GatedRepoError():
                return (
                    f"access is gated, and was refused with {token}; ask for access on its page at"
                    f" {hub}, and set HF_TOKEN to a token of the account that got it"
                )
            case errors.RepositoryNotFoundError():
                return (
                    f"{hub} shows no such data set to a request with {token}; check the id, and set"
                    " HF_TOKEN if the data set is private"
                )
            case errors.RevisionNotFoundError():
                return (
                    f"{hub} has the data set but not this revision; expected the full hash of one"
                    " of its commits; take it from the data set's page, under 'Files', 'History'"
                )
            case errors.HfHubHTTPError() if error.response.status_code in (401, 403):
                return (
                    f"{hub} refused a request with {token} (HTTP {error.response.status_code});"
                    " check that HF_TOKEN is valid and may read this data set"
                )
            case errors.HfHubHTTPError():
                return (
                    f"{hub} answered the request for {what} with HTTP"
                    f" {error.response.status_code}; run again later; what was fetched stays"
                )
            case httpx.TransportError() | errors.CachedRepoTreeNotFoundError():
                return (
                    f"{what} is not in the cache, and {hub} was not reached, or broke off each time"
                    f" ({type(error).__name__}); check the network and HF_ENDPOINT, and run again:"
                    " what was fetched stays"
                )
            case errors.HFValidationError():
                return "this is no id of a data set; expected one such as openai/gsm8k"
            case OSError() if error.filename:
                return f"{error.filename}: {error.strerror}; check HF_HOME, where the cache is"
        return (
            f"{hub} answered the request for {what} with something that is not the hub's protocol"
            f" ({type(error).__name__}); check HF_ENDPOINT"
        )


def _sha256(file: Path) -> str:
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _git_hash(file: Path) -> str:
    started = hashlib.sha1(f"blob {file.stat().st_size}\0".encode())
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, lambda: started).hexdigest()


def _amount(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.1f} kB"
