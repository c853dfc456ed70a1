"""Where labels go beside points so that nothing overlaps."""

from collections.abc import Iterator, Sequence

Box = tuple[float, float, float, float]
"""Left, bottom, right, top."""


def place_labels(
    points: Sequence[tuple[float, float]],
    sizes: Sequence[tuple[float, float]],
    obstacles: Sequence[Box],
    bounds: Box,
    clearance: float,
) -> list[tuple[float, float]] | None:
    """The lower left corner of each label, or None if one of them finds no free place.

    `points`: what the labels name, shape (labels, 2). `sizes`: width and height of the labels.
    `obstacles`: what no label may cover, the marks of the points included. `clearance`: distance
    from a point to its label. All lengths in one unit, such as pixels.

    Greedy: the label with the fewest free places goes first, to the nearest of them.
    """
    free = [
        [
            box
            for box in _candidates(point, size, clearance)
            if _inside(box, bounds) and not any(_overlap(box, other) for other in obstacles)
        ]
        for point, size in zip(points, sizes, strict=True)
    ]
    corners: dict[int, tuple[float, float]] = {}
    placed: list[Box] = []
    for label in sorted(range(len(points)), key=lambda label: (len(free[label]), label)):
        box = next((b for b in free[label] if not any(_overlap(b, p) for p in placed)), None)
        if box is None:
            return None
        placed.append(box)
        corners[label] = box[:2]
    return [corners[label] for label in range(len(points))]


def _candidates(
    point: tuple[float, float], size: tuple[float, float], clearance: float
) -> Iterator[Box]:
    """Places around a point, best first; none so far away that another point would seem meant."""
    (x, y), (width, height) = point, size
    for distance in (clearance, 1.6 * clearance):
        right, left = x + distance, x - distance - width
        above, below = y + distance, y - distance - height
        middle = y - height / 2
        for corner in (
            (right, middle),
            (left, middle),
            (right, middle + 0.7 * height),
            (right, middle - 0.7 * height),
            (left, middle + 0.7 * height),
            (left, middle - 0.7 * height),
            (right, above),
            (right, below),
            (left, above),
            (left, below),
            (x - width / 2, above),
            (x - width / 2, below),
        ):
            yield (*corner, corner[0] + width, corner[1] + height)


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _inside(box: Box, bounds: Box) -> bool:
    return (
        box[0] >= bounds[0] and box[1] >= bounds[1] and box[2] <= bounds[2] and box[3] <= bounds[3]
    )
