"""`trace_browser`: pages to read the traces of training sets in."""

from pydantic import Field

from cotdistil.config.types import Positive, Section


class TraceBrowser(Section):
    """A page for each training set, results/EXPERIMENT/traces/RECIPE.html: what was kept and cut,
    and every verdict. Nothing else depends on it."""

    traces: Positive | None = Field(
        1000, description="most traces on a page, evenly spread over the set; null: all of them"
    )
