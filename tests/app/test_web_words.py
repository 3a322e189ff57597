"""Every phrase of the interface has its English; templates keep to the content policy."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.claims import STATE_ZH
from app.web import author, finance, policy_words, side, supervision
from app.web.access import FACES
from app.web.case_view import EVENT_ZH
from app.web.page import TEMPLATES
from app.web.words import english, translator
from app.work.before_release import LABELS
from ledger.differences import LABELS as BREAK_LABELS

FILES = sorted(TEMPLATES.rglob("*.html"))
PHRASE = re.compile(r"""\bt\(\s*(["'])((?:(?!\1).)+)\1\s*\)""")


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(TEMPLATES)))
def test_every_phrase_in_a_template_has_english(file: Path) -> None:
    phrases = {match.group(2) for match in PHRASE.finditer(file.read_text(encoding="utf-8"))}
    assert sorted(phrases - set(english())) == []


def test_every_label_from_code_has_english() -> None:
    groups = [*side.finance(), *side.desk(), *side.policies(), *side.supervision()]
    labels = {
        *(link.label for link in FACES),
        *(group.title for group in groups),
        *(link.label for group in groups for link in group.links),
        *STATE_ZH.values(),
        *EVENT_ZH.values(),
        *BREAK_LABELS.values(),
        *LABELS.values(),
        *finance.PACKAGE_STATES.values(),
        *finance.APPLICATION_STATES.values(),
        *finance.ANSWERS.values(),
        *finance.EFFECTS.values(),
        *finance.RULES.values(),
        *finance.BOOKS.values(),
        *finance.CHANNELS.values(),
        *author.MODES.values(),
        *author.LEVELS.values(),
        *author.STATES.values(),
        *author.CERTAINTY.values(),
        *policy_words.CLASS_ZH.values(),
        *policy_words.SCOPE_ZH.values(),
        *policy_words.STACKING_ZH.values(),
        *supervision.KINDS.values(),
    }
    assert sorted(labels - set(english())) == []


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(TEMPLATES)))
def test_templates_have_no_inline_style_script_or_handler(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert not re.search(r"\sstyle=", text)
    assert not re.search(r"\son[a-z]+=", text)
    assert not re.search(r"<script(?![^>]*(src=|application/json))", text)
    assert "| safe" not in text


def test_unknown_phrase_stays_chinese_in_english() -> None:
    assert translator("en")("没有登记的词") == "没有登记的词"
    assert translator("zh")("可享") == "可享"
