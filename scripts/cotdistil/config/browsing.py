"""`trace_browser`: pages to read the traces of training sets in."""

from pydantic import Field

from cotdistil.config.types import Positive, Section


class TraceBrowser(Section):
    """A page for each training set, results/EXPERIMENT/traces/RECIPE.html, or RECIPE.STUDENT.html
    where the students' sets differ: what was kept and cut, and every verdict. Nothing else depends
    on it."""

    traces: Positive | None = Field(
        1000,
        description="most traces on a page, evenly spread over the set; null: all of them, and the "
        "file grows with the set, by about 7 MB per 1,000 traces of 14,000 characters each",
    )
