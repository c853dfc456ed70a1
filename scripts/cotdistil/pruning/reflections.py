"""Second looks at what was said: where they begin, and which of them change nothing."""

import re

REFLECTION = re.compile(
    r"\W{0,4}(?:(?:but|oh|no|and|ok|okay|so|hmm+|now)\b[,.\s]{1,3})?"
    r"(?:wait\b|hmm+\b|hold on\b|alternatively\b|actually\b|on second thought\b|"
    r"another (?:way|approach|method)\b|let(?:'s|’s| me| us)(?: \w+)? "
    r"(?:double[- ]?check|check|verify|re-?check|re-?verify|re-?consider|re-?examine|re-?think|"
    r"think again|try again|go over|see if|make sure|confirm)\b|"
    r"double[- ]?check|to double[- ]?check\b|just to (?:be sure|check|verify|confirm)\b|"
    r"is that (?:right|correct)\b)",
    re.IGNORECASE,
)
"""What a sentence or line begins with that opens a reflection."""
_ALTERNATIVE = re.compile(r"\W*(?:(?:but|or|and|so|hmm+)\W+)?(?:alternatively|another)\b", re.I)
_DENIAL = re.compile(
    r"\W*(?:(?:but|oh|and|ok|okay|so|hmm+|now|wait|hold on|actually|yeah)\b\W+){0,4}"
    r"no\b(?:\W*$|\W*[,.;:!?—–-]| (?:wait|actually|it|that|this|the|i)\b)",
    re.IGNORECASE,
)
"""A beginning that takes back what stands before it: "Wait, no, it is 42"."""
_UNFOUND = re.compile(
    r"(?:n['’]t|\b(?:not|no|nothing|never|without|avoid\w*|any|possible|easy to|sometimes|if|"
    r"whether|in case))\b(?:(?!\b(?:because|since|as|so|but|which)\b)[^,.;:?!\n]){0,40}\b"
    r"(?:mistake[ns]?|errors?|wrong(?:ly)?|incorrect(?:ly)?|forgot\w*|missed|misread|overlooked|"
    r"misunderstood|misinterpreted|contradictions?|discrepanc\w+)\b",
    re.IGNORECASE,
)
"""Faults that are named but not found: "to make sure that I didn't make a mistake"."""
_SLIP = re.compile(
    r"\b(?:mistake[ns]?|errors?|wrong(?:ly)?|incorrect(?:ly)?|redo|instead|actually|oops|"
    r"scratch that|my bad|correcti(?:on|ng))\b|\blet(?: me|['’]s) (?:correct|fix)\b|"
    r"\bI(?:['’]ve| have| had)?(?: \w+){0,2} (?:forgot(?:ten)?|missed|misread|overlooked|"
    r"misunderstood|misinterpreted|miscalculated|miscounted|mixed up|messed up|skipped)\b|"
    r"\bshould(?:n['’]t| not)? have\b|\bshould(?:n['’]t| not) be\b|"
    r"\b(?:it|that|this|they|there|which) should be\b",
    re.IGNORECASE,
)
_MISFIT = re.compile(
    r"\b(?:impossible|invalid|contradict\w*|conflict(?:s|ing)?|inconsisten\w+|discrepancy|"
    r"mismatch)\b|\bnot \$?\d|(?:\b(?:not|cannot|no longer)|n['’]t) (?:"
    r"be(?= (?:right|correct|true|possible|accurate|valid|the case|because|since)\b|[.,;:!?]|\s*$)|"
    r"(?:seem |look |sound |quite |really |exactly )?"
    r"(?:right|correct|possible|true|valid|match|fit|equal|agree|hold|work|what|exact(?:ly)?)\b|"
    r"make (?:any )?sense|add up|divide evenly)|(?:perhaps|maybe|probably) not(?=\s*(?:[.,;!?]|$))|"
    r"\btoo (?:low|high|small|large|big)\b",
    re.IGNORECASE,
)


def is_idle_reflection(step: str) -> bool:
    """Whether a step opens with a reflection and takes back nothing of what was said before.

    It goes by words. Not idle is what denies ("Wait, no"), names a slip ("I forgot the 1"), or says
    that something does not fit ("that can't be", "not 41"); after "Alternatively" the last is said
    of the other way and not of what came before. To make sure that there is no mistake is idle.
    """
    step = step.lstrip()
    if not REFLECTION.match(step) or _DENIAL.match(step):
        return False
    found = _UNFOUND.sub("", step)
    if _SLIP.search(found):
        return False
    return _ALTERNATIVE.match(step) is not None or not _MISFIT.search(found)
