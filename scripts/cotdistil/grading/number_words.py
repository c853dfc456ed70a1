"""Numbers in English words."""

ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
    " fifteen sixteen seventeen eighteen nineteen"
).split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
NUMBERS = {word: value for value, word in enumerate(ONES)}
NUMBERS |= {word: 10 * (2 + index) for index, word in enumerate(TENS)}
SCALES = {"hundred": 2, "thousand": 3, "million": 6, "billion": 9, "trillion": 12}


def number_value(words: list[str]) -> int | None:
    """The number that `["two", "hundred", "five"]` spells; None if it spells none."""
    total, current, smallest = 0, 0, 10**15
    for word in words:
        if word in NUMBERS:
            value = NUMBERS[word]
            room = 1 if current % 10 else 10 if current % 100 else 100
            if current and (value >= room or value == 0 or current % 100 // 10 == 1):
                return None
            current += value
        elif word == "hundred":
            if not 0 < current < 10:
                return None
            current *= 100
        else:
            scale = 10 ** SCALES[word]
            if not current or scale >= smallest:
                return None
            total, current, smallest = total + current * scale, 0, scale
    return total + current
