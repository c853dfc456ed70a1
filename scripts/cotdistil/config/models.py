"""`models`: where each model comes from."""

from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag

from cotdistil.config.types import Revision, Section, Text


class PackagedModel(Section):
    """A model inside an installed Python package, as a GGUF file."""

    package: Text = Field(description="Python package that carries the model")
    version: Text = Field(description="the package's version; another one installed is an error")
    gguf: Text = Field(description="file name of the GGUF file inside the package")


class HubModel(Section):
    """A model on the Hugging Face hub, at one pinned revision."""

    hub: Text = Field(description="hub id, such as Qwen/Qwen2.5-1.5B-Instruct")
    revision: Revision = Field(
        description="full commit hash of the revision; a branch name would not be reproducible"
    )


class LocalModel(Section):
    """A model in a folder of this machine: config.json, safetensors, tokenizer."""

    folder: Text = Field(description="path of the folder, relative to the project's root")


def _model_source(value: Any) -> str | None:
    keys = value if isinstance(value, dict) else getattr(value, "__dict__", {})
    found = [key for key in ("package", "hub", "folder") if key in keys]
    return found[0] if found else None


Model = Annotated[
    Annotated[PackagedModel, Tag("package")]
    | Annotated[HubModel, Tag("hub")]
    | Annotated[LocalModel, Tag("folder")],
    Discriminator(_model_source),
]
