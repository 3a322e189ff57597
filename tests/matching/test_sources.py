"""The kinds of files fit together with their keys and with the vocabulary."""

import pytest

from matching.rows import heading_reader, plain_heading
from matching.sources import DECLARATION, SOURCES, ColumnType, Source
from policies.vocabulary import OriginKind, load_vocabulary


@pytest.mark.parametrize("source", SOURCES.values(), ids=lambda source: source.kind)
def test_keys_and_orders_name_columns(source: Source) -> None:
    codes = [column.code for column in source.columns]
    assert len(codes) == len(set(codes))
    named = {*source.key, *source.fallback_key, *(code for pair in source.order for code in pair)}
    assert named <= set(codes)
    assert codes[:2] == ["uscc", "name"]


@pytest.mark.parametrize("source", SOURCES.values(), ids=lambda source: source.kind)
def test_every_heading_and_code_leads_to_its_own_column(source: Source) -> None:
    known = heading_reader(source)
    for column in source.columns:
        assert known[plain_heading(column.heading)[0]] == column
        assert known[column.code] == column
        assert (column.type is ColumnType.CHOICE) == bool(column.choices)


def test_every_field_of_the_vocabulary_has_a_column_or_list_to_come_from() -> None:
    for field in load_vocabulary().fields.values():
        origin = field.origin
        if origin.kind is OriginKind.COLUMN:
            assert SOURCES[origin.source].column(origin.column).code == origin.column
        elif origin.kind is OriginKind.LIST:
            assert origin.list_code in SOURCES[origin.source].lists
        elif origin.kind is OriginKind.ITEMS:
            assert SOURCES[origin.source].key


def test_every_list_feeds_a_field() -> None:
    fed = {field.origin.list_code for field in load_vocabulary().fields.values()}
    listed = {code for source in SOURCES.values() for code in source.lists}
    assert listed <= fed


def test_declarations_have_no_file() -> None:
    assert DECLARATION not in SOURCES


@pytest.mark.parametrize(
    ("text", "plain", "unit"),
    [
        ("营业收入（万元）", "营业收入", "万元"),
        ("营业收入(元)", "营业收入", "元"),
        (" 营业 收入 （单位：万元）", "营业收入", "万元"),
        ("*统一社会信用代码", "统一社会信用代码", ""),
        ("REVENUE", "revenue", ""),
        ("级别（注）", "级别(注)", ""),
    ],
)
def test_headings_lose_marks_and_tell_their_unit(text: str, plain: str, unit: str) -> None:
    assert plain_heading(text) == (plain, unit)
