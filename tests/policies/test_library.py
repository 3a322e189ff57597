"""The library: publishing once and for all, two people, and replay."""

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import Engine, insert, select, update
from sqlalchemy.exc import DBAPIError

from policies.codec import read_correct
from policies.errors import SameReviewerError, UnknownBenefitError, VersionTakenError
from policies.library import (
    benefit,
    every_benefit,
    list_drafts,
    live_benefits,
    publish,
    repeal,
    save_draft,
    set_draft_state,
    versions,
)
from policies.tables import benefit_versions, documents
from tests.policies.sample_file import SAMPLE

FILE = read_correct(SAMPLE)
SECOND = read_correct(SAMPLE.replace("version: 1", "version: 2").replace("10万元}", "12万元}"))
MARCH = datetime(2026, 3, 1, tzinfo=UTC)
MAY = datetime(2026, 5, 1, tzinfo=UTC)
JUNE = date(2026, 6, 30)


def test_published_benefit_comes_back_equal(engine: Engine) -> None:
    with engine.begin() as connection:
        made = publish(connection, FILE, by="author", reviewed_by="reviewer", at=MARCH)
        assert made == [("nc-sample-award", 1)]
        assert live_benefits(connection, JUNE) == list(FILE.benefits)
        assert benefit(connection, "nc-sample-award") == FILE.benefits[0]


def test_publishing_again_changes_nothing(engine: Engine) -> None:
    with engine.begin() as connection:
        publish(connection, FILE, by="a", reviewed_by="b", at=MARCH)
        assert publish(connection, FILE, by="a", reviewed_by="b", at=MAY) == []
        assert len(connection.execute(select(documents)).all()) == 1
        assert len(versions(connection, "nc-sample-award")) == 1


def test_replay_sees_what_was_known_then(engine: Engine) -> None:
    with engine.begin() as connection:
        publish(connection, FILE, by="a", reviewed_by="b", at=MARCH)
        publish(connection, SECOND, by="a", reviewed_by="b", at=MAY)
        assert [b.version for b in live_benefits(connection, JUNE)] == [2]
        assert [b.version for b in live_benefits(connection, JUNE, MARCH)] == [1]
        assert benefit(connection, "nc-sample-award", 1).version == 1
        assert [b.version for b in every_benefit(connection)] == [2]


def test_out_of_force_is_not_live(engine: Engine) -> None:
    with engine.begin() as connection:
        publish(connection, FILE, by="a", reviewed_by="b", at=MARCH)
        assert live_benefits(connection, date(2026, 1, 31)) == []
        assert len(live_benefits(connection, date(2026, 12, 31))) == 1
        assert live_benefits(connection, date(2027, 1, 1)) == []


def test_repeal_counts_from_its_day_and_its_record(engine: Engine) -> None:
    with engine.begin() as connection:
        publish(connection, FILE, by="a", reviewed_by="b", at=MARCH)
        repeal(
            connection,
            "nc-sample-award",
            1,
            from_day=date(2026, 6, 1),
            by="a",
            at=MAY,
            reason="废止",
        )
        assert live_benefits(connection, JUNE) == []
        assert len(live_benefits(connection, date(2026, 5, 31))) == 1
        assert len(live_benefits(connection, JUNE, MARCH)) == 1


def test_author_cannot_review(engine: Engine) -> None:
    with engine.begin() as connection, pytest.raises(SameReviewerError):
        publish(connection, FILE, by="a", reviewed_by="a", at=MARCH)


def test_database_itself_wants_two_people(engine: Engine) -> None:
    with engine.begin() as connection:
        publish(connection, FILE, by="a", reviewed_by="b", at=MARCH)
        row = connection.execute(select(benefit_versions)).one()._asdict()
    row |= {"version": 9, "hash": "x", "reviewed_by": "a"}
    with pytest.raises(DBAPIError), engine.begin() as connection:
        connection.execute(insert(benefit_versions).values(**row))


def test_published_version_cannot_change(engine: Engine) -> None:
    changed = read_correct(
        SAMPLE.replace("fixed: 10万元", "fixed: 11万元").replace("amount: 10万元", "amount: 11万元")
    )
    with engine.begin() as connection:
        publish(connection, FILE, by="a", reviewed_by="b", at=MARCH)
        with pytest.raises(VersionTakenError):
            publish(connection, changed, by="a", reviewed_by="b", at=MAY)
    with pytest.raises(DBAPIError), engine.begin() as connection:
        connection.execute(update(benefit_versions).values(mode="apply"))


def test_unknown_benefit_is_refused(engine: Engine) -> None:
    with engine.begin() as connection, pytest.raises(UnknownBenefitError, match="no-such"):
        benefit(connection, "no-such")


def test_draft_goes_to_another_person(engine: Engine) -> None:
    with engine.begin() as connection:
        key = save_draft(connection, title="稿", text=SAMPLE, author="a", at=MARCH)
        with pytest.raises(SameReviewerError):
            set_draft_state(connection, key, "in_review", at=MAY, reviewer="a")
        set_draft_state(connection, key, "in_review", at=MAY, reviewer="b")
        assert (
            save_draft(connection, title="稿二", text=SAMPLE, author="a", at=MAY, draft_id=key)
            == key
        )
        (row,) = list_drafts(connection)
        assert (row.title, row.state) == ("稿二", "draft")
