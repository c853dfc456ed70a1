"""What others say of a verdict: math-verify, and a language model as judge."""
