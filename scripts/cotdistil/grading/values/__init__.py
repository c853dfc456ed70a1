"""Single values: numbers, units, number words, multiple choice letters."""
