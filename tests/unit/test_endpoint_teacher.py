"""A teacher behind an endpoint: every question is answered or listed, and a budget is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from types import SimpleNamespace

import pytest

from chat_client import QUICK, client_of
from chat_server import (
    STREAM_CUT,
    STREAM_ERROR,
    STREAM_HALF_JSON,
    ChatServer,
    Fault,
    refusal,
)
from cotdistil.errors import UserError
from cotdistil.teaching.ask_endpoint import EndpointTeacher, check_extra_body, open_teacher
from cotdistil.teaching.teacher import Answer, Question, Teacher

PARAMS = {
    "model": "m",
    "instruction": None,
    "system": None,
    "temperature": 0.6,
    "top_p": 0.95,
    "max_tokens": 512,
    "seed": 0,
    "extra_body": {},
}
SETTINGS = {
    "base_url_env": "TEACHER_URL",
    "api_key_env": "TEACHER_KEY",
    "concurrency": 4,
    "timeout_seconds": 20,
    "token_budget": None,
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def teacher_of(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Teacher]:
    def open_it(
        server: ChatServer, params: dict | None = None, budget: int | None = None, spent: int = 0
    ) -> Teacher:
        monkeypatch.setenv("TEACHER_URL", server.url)
        settings = {**SETTINGS, "token_budget": budget}
        job = SimpleNamespace(params={**PARAMS, **(params or {})}, settings=settings)
        return open_teacher(job, [], spent)

    return open_it


def questions(names: Iterable[str]) -> Iterator[Question]:
    return (Question(f"id of {name}", name, seed) for seed, name in enumerate(names))


NAMES = [f"<{i}>" for i in range(20)]


def test_an_answer_has_its_thinking_apart_from_its_text_and_its_counts(teacher_of) -> None:
    reply = {"reasoning": "two and two", "content": "4"}
    with ChatServer(lambda _: reply) as server:
        answers = list(teacher_of(server).answers(questions(["2+2?"])))
    assert answers == [Answer("id of 2+2?", "4", "two and two", "stop", 7, 2)]


def test_text_with_the_thinking_in_it_stays_as_the_teacher_wrote_it(teacher_of) -> None:
    text = "<think>\ntwo  and two\n</think>\n\n4 \n"
    with ChatServer(lambda _: text) as server:
        answers = list(teacher_of(server).answers(questions(["2+2?"])))
    assert answers == [Answer("id of 2+2?", text, None, "stop", 7, 2)]


def test_a_request_is_what_the_config_says(teacher_of) -> None:
    extra = {"top_k": 20, "chat_template_kwargs": {"enable_thinking": True}}
    with ChatServer(str) as server:
        teacher = teacher_of(
            server, {"instruction": "Box it.", "system": "Be brief.", "extra_body": extra}
        )
        list(teacher.answers(iter([Question("a", "2+2?", 17)])))
    assert server.received[0].messages == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "2+2?\nBox it."},
    ]
    assert server.received[0].body == {
        "model": "m",
        "temperature": 0.6,
        "top_p": 0.95,
        "max_tokens": 512,
        "seed": 17,
        **extra,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_greedy_decoding_sends_no_seed_and_no_system_message_is_none(teacher_of) -> None:
    with ChatServer(str) as server:
        list(teacher_of(server, {"temperature": 0.0}).answers(questions(["2+2?"])))
    assert "seed" not in server.received[0].body
    assert server.received[0].messages == [{"role": "user", "content": "2+2?"}]


def test_an_endpoint_that_counts_completion_tokens_gets_one_limit(teacher_of) -> None:
    with ChatServer(str) as server:
        teacher = teacher_of(server, {"extra_body": {"max_completion_tokens": 900}})
        list(teacher.answers(questions(["a"])))
    assert server.received[0].body["max_completion_tokens"] == 900
    assert "max_tokens" not in server.received[0].body


def test_an_endpoint_that_cannot_stream_is_asked_for_whole_answers(teacher_of) -> None:
    with ChatServer(str.upper, refused="stream_options") as server:
        teacher = teacher_of(server, {"extra_body": {"stream": False}})
        answers = list(teacher.answers(questions(["a"])))
    assert answers == [Answer("id of a", "A", None, "stop", 7, 2)]
    assert server.received[0].body["stream"] is False


@pytest.mark.parametrize(
    ("extra_body", "said"),
    [
        ({"temperature": 1.0}, "found 'temperature', which the workflow itself sends"),
        ({"messages": []}, "found 'messages'"),
        ({"stream_options": {}}, "found 'stream_options'"),
        ({"n": 4}, "found 'n: 4', which asks for several answers at once"),
    ],
)
def test_a_further_field_that_has_a_key_of_its_own_is_refused(extra_body: dict, said: str) -> None:
    with pytest.raises(UserError, match=said):
        check_extra_body(extra_body)


def test_one_broken_request_is_listed_and_loses_no_other() -> None:
    faults = [refusal(500), STREAM_CUT, STREAM_HALF_JSON, STREAM_ERROR]
    planned = {
        "<3>": faults,
        "<5>": faults[:3],
        "<7>": [refusal(429, Retry_After="0.1")],
        "<9>": [refusal(400, "too long")],
    }
    with ChatServer(str.upper, planned) as server:
        teacher = EndpointTeacher(client_of(server, QUICK), PARAMS, token_budget=None, spent=0)
        answers = list(teacher.answers(questions(NAMES)))
    by_id = {answer.id: answer for answer in answers}
    assert len(answers) == len(by_id) == 20
    lost = by_id.pop("id of <3>")
    assert lost == Answer("id of <3>", error=lost.error)
    assert lost.error == "the stream broke off: out of memory; gave up after 4 attempts"
    assert by_id.pop("id of <9>").error == "Error code: 400 - too long"
    assert {answer.text for answer in by_id.values()} == set(NAMES) - {"<3>", "<9>"}


def test_a_question_may_follow_from_an_answer(teacher_of) -> None:
    class UntilTheThird:
        """Every problem is asked three times, each time only after the last answer."""

        def __init__(self) -> None:
            self.waiting = [Question(f"{name} 1", name, 1) for name in "abc"]

        def __iter__(self) -> Iterator[Question]:
            return self

        def __next__(self) -> Question:
            if not self.waiting:
                raise StopIteration
            return self.waiting.pop(0)

    asked, answered = UntilTheThird(), []
    with ChatServer(str) as server:
        for answer in teacher_of(server).answers(asked):
            answered.append(answer.id)
            name, sample = answer.id.split()
            if sample != "3":
                asked.waiting.append(Question(f"{name} {int(sample) + 1}", name, 1))
    assert sorted(answered) == [f"{name} {sample}" for name in "abc" for sample in "123"]


def test_a_spent_budget_stops_asking_and_takes_what_is_under_way(teacher_of) -> None:
    answers = []
    with ChatServer(str) as server:
        teacher = teacher_of(server, budget=50)
        with pytest.raises(UserError) as caught:
            answers.extend(teacher.answers(questions(NAMES)))
        # Nine tokens each: the sixth answer reaches 50, with three others under way.
        assert len(server.prompts()) == len(answers) == 9
    assert all(answer.error is None for answer in answers)
    assert str(caught.value) == (
        "token_budget: 81 of 50 tokens are spent and questions are left; raise token_budget and run"
        " again: it goes on where it stopped"
    )


def test_what_was_spent_before_counts(teacher_of) -> None:
    with ChatServer(str) as server:
        with pytest.raises(UserError, match="token_budget: 50 of 50 tokens are spent"):
            list(teacher_of(server, spent=50, budget=50).answers(questions(NAMES)))
        assert server.prompts() == []
        assert len(list(teacher_of(server, spent=50, budget=231).answers(questions(NAMES))))


def test_a_budget_that_lasts_to_the_last_question_is_no_error(teacher_of) -> None:
    with ChatServer(str) as server:
        teacher = teacher_of(server, budget=20 * 9)
        assert len(list(teacher.answers(questions(NAMES)))) == 20
        assert list(teacher_of(server, spent=180, budget=180).answers(iter([]))) == []


def test_a_budget_cannot_be_kept_where_no_tokens_are_counted(teacher_of) -> None:
    answers = []
    with ChatServer(str, counts_tokens=False) as server:
        teacher = teacher_of(server, budget=10**6)
        with pytest.raises(UserError, match="the endpoint does not say how many tokens"):
            answers.extend(teacher.answers(questions(NAMES)))
        assert len(server.prompts()) == len(answers) == 4


def test_without_a_budget_nobody_needs_counts(teacher_of) -> None:
    with ChatServer(str, counts_tokens=False) as server:
        answers = list(teacher_of(server).answers(questions(NAMES)))
    assert len(answers) == 20
    assert answers[0].prompt_tokens is None


def test_a_failed_request_is_no_answer_without_counts(teacher_of) -> None:
    with ChatServer(str, {"<3>": [refusal(400)]}) as server:
        answers = list(teacher_of(server, budget=10**6).answers(questions(NAMES)))
    assert len(answers) == 20


def test_an_endpoint_that_does_not_say_why_a_text_ends_leaves_it_unknown(teacher_of) -> None:
    whole = Fault(body='{"choices": [{"message": {"content": "4"}}]}')
    with ChatServer(str, {"a": [whole]}) as server:
        assert list(teacher_of(server).answers(questions(["a"]))) == [Answer("id of a", "4")]


def test_a_teacher_that_is_closed_midway_gives_up_what_is_under_way(teacher_of) -> None:
    with ChatServer(str, seconds=0.2) as server:
        teacher = teacher_of(server)
        answers = teacher.answers(questions(NAMES))
        next(answers)
        teacher.close()
        assert list(answers) == []
        assert len(server.prompts()) <= 8


def test_an_endpoint_that_nothing_names_is_said_before_anything_is_asked() -> None:
    job = SimpleNamespace(params=PARAMS, settings={**SETTINGS, "base_url_env": "NOWHERE"})
    with pytest.raises(UserError, match="variable NOWHERE is not set"):
        open_teacher(job, [])
