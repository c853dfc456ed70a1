"""A model on the Hugging Face hub, at one pinned revision.

`HF_ENDPOINT`, `HF_HOME`, `HF_TOKEN` and `HF_HUB_OFFLINE` work as everywhere else.
"""

from cotdistil.errors import UserError
from cotdistil.job import Job

_FILES = ("*.json", "*.safetensors", "*.jinja", "*.model", "merges.txt", "vocab.txt")


def fetch(job: Job) -> str:
    """Download the revision into `job.staging`; goes on from what is in `job.work`."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    hub_id, revision = job.params["hub"], job.params["revision"]
    try:
        snapshot_download(
            hub_id, revision=revision, allow_patterns=list(_FILES), local_dir=job.work / "model"
        )
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise UserError(
            f"the model '{hub_id}' at revision {revision} could not be fetched from the hub:"
            f" {str(error).splitlines()[0] if str(error) else type(error).__name__}; check the id"
            " and the revision, the network, and HF_TOKEN for a gated model"
        ) from error
    for pattern in _FILES:
        for file in (job.work / "model").glob(pattern):
            file.rename(job.staging / file.name)
    return f"{hub_id}@{revision}"
