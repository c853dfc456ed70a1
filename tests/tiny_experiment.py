"""The quickstart's whole DAG with a tiny student: minutes become seconds."""

from pathlib import Path

from checkout import Checkout


def make_tiny_quickstart(folder: Path, student: Path, recipes: tuple[str, ...] = ()) -> Checkout:
    """A checkout in `folder` whose config asks for few problems of the model in `student`.

    recipes: leave only these; default: all of the quickstart's.
    """
    checkout = Checkout(folder)
    config = checkout.config()
    config["experiment"] = "tiny"
    config["models"] = {"tiny": {"folder": str(student)}}
    config["students"] = ["tiny"]
    config["problems"]["sums"] |= {"train": 8, "test": 6}
    prune = {"invalid": "keep", "max_tokens": 4, "backend": "transformers"}
    config["recipes"]["pruned"]["prune"] |= prune
    config["training"]["sft"] |= {"epochs": 1, "max_length": 4096}
    config["benchmarks"]["sums"] |= {"max_tokens": 8}
    config["engine"] = {"backend": "transformers"}
    if recipes:
        config["recipes"] = {name: config["recipes"][name] for name in recipes}
        config["gaps"] = {}
    checkout.write_config(config)
    return checkout
