"""Corpora, the responses that generated ones are made of, and their lengths in tokens."""

from cotdistil.config.teachers import GeneratingTeacher
from cotdistil.plan.builder import Builder, sampling
from cotdistil.plan.data import model, problems

RATES = ("double_check", "second_thought", "wrong_turn", "final_pass")
SAMPLING = ("instruction", "system", "max_tokens")
# How a job goes about it; none of these decides what comes out.
ENDPOINT_SETTINGS = (
    "base_url_env",
    "api_key_env",
    "concurrency",
    "timeout_seconds",
    "token_budget",
)


def corpus(build: Builder, name: str) -> str:
    described = build.config.corpora[name]
    teacher = build.config.teachers[described.teacher]
    asked = problems(build, described.problems, "train")
    if isinstance(teacher, GeneratingTeacher):
        params = {"kind": "generated", "fallback": teacher.fallback}
        parents = {
            "problems": asked,
            "responses": [
                responses(build, teacher, asked, shard, name) for shard in range(teacher.shards)
            ],
        }
        return build.add("corpora", params, parents, name=name)
    params = teacher.model_dump(mode="json")
    if teacher.kind == "procedure" and teacher.style == "short":
        for rate in RATES:
            del params[rate]
    files = None
    if teacher.kind == "file":
        path = params.pop("path")
        files = build.local_file(f"teachers.{described.teacher}.path", path, "traces")
        params["format"] = path.rsplit(".", 1)[-1].lower()
    return build.add("corpora", params, {"problems": asked}, files, name=name)


def responses(
    build: Builder, teacher: GeneratingTeacher, asked: str, shard: int, corpus_name: str
) -> str:
    """One shard of what a teacher answers.

    `answers` is the key of what decides a single answer: rows are used again wherever it is the
    same, whatever the number of samples, problems and shards.
    """
    described = teacher.model_dump(mode="json")
    params = {key: described[key] for key in SAMPLING} | sampling(described)
    parents = {}
    if teacher.kind == "endpoint":
        params |= {
            "backend": "endpoint",
            "model": described["model"],
            "extra_body": described["extra_body"],
        }
        settings = {key: described[key] for key in ENDPOINT_SETTINGS}
    else:
        engine = build.config.engine
        params |= {"backend": teacher.backend or engine.backend, "precision": engine.precision}
        parents["model"] = model(build, teacher.model)
        settings = engine_settings(build)
    params["answers"] = build.node("answers", params, parents).key
    params |= {
        "samples": teacher.samples,
        "until_correct": teacher.until_correct,
        "shard": shard,
        "shards": teacher.shards,
    }
    if teacher.until_correct:
        params["fallback"] = teacher.fallback
    name = corpus_name
    if teacher.shards > 1:
        name += f" · shard {shard + 1} of {teacher.shards}"
    return build.add("responses", params, {"problems": asked, **parents}, {}, name, settings)


def token_counts(build: Builder, corpus_name: str, student: str) -> str:
    """Lengths of a corpus's traces in a student's tokens."""
    return build.add(
        "token_counts",
        {"instruction": build.config.prompt.instruction},
        {"corpus": corpus(build, corpus_name), "model": model(build, student)},
        name=f"{corpus_name} in tokens of {student}",
    )


def engine_settings(build: Builder) -> dict:
    """What the engine is told beside what decides its output."""
    share = build.config.engine.gpu_memory_share
    return {} if share is None else {"gpu_memory_share": share}
