r"""Where boxes stand: nested and escaped braces, spaces, boxes that are not closed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotdistil.boxes import closing_brace, end_of_last_box, last_box


@pytest.mark.parametrize(
    ("text", "content", "rest"),
    [
        (r"It is \boxed{5}.", "5", "."),
        (r"\boxed{1}, no: \boxed{\frac{1}{2}} it is", r"\frac{1}{2}", " it is"),
        (r"\boxed{\{1, 2\}}!", r"\{1, 2\}", "!"),
        (r"\boxed{\}}", r"\}", ""),
        ("\\boxed \n{7}", "7", ""),
        (r"\boxed{}", "", ""),
        (r"\boxed{a \\} b", r"a \\", " b"),
    ],
)
def test_the_last_box_ends_with_the_brace_that_closes_it(text, content, rest):
    begin = last_box(text)
    assert text[begin : closing_brace(text, begin)] == content
    assert text[end_of_last_box(text) :] == rest


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        (r"\boxed{\boxed{42}}. And", ". And"),
        (r"\boxed{1} \boxed{2 + \boxed{\frac{1}{2}} = x} it is}", " it is}"),
        (r"\boxed{\boxed{4} and", " and"),
        (r"{\boxed{4}} and", "} and"),
        (r"} \boxed{4} and", " and"),
        (r"\boxed{1} \boxed{{2}} \{ and", r" \{ and"),
    ],
)
def test_a_box_inside_of_another_ends_with_the_outer_one(text, rest):
    assert text[end_of_last_box(text) :] == rest


def test_the_end_is_found_in_linear_time():
    many = r"\boxed{" * 200_000
    assert end_of_last_box(many) is None
    assert end_of_last_box(many + "}" * 200_000) == len(many) + 200_000


@pytest.mark.parametrize("text", ["", "5", r"\boxed 5", r"\boxed{5} \boxed{6", r"\boxed{5\}", "\\"])
def test_no_box_or_one_that_is_not_closed_has_no_end(text):
    assert end_of_last_box(text) is None


@given(st.text(alphabet="a{}\\ \n"), st.text(alphabet="a{}\\ \n"))
def test_what_is_inside_a_box_is_balanced(before, after):
    text = before + r"\boxed{" + after
    begin = last_box(text)
    end = closing_brace(text, begin)
    if end is not None:
        inside = text[begin:end].replace("\\\\", "").replace("\\{", "").replace("\\}", "")
        assert inside.count("{") == inside.count("}")
