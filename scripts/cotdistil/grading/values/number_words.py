"""Numbers in English words."""

NUMBERS = {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7,
    "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14,
    "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19, "twenty": 20,
    "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
}  # fmt: skip
PARTS = {"half": 2, "halve": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6,
         "seventh": 7, "eighth": 8, "ninth": 9, "tenth": 10}  # fmt: skip
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
