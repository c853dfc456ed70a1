"""Where models come from: one module per source, each with `fetch(job) -> str`."""
