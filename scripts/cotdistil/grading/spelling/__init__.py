"""One spelling for the many ways in which an answer is written."""
