"""A model on this machine as a teacher: it answers what it is asked, as it is asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cotdistil.engines import Engine, Request, Sampling, load_engine
from cotdistil.errors import UserError
from cotdistil.job import Job
from cotdistil.prompts import render_prompt
from cotdistil.teaching import ask_transformers, ask_vllm
from cotdistil.teaching.local_model import LocalTeacher
from cotdistil.teaching.teacher import Answer, Question
from tiny_model import make_tiny_model

KEY = "0123456789abcdef0123"
POSITIONS = 256
PARAMS = {
    "precision": "float32",
    "instruction": "Think.",
    "system": "You add.",
    "temperature": 1.0,
    "top_p": 0.95,
    "max_tokens": 40,
    "seed": 0,
}
TEXTS = ["What is 2 + 2?", "What is 1 + 3, and what is 9 - 5?", "x" * 60]
# Its prompt alone fits, but leaves no room for 40 tokens.
TOO_LONG = "y" * 190


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("model"), positions=POSITIONS)


@pytest.fixture
def make_job(tmp_path: Path, model: Path) -> Callable[..., Job]:
    def make(settings: dict | None = None, **params: object) -> Job:
        store = tmp_path / "store"
        (store / "models").mkdir(parents=True, exist_ok=True)
        (store / "models" / KEY).symlink_to(model)
        manifest = {
            "stage": "samples",
            "params": PARAMS | params,
            "parents": {"model": f"models/{KEY}"},
            "files": {},
            "code": "1",
        }
        file = tmp_path / f"{KEY}.json"
        file.write_text(json.dumps(manifest))
        job = Job(file, store / "samples" / KEY / "record.json", "", threads=1, gpus=0)
        job.settings = settings or {}
        return job

    return make


@pytest.fixture(scope="module")
def engine(model: Path) -> Iterator[Engine]:
    loaded = load_engine(
        "transformers", model, precision="float32", max_context=POSITIONS, threads=1, gpus=0
    )
    yield loaded
    loaded.close()


class Loader:
    """Loads the engine of transformers. `options`: what each call asked for."""

    def __init__(self) -> None:
        self.options: list[dict] = []
        self.engines: list[Engine] = []

    def __call__(self, model_folder: Path, **options: object) -> Engine:
        self.options.append(options)
        self.engines.append(load_engine("transformers", model_folder, **options))
        return self.engines[-1]


def ask(texts: list[str]) -> list[Question]:
    return [Question(f"q{number}", text, number) for number, text in enumerate(texts)]


def test_a_teacher_is_asked_with_its_chat_template_the_system_message_and_the_instruction(
    make_job: Callable[..., Job], engine: Engine
) -> None:
    prompts = [render_prompt(engine.tokenizer, text, "Think.", "You add.") for text in TEXTS]
    assert engine.tokenizer.decode(prompts[0]).startswith("<|im_start|>system\nYou add.<|im_end|>")
    requests = [Request(f"q{number}", prompt, number) for number, prompt in enumerate(prompts)]
    written = engine.stream(iter(requests), Sampling(40, 1.0, 0.95), keep_special_tokens=True)
    expected = {
        request_id: Answer(
            request_id,
            completion.text,
            finish_reason=completion.finish_reason,
            prompt_tokens=len(prompts[int(request_id[1:])]),
            completion_tokens=completion.token_count,
        )
        for request_id, completion in written
    }
    teacher = ask_transformers.open_teacher(make_job(), TEXTS)
    answers = {answer.id: answer for answer in teacher.answers(iter(ask(TEXTS)))}
    teacher.close()
    assert answers == expected


def test_vllm_answers_as_transformers_does(make_job: Callable[..., Job]) -> None:
    job = make_job(temperature=0.0, max_tokens=24)
    with pytest.MonkeyPatch.context() as patch:
        # What vLLM sets for its process is undone afterwards.
        for name in ("OMP_NUM_THREADS", "HF_HUB_OFFLINE", "VLLM_ENABLE_V1_MULTIPROCESSING"):
            patch.setenv(name, "1")
        answers = []
        for module in (ask_transformers, ask_vllm):
            teacher = module.open_teacher(job, TEXTS)
            answers.append({answer.id: answer for answer in teacher.answers(iter(ask(TEXTS)))})
            teacher.close()
    assert len(answers[0]) == 3
    assert answers[0] == answers[1]


def test_a_question_too_long_to_be_answered_has_an_error_and_the_others_have_their_answers(
    make_job: Callable[..., Job],
) -> None:
    load = Loader()
    texts = [TOO_LONG, TEXTS[0], TOO_LONG, TEXTS[1]]
    teacher = LocalTeacher(make_job(settings={"gpu_memory_share": 0.5}), texts, load)
    answers = teacher.answers(iter(ask(texts)))
    refused = next(answers)
    assert load.options == [], "the first question is refused before the model is loaded"
    assert (refused.id, refused.text) == ("q0", None)
    assert refused.error == (
        "the prompt has 234 tokens; with max_tokens 40 that is 274, and the model has 256 positions"
    )
    rest = {answer.id: answer for answer in answers}
    teacher.close()
    assert rest.keys() == {"q1", "q2", "q3"}
    assert rest["q2"].error == refused.error
    assert all(rest[name].error is None and rest[name].text for name in ("q1", "q3"))
    [options] = load.options
    assert options["max_context"] == POSITIONS
    assert options["gpu_memory_share"] == 0.5


def test_without_a_question_that_can_be_answered_no_model_is_loaded(
    make_job: Callable[..., Job],
) -> None:
    load = Loader()
    teacher = LocalTeacher(make_job(), [TOO_LONG, *TEXTS], load)
    assert list(teacher.answers(iter([]))) == []
    refused = list(teacher.answers(iter(ask([TOO_LONG, TOO_LONG]))))
    assert [answer.id for answer in refused] == ["q0", "q1"]
    teacher.close()
    assert load.options == []


def test_the_cache_is_as_long_as_the_longest_prompt_and_its_answer_need(
    make_job: Callable[..., Job], engine: Engine
) -> None:
    load = Loader()
    teacher = LocalTeacher(make_job(system=None, instruction=None), TEXTS, load)
    assert len(list(teacher.answers(iter(ask(TEXTS[:1]))))) == 1
    teacher.close()
    assert load.options[0]["max_context"] == len(render_prompt(engine.tokenizer, TEXTS[2])) + 40
    assert load.options[0]["gpu_memory_share"] is None


class AskedAgain:
    """Questions of which each is asked anew, as another, until it was answered `times` times."""

    def __init__(self, questions: list[Question], times: int):
        self.waiting = list(questions)
        self.texts = {question.id: question.text for question in questions}
        self.times = times

    def __iter__(self) -> AskedAgain:
        return self

    def __next__(self) -> Question:
        if not self.waiting:
            raise StopIteration
        return self.waiting.pop(0)

    def answered(self, answer: Answer) -> None:
        problem, _, attempt = answer.id.partition("#")
        if int(attempt or 0) + 1 < self.times:
            again = f"{problem}#{int(attempt or 0) + 1}"
            self.waiting.append(Question(again, self.texts[problem], int(attempt or 0) + 1))


@pytest.mark.parametrize("texts", [TEXTS, [TEXTS[0]], [TOO_LONG], [*TEXTS, TOO_LONG]])
def test_a_question_may_be_asked_again_after_any_answer_the_last_one_too(
    make_job: Callable[..., Job], texts: list[str]
) -> None:
    load = Loader()
    teacher = LocalTeacher(make_job(), [*TEXTS, TOO_LONG], load)
    questions = AskedAgain(ask(texts), times=3)
    ids = []
    for answer in teacher.answers(questions):
        ids.append(answer.id)
        questions.answered(answer)
    teacher.close()
    expected = [f"q{number}{again}" for number in range(len(texts)) for again in ("", "#1", "#2")]
    assert sorted(ids) == expected
    assert len(load.options) == (texts != [TOO_LONG])


def test_a_teacher_that_is_closed_gives_up_what_is_under_way(make_job: Callable[..., Job]) -> None:
    load = Loader()
    teacher = LocalTeacher(make_job(), TEXTS, load)
    answers = teacher.answers(iter(ask(TEXTS * 30)))
    next(answers)
    assert hasattr(load.engines[0], "model")
    teacher.close()
    teacher.close()
    assert not hasattr(load.engines[0], "model")


def test_a_chat_template_that_takes_no_system_message_is_named(
    make_job: Callable[..., Job], tmp_path: Path
) -> None:
    import shutil

    job = make_job()
    link = job.parent("model")
    shutil.copytree(link.resolve(), tmp_path / "copy")
    link.unlink()
    link.symlink_to(tmp_path / "copy")
    template = tmp_path / "copy" / "chat_template.jinja"
    refusal = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no') }}{% endif %}"
    template.write_text(refusal + template.read_text())
    teacher = LocalTeacher(job, TEXTS, Loader())
    with pytest.raises(UserError, match=r"refuses a system message \(no\); leave it out"):
        next(teacher.answers(iter(ask(TEXTS))))
