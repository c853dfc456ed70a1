"""The steps of a training set's traces where a model cuts them."""

from cotdistil.config.segmentation import Segmentation
from cotdistil.plan.builder import Builder, sampling
from cotdistil.plan.data import model
from cotdistil.plan.teach import engine_settings


def steps(build: Builder, segmentation: Segmentation, training_set: str, name: str) -> str:
    """name: what a person calls the training set at the address `training_set`."""
    given = segmentation.model_dump(mode="json")
    params = {key: given[key] for key in ("instruction", "system", "window", "max_tokens")}
    params |= sampling(given)
    params["precision"] = build.config.engine.precision
    params["backend"] = segmentation.backend or build.config.engine.backend
    parents = {"training_set": training_set, "model": model(build, segmentation.model)}
    label = f"{name} by {segmentation.model}"
    return build.add("steps", params, parents, name=label, settings=engine_settings(build))
