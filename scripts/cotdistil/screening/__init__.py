"""Which training problems are not to be trained on: repeated ones, and those of benchmarks."""
