"""What a run says at its end: the summary table, and where everything is."""

from pathlib import Path

from cotdistil.terminal_table import format_terminal


def print_summary(experiment: str) -> None:
    """Print the summary table of an experiment, if it has one, and where its files are."""
    folder = Path("results") / experiment
    summary = folder / "tables" / "summary.csv"
    if not summary.exists():
        return
    print(f"\n{format_terminal(summary)}\n")
    for label, path in (
        ("tables", folder / "tables"),
        ("figure", folder / "figures" / "accuracy_vs_tokens.png"),
        ("traces", folder / "traces" / "index.html"),
        ("arms", folder / "arms"),
        ("resolved config", folder / "config.yaml"),
    ):
        if path.exists():
            print(f"{label:<16} {path}")
