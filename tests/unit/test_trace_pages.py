"""What a person sees and does on the page of a training set, in a real browser."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from chromium import NARROW, WIDE, Chromium, Page, find_chromium
from cotdistil.pruning.steps import split_steps
from hand_made_store import HandMadeStore
from hand_made_traces import HandMadeTrace, Round, browse, write_training_set
from real_data import real_rows

STEPS = [
    "First add two and two.\n\n",
    "That makes four apples.\n\n",
    "One more makes 5.\n\n",
    "Wait, is that\n",
    "right? Let me count pears.\n\n",
    "Yes, five.",
]
HOSTILE = (
    "</script><script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>"
    "<style>*{display:none}</style>\u2028{{title}} \0 & &lt;b&gt; \U0001f34e ${7*7}"
)
CUT = HandMadeTrace(
    "cut-at-3",
    STEPS,
    kept=[[0, 3]],
    reason="cut",
    first_answer_step=3,
    rounds=[
        Round([[0, 3]], True),
        Round([[0, 1]], False, ["2"]),
        Round([[0, 2]], False, ["4"]),
    ],
)
INNER = HandMadeTrace(
    "inner",
    STEPS,
    question="How many oranges are there?",
    kept=[[0, 1], [2, 4]],
    reason="cut",
    rounds=[
        Round([[0, 4]], True, ["5", "5", "6"]),
        Round([[0, 1], [2, 4]], True),
        Round([[0, 1], [2, 4]], True, greedy=True),
    ],
    after="The student says \\boxed{5}.",
)
DROPPED = HandMadeTrace(
    "dropped",
    STEPS,
    conclusion="It is \\boxed{7}.",
    kept=None,
    reason="full trace not validated",
    rounds=[Round([[0, 6]], None), Round([[0, 5]], False, ["seventeen"])],
)
PLAIN = HandMadeTrace("plain", response="It is \\boxed{5}.", reason="no thinking")
UNREADABLE = HandMadeTrace("unreadable", STEPS, gold="\\foo{")
SHOWN = [CUT, INNER, DROPPED, PLAIN, UNREADABLE]
FILLING = [
    HandMadeTrace(
        f"filling-{i}", [f"Step {i}, and so on. " * (i + 1)], rounds=[Round([[0, 1]], True)]
    )
    for i in range(60)
]
HOSTILE_TRACE = HandMadeTrace(
    HOSTILE,
    [f"{HOSTILE}\n\n", "second"],
    conclusion=f"{HOSTILE} \\boxed{{5}}",
    question=HOSTILE,
    kept=[[0, 1]],
    reason="cut",
    rounds=[Round([[0, 1]], True, ["5", HOSTILE])],
    after=f"{HOSTILE} after",
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory) -> Iterator[Chromium]:
    with Chromium(tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture(scope="module")
def address(tmp_path_factory) -> str:
    """The page of a pruned training set, of five traces to look at and sixty more."""
    return address_of(tmp_path_factory.mktemp("pruned"), [*SHOWN, *FILLING])


def address_of(folder: Path, traces: list[HandMadeTrace], **options: object) -> str:
    made = browse(HandMadeStore(folder), traces, **options)
    assert made.status == 0, made.text
    return (made.folder / "browser.html").as_uri()


@contextmanager
def opened(browser: Chromium, address: str, **options: object) -> Iterator[Page]:
    """The page, when it shows a trace or says that there is none; it must have no complaint."""
    with browser.open(address, **options) as page:
        page.wait_for("document.querySelector('#trace h2, #trace .empty')")
        yield page
        assert page.complaints == []
        assert set(page.requests) == {address.partition("#")[0]}


def finds(page: Page, ids: list[str]) -> None:
    """The list has these traces, or nothing is found; all fit on one page of it."""
    words = f"{len(ids)} of 65 traces" if ids else "No trace matches these filters."
    page.wait_for(f"document.querySelector('#found').innerText === {json.dumps(words)}")
    listed = "[...document.querySelectorAll('#list b')].map((e) => e.textContent)"
    page.wait_for(
        f"JSON.stringify({listed}) === {json.dumps(json.dumps(ids, separators=(',', ':')))}"
    )


def shows(page: Page, trace_id: str) -> None:
    page.wait_for(f"document.querySelector('#trace h2')?.innerText === {json.dumps(trace_id)}")


# --- opening, paging, keys ----------------------------------------------------------------------


@pytest.mark.parametrize("size", [WIDE, NARROW])
@pytest.mark.parametrize("dark", [False, True])
def test_the_page_opens_from_a_file_and_asks_for_nothing_else(browser, address, size, dark):
    with opened(browser, address, size=size, dark=dark) as page:
        assert page.text("h1") == "pruned · small"
        assert page.text("#account").startswith("65 traces · 64 kept, 1 dropped · ")
        assert page.text("#trace h2") == "cut-at-3"
        background = page.run("getComputedStyle(document.body).backgroundColor")
        assert (background == "rgb(255, 255, 255)") != dark
        # Nothing is wider than the screen.
        assert page.run("document.documentElement.scrollWidth") <= size[0]


def test_keys_and_buttons_lead_from_trace_to_trace(browser, address):
    with opened(browser, address) as page:
        for key, seen in (
            *(("j", "inner"), ("j", "dropped"), ("k", "inner"), ("ArrowRight", "dropped")),
            *(("ArrowLeft", "inner"), ("k", "cut-at-3"), ("k", "cut-at-3")),
        ):
            page.press(key)
            shows(page, seen)
        page.click("#after")
        shows(page, "inner")
        assert page.text("#place") == "2 of 65"
        assert page.texts("#list [aria-current] b") == ["inner"]
        page.click("#list li:nth-child(4) a")
        shows(page, "plain")


def test_the_list_is_paged_and_turns_with_the_trace(browser, address):
    with opened(browser, address + "#row=48") as page:
        assert page.text("#page-shown") == "1–50 of 65"
        page.click("#page-after")
        assert page.text("#page-shown") == "51–65 of 65"
        assert page.texts("#list b")[0] == "filling-45"
        page.click("#page-before")
        for _ in range(3):
            page.press("j")
        shows(page, "filling-46")
        assert page.text("#page-shown") == "51–65 of 65"


def test_the_trace_has_the_focus_so_that_keys_scroll_it(browser, tmp_path):
    long = HandMadeTrace("long", ["Many words. " * 2000])
    with opened(browser, address_of(tmp_path, [CUT, long]) + "#row=1") as page:
        page.wait_for("document.activeElement.id === 'trace'")
        page.press("PageDown")
        page.wait_for("document.querySelector('main').scrollTop > 100")
        heading = "document.getElementById(document.activeElement.getAttribute('aria-labelledby'))"
        assert page.run(f"{heading}.innerText") == "long"


def test_a_list_entry_that_is_chosen_by_key_leads_to_the_trace(browser, address):
    with opened(browser, address) as page:
        page.run("document.querySelector('#list li:nth-child(2) a').focus()")
        page.press("Enter")
        shows(page, "inner")
        assert page.run("document.activeElement.id") == "trace"


def test_the_focus_is_never_lost_with_what_had_it(browser, address):
    with opened(browser, address) as page:
        page.run("document.querySelector('#page-after').focus()")
        page.press("Enter")
        assert page.text("#page-shown") == "51–65 of 65"
        assert page.run("document.activeElement.id") == "list"
        page.press("/")
        page.press("Escape")
        assert page.run("document.activeElement.id") == "trace"
    with opened(browser, address + "#text=apples") as page:
        page.run("document.querySelector('#clear').focus()")
        page.press("Enter")
        page.wait_for("document.querySelector('#found').innerText === '65 traces'")
        assert page.run("document.activeElement.id") == "trace"


def test_the_first_key_leads_past_the_list_to_the_trace(browser, address):
    with opened(browser, address) as page:
        page.wait_for("document.activeElement.id === 'trace'")
        seen = page.run("location.hash")
        page.run("document.activeElement.blur(); getSelection().removeAllRanges()")
        page.run("document.querySelector('#skip').focus()")
        assert page.run("getComputedStyle(document.querySelector('#skip')).clipPath") == "none"
        page.press("Enter")
        assert page.run("document.activeElement.id") == "trace"
        assert page.run("location.hash") == seen
        first = "document.querySelector('a, button, input, select, [tabindex]').id"
        assert page.run(first) == "skip"


def test_on_a_phone_the_list_has_the_keyboard_to_itself_until_it_is_closed(browser, address):
    with opened(browser, address, size=NARROW) as page:
        page.click("#open-browse")
        assert page.run("document.activeElement.id") == "close-browse"
        assert page.run("document.querySelector('main').inert")
        page.press("Escape")
        page.wait_for("getComputedStyle(document.querySelector('#browse')).display === 'none'")
        assert page.run("document.activeElement.id") == "open-browse"
        assert not page.run("document.querySelector('main').inert")
        page.press("Enter")
        page.run("document.querySelector('#list li:nth-child(1) a').focus()")
        page.press("Enter")
        page.wait_for("getComputedStyle(document.querySelector('#browse')).display === 'none'")
        shows(page, "cut-at-3")
        assert page.run("document.activeElement.id") == "trace"
        page.click("#open-browse")
        size = {"width": WIDE[0], "height": WIDE[1], "deviceScaleFactor": 1, "mobile": False}
        page.ask("Emulation.setDeviceMetricsOverride", **size)
        page.wait_for("!document.querySelector('main').inert")


def test_a_phone_has_the_list_and_the_filters_behind_a_button(browser, address):
    with opened(browser, address, size=NARROW) as page:
        assert page.run("document.querySelector('#browse').offsetParent") is None
        page.click("#open-browse")
        assert page.texts("#list b")[:2] == ["cut-at-3", "inner"]
        page.click("#list li:nth-child(2) a")
        shows(page, "inner")
        page.wait_for("getComputedStyle(document.querySelector('#browse')).display === 'none'")


# --- what is seen of a trace --------------------------------------------------------------------


def test_kept_and_cut_steps_differ_by_words_and_edge_and_colour(browser, address):
    with opened(browser, address) as page:
        assert page.texts(".run h3") == [
            "Kept: steps 1–3 (3 steps)",
            "Cut off: steps 4–6 (3 steps)",
        ]
        assert page.texts(".run.cut .words") == [
            "Wait, is that",
            "right? Let me count pears.",
            "Yes, five.",
        ]
        assert page.texts(".legend .swatch") == ["kept", "cut off at the end"]
        assert page.texts(".run.kept .first") == ["◆ the first step that states the right answer"]
        page.press("j")
        shows(page, "inner")
        assert page.texts(".run h3") == [
            *("Kept: step 1 (1 step)", "Removed: step 2 (1 step)", "Kept: steps 3–4 (2 steps)"),
            "Cut off: steps 5–6 (2 steps)",
        ]
        edges = "[...document.querySelectorAll('.run')].map((run) => getComputedStyle(run)"
        assert page.run(f"{edges}.borderLeftStyle)") == ["solid", "dotted", "solid", "dashed"]
        assert len(set(page.run(f"{edges}.borderLeftColor)"))) == 3
        page.press("j")
        shows(page, "dropped")
        assert page.texts(".run h3") == ["Dropped: steps 1–6 (6 steps)"]
        assert page.run(f"{edges}.borderLeftStyle)") == ["double"]
        assert page.texts("#trace .badges span") == ["✗ wrong", "dropped: full trace not validated"]


@pytest.mark.parametrize("dark", [False, True])
def test_every_colour_of_text_can_be_read_on_what_is_behind_it(browser, address, dark):
    """A contrast of 4.5 at least, as WCAG asks of text."""
    contrast = """(() => {
      const light = (colour) => colour.match(/[\\d.]+/g).slice(0, 3).map((c) => c / 255)
        .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
      const behind = (e) => { const b = getComputedStyle(e).backgroundColor;
        return b === "rgba(0, 0, 0, 0)" ? behind(e.parentElement) : b; };
      const weak = new Set();
      for (const e of document.querySelectorAll("body *")) {
        const isText = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
        if (!isText || !e.offsetParent || e.disabled) continue;
        const [a, b] = [light(getComputedStyle(e).color), light(behind(e))].sort((x, y) => y - x);
        if ((a + 0.05) / (b + 0.05) < 4.5) weak.add(`${e.tagName} ${e.className}: ${e.innerText}`);
      }
      return [...weak];
    })()"""
    for row in (0, 1, 2):
        with opened(browser, f"{address}#row={row}&text=apples", dark=dark) as page:
            assert page.run(contrast) == []


def test_each_verdict_stands_at_its_place_and_says_what_was_asked_and_answered(browser, address):
    with opened(browser, address) as page:
        assert page.texts("details.round summary") == [
            "Round 2 asked about step 1 of 6: 2 ✗ wrong, not valid",
            "Round 3 asked about steps 1–2 of 6: 4 ✗ wrong, not valid",
            "Round 1 asked about steps 1–3 of 6: 5 ✓ right, valid ← kept",
        ]
        before = "[...document.querySelectorAll('details.round')].map((mark) =>"
        numbers = page.run(
            f"{before} mark.previousElementSibling.querySelector('.number').innerText)"
        )
        assert numbers == ["1", "2", "3"]
        assert page.rows(".rounds")[0][-1] == "✓ right, valid ← kept"
        page.click(".rounds tbody tr:nth-child(2) button")
        page.wait_for("document.querySelector('#verdict-1').open")
        assert page.texts("#verdict-1 pre") == ["2}."]
        assert (
            page.text("#verdict-1 p") == "prompt: 100 tokens (40 from the cache), answer: 8 tokens"
        )
        page.press("j")
        shows(page, "inner")
        cost = "3 prompts: 300 tokens (40 from the cache), 3 answers: 8 tokens"
        assert page.texts("#verdict-0 p") == [cost]
        assert page.rows(".rounds") == [
            ["1", "", "steps 1–4 of 6", "5 | 6", "✓ 2 of 3 right, valid"],
            ["2", "", "steps 1, 3–4 of 6", "5", "✓ right, valid ← kept"],
            ["3", "", "steps 1, 3–4 of 6 (once more, greedily)", "5", "✓ right, valid ← kept"],
        ]
        page.press("j")
        shows(page, "dropped")
        verdicts = page.texts(".rounds tbody td:last-child")
        assert verdicts == ["◌ too long for the student, not asked", "✗ wrong, not valid"]
        assert page.texts("#verdict-0 p") == []


def test_a_very_long_answer_is_cut_where_it_is_told_in_short_and_whole_where_it_stands(
    browser, tmp_path
):
    long = "9\U0001f34e" * 25_000
    rounds = [Round([[0, 6]], False, [long, f"8{long}", "7"])]
    trace = HandMadeTrace("long", STEPS, conclusion=f"\\boxed{{{long}}}", rounds=rounds)
    short = "9\U0001f34e" * 100 + "…"
    with opened(browser, address_of(tmp_path, [trace])) as page:
        assert page.rows(".rounds")[0][3] == f"{short} | …"
        assert page.texts("details.round summary q") == [f"{short} | …"]
        assert page.texts("details.round li .soft bdi") == [short, f"8{short[:198]}9…", "7"]
        assert page.texts("details.round pre") == [f"{long}}}.", f"8{long}}}.", "7}."]
        assert page.texts(".answers dd bdi") == ["5", short]
        assert page.run("getComputedStyle(document.querySelector('.rounds td')).verticalAlign") == (
            "top"
        )


def test_the_teachers_conclusion_stands_beside_what_follows_the_cut(browser, address):
    with opened(browser, address) as page:
        assert page.texts(".conclusion h3") == ["What follows: the teacher’s conclusion, as it was"]
        page.press("j")
        shows(page, "inner")
        assert page.texts(".conclusion h3") == [
            "What follows the cut: the student’s conclusion",
            "The teacher’s conclusion, replaced",
        ]
        assert page.texts(".conclusion .words") == [
            "The student says \\boxed{5}.",
            "So it is \\boxed{5}.",
        ]
        page.press("j")
        shows(page, "dropped")
        assert page.texts(".conclusion h3") == ["The teacher’s conclusion, dropped with the trace"]


def test_what_was_cut_can_be_hidden(browser, address):
    with opened(browser, address) as page:
        page.click("#fold")
        assert page.run("document.querySelector('.cut .step').offsetParent") is None
        assert page.run("document.querySelector('.kept .step').offsetParent !== null")
        assert page.texts(".run.cut h3") == ["Cut off: steps 4–6 (3 steps)"]
        page.wait_for("location.hash.includes('fold=yes')")


def test_a_set_that_was_not_pruned_has_everything_kept_and_no_verdicts(browser, tmp_path):
    with opened(browser, address_of(tmp_path, SHOWN, pruned=False, most=3)) as page:
        assert page.text("#account") == "3 of 5 traces shown, evenly spread · not pruned"
        assert page.texts(".run h3") == ["Kept: steps 1–5 (5 steps)"]
        assert page.texts("details.round, .rounds") == []
        assert page.run("document.querySelector('#reasons').offsetParent") is None
        assert page.run("document.querySelector('#unit').value") == "characters"


@pytest.mark.parametrize("count", [0, 1])
def test_a_set_of_one_trace_or_of_none_has_a_page(browser, tmp_path, count):
    with opened(browser, address_of(tmp_path, SHOWN[:count])) as page:
        words = "cut-at-3" if count else "This training set has no trace."
        assert words in page.text("#trace")
        assert page.run("document.querySelector('#after').disabled")
        page.press("j")
        assert words in page.text("#trace")


# --- searching and filtering --------------------------------------------------------------------


def test_text_is_found_in_steps_in_conclusions_and_in_the_students_answers(browser, address):
    with opened(browser, address) as page:
        for words, ids in (
            ("Four  APPLES", ["cut-at-3", "inner", "dropped", "unreadable"]),
            ("is that right? let me", ["cut-at-3", "inner", "dropped", "unreadable"]),
            ("the student says", ["inner"]),
            ("seventeen", ["dropped"]),
            ("It is \\boxed{7}", ["dropped"]),
        ):
            page.press("/")
            assert page.run("document.activeElement.id") == "text"
            page.type(words)
            finds(page, ids)
            shows(page, ids[0])
            page.press("Escape")
        page.wait_for("document.querySelector('#trace mark').textContent === 'It is \\\\boxed{7}'")


def test_matches_are_marked_and_n_leads_from_one_to_the_next(browser, address):
    with opened(browser, address + "#text=makes") as page:
        finds(page, ["cut-at-3", "inner", "dropped", "unreadable"])
        assert page.texts("#trace mark") == ["makes", "makes"]
        assert page.text("#next-match") == "n: next of 2 matches"
        current = "[...document.querySelectorAll('mark')].findIndex((m) => m.matches('.current'))"
        assert page.run(current) == 0
        page.press("n")
        assert page.run(current) == 1
        page.press("n")
        assert page.run(current) == 0
        # What was cut is hidden: its matches are not gone to.
        page.click("#fold")
        page.click("#fold")
        assert page.run(current) == 0


def test_what_is_found_across_two_steps_is_marked_in_both_and_is_one_match(browser, address):
    with opened(browser, address + "#row=1&text=is that right? let me") as page:
        finds(page, ["cut-at-3", "inner", "dropped", "unreadable"])
        shows(page, "inner")
        marked = "document.querySelectorAll('#trace mark').length === 2"
        page.wait_for(marked)
        assert page.texts("#trace mark") == ["is that", "right? Let me"]
        assert page.texts("#trace .words:has(mark)") == [
            "Wait, is that",
            "right? Let me count pears.",
        ]
        assert page.text("#next-match") == "n: the match"
        assert page.texts("mark.current") == ["is that", "right? Let me"]


def test_a_match_that_is_folded_away_is_unfolded_by_going_to_it(browser, address):
    with opened(browser, address + "#text=seventeen") as page:
        shows(page, "dropped")
        page.wait_for("document.querySelector('pre mark')")
        page.run("document.querySelector('#verdict-1').open = false")
        matches = page.run("document.querySelectorAll('#trace mark').length")
        for _ in range(matches):
            page.press("n")
        assert page.run("document.querySelector('#verdict-1').open")
        assert page.texts("mark.current") == ["seventeen"]


def test_what_was_typed_just_before_a_click_on_the_list_holds(browser, address):
    with opened(browser, address) as page:
        page.click("#text")
        page.type("apples")
        page.run("document.querySelector('#list li:nth-child(3) a').click()")
        finds(page, ["cut-at-3", "inner", "dropped", "unreadable"])
        shows(page, "dropped")
        assert page.run("document.querySelector('#text').value") == "apples"
        page.wait_for("location.hash === '#row=2&text=apples'")
        # The address is written a moment after a key leads on; the list goes by what is seen.
        page.press("j")
        shows(page, "unreadable")
        page.run("document.querySelector('#list li:nth-child(3) a').click()")
        shows(page, "dropped")
        page.wait_for("location.hash === '#row=2&text=apples'")


def test_what_is_not_found_is_said_and_the_filters_can_be_cleared(browser, address):
    with opened(browser, address + "#text=zebra&verdict=wrong") as page:
        finds(page, [])
        assert page.text("#trace") == "No trace matches these filters. Clear filters"
        page.click("#trace button")
        page.wait_for("document.querySelector('#found').innerText === '65 traces'")
        shows(page, "cut-at-3")
        assert page.run("document.querySelector('#text').value") == ""
        assert page.run("document.querySelectorAll('input:checked').length") == 0


def test_problems_are_found_by_id_and_by_question(browser, address):
    with opened(browser, address) as page:
        page.click("#problem")
        page.type("ORANGES")
        finds(page, ["inner"])
        page.run("document.querySelector('#problem').select()")
        page.type("filling-1")
        finds(page, ["filling-1", *(f"filling-{i}" for i in range(10, 20))])


def test_traces_are_filtered_by_verdict_and_by_reason_several_at_once(browser, address):
    with opened(browser, address) as page:
        assert page.texts("#verdicts .choice") == [
            "correct 63",
            "wrong 1",
            "undecided 1",
        ]
        assert page.texts("#reasons .choice") == [
            *("whole 61", "cut 2", "dropped: full trace not validated 1", "no thinking 1"),
        ]
        page.click("#reasons label:nth-of-type(2)")
        finds(page, ["cut-at-3", "inner"])
        page.click("#reasons label:nth-of-type(3)")
        finds(page, ["cut-at-3", "inner", "dropped"])
        page.click("#verdicts label:nth-of-type(2)")
        finds(page, ["dropped"])
        shows(page, "dropped")


@pytest.mark.parametrize("unit", ["tokens", "characters"])
def test_traces_are_filtered_by_length(browser, address, unit):
    lengths = {t.problem_id: len(t.whole) // (4 if unit == "tokens" else 1) for t in FILLING}
    shortest, longest = lengths["filling-50"], lengths["filling-55"]
    with opened(browser, f"{address}#unit={unit}") as page:
        page.click("#from")
        page.type(str(shortest))
        page.click("#to")
        page.type(str(longest))
        finds(page, [f"filling-{i}" for i in range(50, 56)])


def test_a_length_may_be_any_number_and_what_is_none_is_marked(browser, address):
    lengths = [len(trace.whole) for trace in [*SHOWN, *FILLING]]
    everything = f"{len(lengths)} of 65 traces"
    with opened(browser, f"{address}#unit=characters") as page:
        for typed, words in (
            ("1e3", f"{sum(length >= 1000 for length in lengths)} of 65 traces"),
            ("25.5", f"{sum(length >= 25.5 for length in lengths)} of 65 traces"),
            ("-3", everything),
            ("1e", "65 traces"),
        ):
            page.click("#from")
            page.run("document.querySelector('#from').select()")
            page.press("Delete")
            page.type(typed)
            page.wait_for(f"document.querySelector('#found').innerText === {json.dumps(words)}")
            assert page.run("document.querySelector('#from').matches(':invalid')") == (
                typed == "1e"
            )
    with opened(browser, f"{address}#from=1e2&to=1000.5") as page:
        assert page.run("[view.from, view.to]") == [100, 1000.5]
        assert page.run("document.querySelector('#to').value") == "1000.5"


def test_the_address_holds_the_whole_view_and_brings_it_back(browser, address):
    with opened(browser, address) as page:
        page.click("#reasons label:nth-of-type(2)")
        page.click("#problem")
        page.type("a & b=ä#")
        page.run("document.querySelector('#problem').select()")
        page.type("oranges")
        page.click("#from")
        page.type("1")
        finds(page, ["inner"])
        page.click("#fold")
        page.wait_for("location.hash.includes('fold=yes')")
        shared = page.run("location.href")
    with opened(browser, shared) as page:
        finds(page, ["inner"])
        shows(page, "inner")
        assert page.run("document.querySelector('#problem').value") == "oranges"
        assert page.run("document.querySelector('#from').value") == "1"
        assert page.run("document.querySelector('#fold').checked")
        assert page.texts("label:has(input:checked)")[0] == "cut 2"
        # An address that is typed in while the page is open.
        page.run("location.hash = '#row=3'")
        shows(page, "plain")
    with opened(browser, address + "#row=999&verdict=odd&from=x&unit=miles&reason=<b>") as page:
        shows(page, "cut-at-3")
        assert page.text("#found") == "65 traces"


# --- text that nobody trusts --------------------------------------------------------------------


def test_hostile_text_is_shown_as_text(browser, tmp_path):
    traces = [HOSTILE_TRACE, CUT]
    with opened(browser, address_of(tmp_path, traces, title=f"<b>{HOSTILE}</b>")) as page:
        page.run("document.querySelectorAll('details').forEach((e) => { e.open = true })")
        assert page.run("window.hacked") is None
        assert (
            page.run("document.querySelectorAll('img, #trace script, #trace style, b b').length")
            == 0
        )
        for selector in (
            "h1",
            "#trace h2",
            "#trace .words",
            ".conclusion .words",
            "#list b",
            ".rounds .answer",
            "details pre + *, details li:last-child pre",
        ):
            shown = page.run(f"document.querySelector({json.dumps(selector)}).textContent")
            assert "<script>window.hacked = 1</script>" in shown, selector
            assert "&lt;b&gt;" in shown, selector
        assert HOSTILE in page.run("document.querySelector('.run .words').textContent")
        page.press("/")
        page.type("<img src=x")
        page.wait_for("document.querySelector('#found').innerText === '1 of 2 traces'")
        assert "<img src=x" in page.texts("#trace mark")
        assert page.run("window.hacked") is None


@pytest.mark.parametrize("turn", ["\u202e", "\u2069\u202e", "\u2067\u2066\u202e"])
def test_text_that_turns_the_direction_of_writing_turns_nothing_beside_it(browser, tmp_path, turn):
    """Not even text that ends an isolate which it did not begin (U+2069)."""
    backwards = HandMadeTrace(
        f"id {turn}123",
        STEPS,
        conclusion=f"It is \\boxed{{{turn}7}}.",
        question=f"{turn}How many?",
        gold=f"{turn}5",
        rounds=[Round([[0, 6]], False, [f"{turn}999", f"{turn}998"])],
    )
    from_left_to_right = """(() => {
      const trusted = [".verdict", ".rounds td:last-child", "summary b", ".size", ".line span"];
      const all = [...document.querySelectorAll(trusted.join(","))].filter((e) => e.offsetParent);
      const texts = all.flatMap((e) => [...e.childNodes]).filter((node) => node.nodeType === 3);
      const place = (text, i) => { const range = document.createRange();
        range.setStart(text, i); range.setEnd(text, i + 1); return range.getBoundingClientRect(); };
      return texts.map((text) => {
        const places = [...text.data].map((_, i) => place(text, i)).filter((r) => r.width);
        return [text.data, places.every((r, i) => !i || r.top > places[i - 1].top
          || r.left >= places[i - 1].left)]; });
    })()"""
    with opened(browser, address_of(tmp_path, [backwards, CUT])) as page:
        page.run("document.querySelectorAll('details').forEach((e) => { e.open = true })")
        found = page.run(from_left_to_right)
        assert len(found) > 8
        assert [text for text, is_so in found if not is_so] == []
        before = "document.querySelector('.answers div:last-child bdi').getBoundingClientRect()"
        verdict = "document.querySelector('.answers .verdict').getBoundingClientRect()"
        assert page.run(f"{before}.right < {verdict}.left")


def test_real_traces_are_shown_as_they_are(browser, tmp_path):
    rows = real_rows("traces/mip_gsm8k_responses.jsonl")
    rows = [row for row in rows if row["teacher"] in ("QwQ-32B", "DeepSeek-R1")][:200]
    traces = [
        HandMadeTrace(f"{row['id']}-{number}", response=row["response"], question=row["question"])
        for number, row in enumerate(rows)
    ]
    with opened(browser, address_of(tmp_path, traces, pruned=False)) as page:
        assert page.text("#account") == "200 traces · not pruned"
        for row, trace in zip(rows[:20], traces, strict=False):
            shows(page, trace.problem_id)
            shown = "".join(page.run("document.querySelector('#trace').textContent").split())
            for line in row["response"].replace("</think>", "\n").split("\n\n"):
                for step in split_steps(line):
                    assert "".join(step.split()) in shown
            page.press("j")


# --- speed --------------------------------------------------------------------------------------


def test_a_trace_of_5000_steps_opens_in_less_than_two_seconds(browser, tmp_path):
    steps = [f"Step {i} is there.\n\n" for i in range(5000)]
    rounds = [Round([[0, 5000 - 7 * i]], True) for i in range(40)]
    long = HandMadeTrace("long", steps, kept=[[0, 4727]], reason="cut", rounds=rounds)
    assert len(long.whole) > 100_000
    with opened(browser, address_of(tmp_path, [CUT, long])) as page:
        seconds = page.run(
            "(async () => { const start = performance.now(); go(1); await showTrace();"
            " document.querySelector('main').getBoundingClientRect();"
            " await new Promise(requestAnimationFrame);"
            " return (performance.now() - start) / 1000 })()"
        )
        shows(page, "long")
        assert page.run("document.querySelectorAll('.step').length") == 5000
        assert seconds < 2
        page.press("k")
        shows(page, "cut-at-3")


def test_two_thousand_traces_are_searched_in_seconds(browser, tmp_path):
    words = "The sum of two numbers is a number, let me see. " * 100
    traces = [HandMadeTrace(f"p{i}", [words, f"needle{i}."]) for i in range(2000)]
    with opened(browser, address_of(tmp_path, traces)) as page:
        start = time.monotonic()
        page.press("/")
        page.type("needle1234.")
        page.wait_for("document.querySelector('#found').innerText === '1 of 2,000 traces'")
        shows(page, "p1234")
        assert time.monotonic() - start < 10
        page.press("Escape")


def test_a_search_through_all_traces_keeps_only_some_of_them_in_memory(browser, tmp_path):
    answer = "no " * 200_000  # as it was written and as it was read: 1.2 million characters
    traces = [
        HandMadeTrace(f"p{i}", STEPS, rounds=[Round([[0, 6]], False, [answer])]) for i in range(40)
    ]
    with opened(browser, address_of(tmp_path, traces) + "#text=zebra") as page:
        page.wait_for("document.querySelector('#found').innerText.startsWith('No trace')")
        assert page.run("INDEX.block_characters.reduce((sum, size) => sum + size)") > 45_000_000
        assert page.run("openBlocks.size") == 33
        kept = (
            "[...openBlocks.keys()].reduce((sum, block) => sum + INDEX.block_characters[block], 0)"
        )
        assert page.run(f"{kept} === openCharacters && openCharacters < 40_000_000")


# --- the table of contents ----------------------------------------------------------------------


def test_the_table_of_contents_leads_to_the_pages(browser, tmp_path):
    store = HandMadeStore(tmp_path)
    pruned = browse(store, [*SHOWN, *SHOWN])
    whole = store.run(
        "trace_browsers",
        {"title": "long", "traces": 2},
        {"training_set": write_training_set(store, SHOWN)},
    )
    pages = [
        {"file": "cut.small.html", "title": "cut · <small>"},
        {"file": "long.html", "title": "long"},
    ]
    parents = {"browsers": [pruned.folder, whole.folder]}
    made = store.run("trace_index", {"pages": pages}, parents)
    assert made.status == 0, made.text
    for page, browser_folder in zip(pages, parents["browsers"], strict=True):
        (made.folder / page["file"]).write_bytes((browser_folder / "browser.html").read_bytes())
    with browser.open((made.folder / "index.html").as_uri()) as page:
        rows = page.rows("table")
        left, before = made_tokens(pruned.record)
        assert rows[0][:5] == ["cut · <small>", "10", "10", "8", f"{100 * left / before:.0f} %"]
        assert "full trace not validated: 2 (dropped)" in rows[0][5]
        assert rows[1] == ["long", "5", "2", "–", "–", "not pruned"]
        assert page.complaints == []
        page.click("tbody tr:nth-child(1) a")
        page.wait_for("document.querySelector('#trace h2')")
        assert page.text("h1") == "pruned · small"
        page.click("#all")
        page.wait_for("document.querySelectorAll('tbody tr').length === 2")


def made_tokens(record: dict) -> tuple[int, int]:
    return record["tokens_after"], record["tokens_before"]


# --- the browser of these tests -----------------------------------------------------------------


def test_without_a_browser_these_tests_are_skipped_unless_it_is_required(monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("REQUIRE_CHROMIUM", raising=False)
    with pytest.raises(pytest.skip.Exception, match="apt-get install chromium"):
        find_chromium()
    monkeypatch.setenv("REQUIRE_CHROMIUM", "1")
    with pytest.raises(pytest.fail.Exception, match="no chromium on this machine"):
        find_chromium()
