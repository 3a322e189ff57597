"""The registry: what stands in it, and what a broken registry file says."""

import pytest

from policies.code_trees import divisions, industries, size_rows
from policies.errors import VocabularyError
from policies.vocabulary import (
    FieldType,
    OriginKind,
    SourceClass,
    load_vocabulary,
    read_vocabulary,
)

ENTRY = """\
- code: a
  label: {zh: 甲, en: A}
  type: money
  unit: fen
  period: year
  source_class: T
  from: {source: tax_annual, column: a}
  question: {zh: 多少？, en: How much?}
"""


def test_every_field_can_be_asked_in_both_languages() -> None:
    for field in load_vocabulary().fields.values():
        assert field.label_zh, field.code
        assert field.label_en, field.code
        assert field.question_zh, field.code
        assert field.question_en, field.code


def test_money_is_fen_and_only_declared_fields_are_class_d() -> None:
    for field in load_vocabulary().fields.values():
        if field.type is FieldType.MONEY:
            assert field.unit == "fen", field.code
        declared = field.origin.kind is OriginKind.DECLARED
        assert declared == (field.source_class is SourceClass.DECLARED), field.code


def test_derived_class_is_that_of_an_input() -> None:
    words = load_vocabulary()
    for field in words.fields.values():
        if field.origin.kind is OriginKind.DERIVED:
            inputs = {words[code].source_class for code in field.origin.inputs}
            assert field.source_class in inputs, field.code


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("type: money", "type: coins", "coins"),
        ("period: year", "perod: year", "perod"),
        ("  label: {zh: 甲, en: A}\n", "", "label"),
        ("code: a", "code: a\n  code: b", "重复的键"),
    ],
)
def test_broken_entry_names_its_file_and_line(old: str, new: str, said: str) -> None:
    with pytest.raises(VocabularyError, match=said) as caught:
        read_vocabulary({"x.yaml": ENTRY.replace(old, new)})
    assert "x.yaml" in str(caught.value)


def test_code_registered_twice_is_refused() -> None:
    with pytest.raises(VocabularyError, match="重复"):
        read_vocabulary({"x.yaml": ENTRY, "y.yaml": ENTRY})


def test_divisions_cover_by_stem() -> None:
    tree = divisions()
    assert tree.name("3601") == tree.name("360100") == "南昌市"
    assert tree.covers("36", "360111") is True
    assert tree.covers("100000", "110101") is True
    assert tree.covers("360111", "360100") is None
    assert tree.covers("110000", "360111") is False


def test_industries_cover_with_and_without_letter() -> None:
    tree = industries()
    assert tree.covers("C", "2614") is True
    assert tree.covers("C26", "2614") is True
    assert tree.covers("26", "C2614") is True
    assert tree.covers("2614", "26") is None
    assert tree.covers("I", "2614") is False


def test_size_table_is_in_fen() -> None:
    row = next(r for r in size_rows() if r.industry == "工业" and r.indicator == "revenue")
    assert (row.large_min, row.small_min) == (40_000_000_000, 300_000_000)
