"""Which questions are asked: all samples, or tries until one is right; nothing twice."""

from hypothesis import given
from hypothesis import strategies as st

from cotdistil.teaching.answer_log import answer_id
from cotdistil.teaching.tries import EverySample, UntilSolved, sample_seed, shard_of

PROBLEMS = [{"question": f"question {i}", "gold": str(i)} for i in range(4)]


def right(pairs):
    """An answer is right if its text is the gold answer."""
    return [row["text"] == gold for row, gold in pairs]


def drain(tries, answer, known):
    """Ask all that `tries` has, in rounds; returns the ids in the order of asking."""
    asked = []
    while batch := list(tries):
        for question in batch:
            assert question.id not in known
            asked.append(question.id)
            row = answer(question)
            if row is not None:
                known[question.id] = row
            tries.heard(question.id, row)
    return asked


def every(problems=PROBLEMS, samples=2, known=None):
    known = {} if known is None else known
    return EverySample(problems, samples, 0, known.get), known


def until(samples=3, known=None):
    known = {} if known is None else known
    return UntilSolved(PROBLEMS, samples, 0, known.get, right), known


def test_every_problem_is_asked_as_often_as_there_are_samples_with_a_seed_for_each():
    tries, _ = every()
    questions = list(tries)
    assert len(questions) == len({q.id for q in questions}) == len({q.seed for q in questions}) == 8
    assert questions[0].text == "question 0"
    assert tries.finished == 0
    for question in questions:
        tries.heard(question.id, {})
    assert tries.finished == 4


def test_what_is_known_is_not_asked_again():
    known = {answer_id("question 1", 0): {}, answer_id("question 2", 1): {}}
    tries, _ = every(known=known)
    assert len(list(tries)) == 6
    assert len(tries.wanted) == 8


def test_a_question_that_stands_twice_is_asked_once():
    tries, _ = every(problems=[*PROBLEMS, PROBLEMS[0]])
    assert len(list(tries)) == 8


def test_more_samples_ask_only_for_the_new_ones():
    tries, known = every(samples=2)
    drain(tries, lambda question: {}, known)
    more, _ = every(samples=5, known=known)
    assert all(int(question.id.split("#")[1]) >= 2 for question in list(more))


def test_a_problem_is_asked_until_it_is_solved_and_no_more_than_its_tries():
    def answer(question):
        # Problem i is solved at try i, if there are so many.
        problem = int(question.text[-1])
        solved = int(question.id.split("#")[1]) == problem
        return {"text": str(problem) if solved else "wrong"}

    tries, known = until(samples=3)
    asked = drain(tries, answer, known)
    per_problem = [
        sum(id_.startswith(answer_id(p["question"], 0)[:-2]) for id_ in asked) for p in PROBLEMS
    ]
    assert per_problem == [1, 2, 3, 3]
    assert tries.finished == 4
    again, _ = until(samples=3, known=known)
    assert list(again) == []
    assert again.finished == 4
    one_more, _ = until(samples=4, known=known)
    assert [question.text for question in one_more] == ["question 3"]


def test_a_try_that_failed_is_used_up_and_the_next_is_asked():
    tries, _ = until(samples=2)
    first = list(tries)
    tries.heard(first[0].id, None)
    [second] = list(tries)
    assert second.id == first[0].id.replace("#0", "#1")
    tries.heard(second.id, None)
    assert tries.finished == 1


def test_a_later_try_that_is_known_is_looked_at_before_another_is_asked():
    known = {answer_id("question 0", 1): {"text": "0"}, answer_id("question 1", 1): {"text": "no"}}
    tries, _ = until(samples=3, known=known)
    for question in list(tries)[:2]:
        tries.heard(question.id, {"text": "wrong"})
    assert tries.finished == 1
    [third] = list(tries)
    assert third.id == answer_id("question 1", 2)


@given(
    st.dictionaries(
        st.tuples(st.integers(0, 3), st.integers(0, 2)), st.sampled_from(["right", "wrong", None])
    ),
    st.integers(1, 3),
    st.data(),
)
def test_after_any_kill_the_same_answers_are_there_in_the_end(outcomes, samples, data):
    def answer(question):
        problem, sample = int(question.text[-1]), int(question.id.split("#")[1])
        outcome = outcomes.get((problem, sample), "wrong")
        return outcome and {"text": str(problem) if outcome == "right" else "wrong"}

    tries, undisturbed = until(samples)
    drain(tries, answer, undisturbed)
    known: dict = {}
    for _ in range(3):
        tries, _ = until(samples, known)
        for question in list(tries)[: data.draw(st.integers(0, 4))]:
            row = answer(question)
            if row is not None:
                known[question.id] = row
            tries.heard(question.id, row)
    tries, _ = until(samples, known)
    drain(tries, answer, known)
    assert known == undisturbed
    assert tries.finished == 4


def test_shards_share_the_questions_out_whatever_else_there_is():
    shards = [shard_of(problem["question"], 3) for problem in PROBLEMS]
    assert set(shards) <= {0, 1, 2}
    counts = [shard_of(f"question {i}", 4) for i in range(400)]
    assert all(70 < counts.count(shard) < 130 for shard in range(4))


def test_a_seed_is_of_the_answer_alone():
    assert sample_seed(0, "a#0") == sample_seed(0, "a#0")
    assert len({sample_seed(0, "a#0"), sample_seed(1, "a#0"), sample_seed(0, "a#1")}) == 3
    assert all(0 <= sample_seed(0, str(i)) < 2**31 for i in range(100))
