"""Credit codes: what is accepted, what is refused and what only warns."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn.uscc import calc_check_digit

from matching import uscc
from matching.uscc import ProblemKind

BODIES = st.text(alphabet=uscc.ALPHABET, min_size=8, max_size=8)
CODES = st.builds(
    lambda authority, division, body: uscc.make(
        authority=authority, division=f"{division:06d}", body=body
    ),
    st.sampled_from(["91", "92", "93", "11", "N2", "A1", "Y1", "5G"]),
    st.integers(0, 999_999),
    BODIES,
)


@pytest.mark.parametrize(
    "text",
    [
        "9144030071526726XG",
        "91110000710926094P",
        "91310000631696382C",
        "914403001922038216",
        "91340000711771143J",
        " 9144-0300 7152 6726xg ",
        "９１４４０３００７１５２６７２６ＸＧ",
    ],
)
def test_codes_in_use_are_fine(text: str) -> None:
    assert uscc.check(text) == ()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", ProblemKind.MISSING),
        ("—", ProblemKind.MISSING),
        ("914403001922038", ProblemKind.LENGTH),
        ("9144030019220382160", ProblemKind.LENGTH),
        ("91440300192203821O", ProblemKind.CHARACTERS),
        ("9144030O1922038216", ProblemKind.CHARACTERS),
        ("914403001922038217", ProblemKind.CHECK),
        ("91440300192203821٦", ProblemKind.CHARACTERS),
    ],
)
def test_a_code_that_names_nobody_says_why(text: str, kind: ProblemKind) -> None:
    (problem,) = uscc.check(text)
    assert problem.kind is kind
    assert problem.fatal
    assert not uscc.is_valid(text)


def test_a_wrong_organisation_check_only_warns() -> None:
    first = "91360111" + "MA35A1B2" + "7"
    assert uscc.organisation_check_character("MA35A1B2") != "7"
    code = first + uscc.check_character(first)
    (problem,) = uscc.check(code)
    assert problem.kind is ProblemKind.ORGANISATION_CHECK
    assert not problem.fatal
    assert uscc.is_valid(code)


@given(CODES)
def test_a_made_code_is_valid_however_it_is_typed(code: str) -> None:
    wide = "".join(chr(ord(char) + 0xFEE0) for char in code)
    for typed in (code, code.lower(), f" {code[:4]} {code[4:]}", wide):
        assert uscc.clean(typed) == code
        assert uscc.check(typed) == ()


@given(CODES, st.integers(0, 17), st.sampled_from(uscc.ALPHABET))
def test_one_wrong_character_is_always_noticed(code: str, place: int, char: str) -> None:
    changed = code[:place] + char + code[place + 1 :]
    assert uscc.is_valid(changed) == (changed == code)


@given(CODES)
def test_the_arithmetic_is_that_of_stdnum(code: str) -> None:
    assert uscc.check_character(code[:17]) == calc_check_digit(code[:17])
