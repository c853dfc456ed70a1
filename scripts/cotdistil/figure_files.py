"""What all figures share: their colours, and how they are written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# The palette of Okabe and Ito without its yellow, which is too pale for lines, and four of
# Paul Tol's "muted": the colour-blind can tell them apart.
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"]
COLOURS += ["#882255", "#332288", "#999933", "#AA4499"]


def save_figure(figure: Figure, folder: Path, name: str) -> None:
    """Write the figure as PNG and SVG, the same bytes for the same drawing."""
    import matplotlib

    with matplotlib.rc_context({"svg.hashsalt": name}):
        figure.savefig(folder / f"{name}.svg", metadata={"Date": None, "Creator": None})
    figure.savefig(folder / f"{name}.png", dpi=200, metadata={"Software": None})
