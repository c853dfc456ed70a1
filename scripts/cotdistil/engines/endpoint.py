"""Where an OpenAI-compatible endpoint is and which key it wants, as the environment says."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from cotdistil.errors import UserError

ERROR_CHARS = 300


@dataclass(frozen=True)
class Endpoint:
    """Where requests go, and the names of the environment variables that say so."""

    base_url: str
    key: str = field(repr=False)
    base_url_variable: str
    key_variable: str

    def without_key(self, text: str) -> str:
        """`text` in one short line that can be written, without the key, which some repeat."""
        text = " ".join(text.encode("utf-8", "replace").decode("utf-8").split())
        if self.key:
            text = text.replace(self.key, f"[{self.key_variable}]")
        return text if len(text) <= ERROR_CHARS else text[:ERROR_CHARS] + "…"


def read_endpoint(base_url_variable: str, key_variable: str) -> Endpoint:
    """Raises `UserError` if the base URL is missing or is none, or if the key cannot be sent."""
    base_url = os.environ.get(base_url_variable, "").strip()
    example = f"for example 'export {base_url_variable}=http://127.0.0.1:8000/v1'"
    if not base_url:
        raise UserError(
            f"the environment variable {base_url_variable} is not set; expected the base URL of an"
            f" OpenAI-compatible endpoint; set it, {example}"
        )
    try:
        parts = urlsplit(base_url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    # Both may hold a secret, and would stand in logs with the URL.
    if not usable or parts.username or parts.password or parts.query:
        raise UserError(
            f"the environment variable {base_url_variable}: found something else than the base URL"
            f" of an endpoint; expected http:// or https://, a host and a path, without a user name"
            f" or a query (a key belongs in {key_variable}); set it, {example}"
        )
    key = os.environ.get(key_variable, "").strip()
    if not key.isascii() or not key.isprintable() or " " in key:
        raise UserError(
            f"the environment variable {key_variable}: found characters that no HTTP header can"
            " hold; expected a key in one line of plain letters, digits and signs; set it again"
        )
    return Endpoint(base_url, key, base_url_variable, key_variable)
