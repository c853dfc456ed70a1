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
_FAULT = re.compile(
    r"\b(?:wrong|mistake[ns]?|incorrect(?:ly)?|error|redo|not (?:right|correct|true)|"
    r"should(?:n't| not)? (?:be|have)|instead|actually)\b",
    re.IGNORECASE,
)


def is_idle_reflection(step: str) -> bool:
    """Whether a step opens with a reflection and finds no fault with what was said before."""
    return REFLECTION.match(step.lstrip()) is not None and not _FAULT.search(step)
