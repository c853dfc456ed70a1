"""The parts of an answer, and whether two answers are the same part by part."""
