"""Whether two quantities can be the same: a unit may be missing, but it may not differ."""

import re

from cotdistil.grading.values.units import Quantity

# behind a number, these make another number of it, or deny it; "3 more" does, "3 more apples" not
CHANGING = re.compile(
    r"\A(?:(?:dozen|gross|pair|lakh|crore|hundred|thousand|million|billion|trillion|grand)s?"
    r"|(?:tenth|hundredth|thousandth|millionth)s?|squared|cubed|factorial|plus|minus|over)\b"
    r"|\A(?:half|halves|(?:third|fifth|sixth|seventh|eighth|ninth)s?|negative|less|more|fewer)\Z"
    r"|\b(?:or (?:more|less|fewer)|at (?:least|most)|not|wrong)\b"
    r"|\btimes (?:smaller|larger|bigger|greater|less|more|fewer)\b"
)


def quantities_conflict(left: Quantity, right: Quantity) -> bool:
    """Two known units that differ; unknown words that share none; words that change the number.

    Unknown words beside a known unit conflict too: 3 boxes are not 3 cm.
    """
    if left.unit is not None and right.unit is not None:
        return bool(left.unit and right.unit and left.unit != right.unit)
    if left.unit is None and right.unit is None:
        shared = _stems(left.words) & _stems(right.words)
        changing = [CHANGING.search(each.words) for each in (left, right)]
        return not shared or bool(changing[0]) != bool(changing[1])
    unknown, other = (left, right) if left.unit is None else (right, left)
    return bool(other.unit) or CHANGING.search(unknown.words) is not None


def _stems(words: str) -> set[str]:
    return {word.rstrip("s") for word in re.findall(r"[^\s()]+", words)}
