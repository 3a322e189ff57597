"""Words: near miss, next question, reasons."""

from dataclasses import replace
from datetime import date

from matching.evaluate import evaluate
from matching.explain import award_words, headline, near_miss, next_questions, node_words, reasons
from matching.profiles import Profile
from policies.amounts import Fixed
from policies.criteria import (
    AllOf,
    AnyOf,
    AtLeast,
    Bounds,
    Compare,
    Criterion,
    Elapsed,
    ElapsedUnit,
    Leaf,
    Listed,
    Member,
    NotListed,
    Under,
    When,
)
from policies.values import money, number, quantity
from tests.matching.criteria_strategies import AS_OF, make_benefit
from tests.matching.test_evaluate import WORDS, firm

HERE = Leaf(field="region", test=Under(prefixes=("3601",)))


def at_least(field: str, text: str) -> Leaf:
    return Leaf(field=field, test=Compare(bounds=Bounds(at_least=quantity(text))))


REVENUE = at_least("revenue", "2000万元")
STAFF = at_least("staff", "10")
ELEVEN = {"region": "360111", "revenue@2025": 1_900_000_000, "staff@2025": 11}


def missed(criterion: Criterion, profile: Profile) -> str | None:
    verdict = evaluate(make_benefit(criterion), profile, AS_OF, vocabulary=WORDS)
    found = near_miss(verdict)
    return None if found is None else found.text_zh


def test_one_number_short() -> None:
    rule = AllOf(of=(HERE, REVENUE, STAFF))
    assert missed(rule, firm(ELEVEN)) == "营业收入增加100万元"


def test_strictly_more_is_one_fen_more() -> None:
    rule = Leaf(field="revenue", test=Compare(bounds=Bounds(more_than=money(1_900_000_000))))
    assert missed(rule, firm(ELEVEN)) == "营业收入增加¥0.01"


def test_place_cannot_change() -> None:
    assert missed(AllOf(of=(HERE, REVENUE)), firm(ELEVEN | {"region": "110101"})) is None


def test_the_cheaper_way_is_taken() -> None:
    far = at_least("staff", "500")
    assert missed(AnyOf(of=(far, REVENUE)), firm(ELEVEN)) == "营业收入增加100万元"
    two = AtLeast(n=2, of=(far, REVENUE, STAFF))
    assert missed(two, firm(ELEVEN)) == "营业收入增加100万元"


def test_waiting_has_a_date() -> None:
    rule = Leaf(
        field="established_on",
        test=Elapsed(bounds=Bounds(at_least=number(12)), unit=ElapsedUnit.MONTHS),
    )
    profile = firm({"established_on": date(2025, 8, 31)})
    verdict = evaluate(make_benefit(rule), profile, AS_OF, vocabulary=WORDS)
    found = near_miss(verdict)
    assert found is not None
    assert found.ready_on == date(2026, 8, 31)
    assert found.text_zh == "等到2026年8月31日（还有62天）"


def test_share_is_said_in_the_amount_that_moves_it() -> None:
    profile = firm({"rd_expense@2025": 20_000_000, "revenue@2025": 1_000_000_000})
    assert missed(at_least("rd_intensity", "3%"), profile) == "研发费用增加10万元"


def test_registers_can_be_joined_and_left() -> None:
    profile = firm({}, {"hnte": True})
    assert missed(Leaf(field="hnte", test=Listed()), profile) == "取得或续展“高新技术企业”"


def test_guard_asks_for_its_branch() -> None:
    small = Leaf(field="staff", test=Compare(bounds=Bounds(at_most=number(30))))
    rule = When(when=small, then=REVENUE, otherwise=HERE)
    assert missed(rule, firm(ELEVEN)) == "营业收入增加100万元"


def test_eligible_misses_nothing() -> None:
    assert missed(HERE, firm(ELEVEN)) is None


def test_what_else_is_open_is_said() -> None:
    verdict = evaluate(
        make_benefit(AllOf(of=(REVENUE, Leaf(field="dishonest", test=NotListed())))),
        firm(ELEVEN),
        AS_OF,
        vocabulary=WORDS,
    )
    found = near_miss(verdict)
    assert found is not None
    assert found.open_zh == ("失信被执行人 未列入",)


# --- questions -----------------------------------------------------------------------------------


def test_question_that_decides_most_money_comes_first() -> None:
    small = make_benefit(STAFF, Fixed(money=money(1_000_000)), "one")
    large = make_benefit(REVENUE, Fixed(money=money(50_000_000)), "two")
    both = make_benefit(AllOf(of=(STAFF, REVENUE)), Fixed(money=money(1_000_000)), "three")
    verdicts = [
        evaluate(benefit, firm(), AS_OF, vocabulary=WORDS) for benefit in (small, large, both)
    ]
    first, second = next_questions(verdicts, vocabulary=WORDS)
    assert (first.ask, first.decides, first.touches) == ("revenue@2025", 1, 2)
    assert first.stake_fen == 51_000_000
    assert first.benefits == ("three", "two")
    assert first.text_zh == "2025年: 营业收入是多少？"
    assert (first.by_firm, first.who_zh) == (False, "税务部门")
    assert second.ask == "staff@2025"


def test_decided_verdicts_ask_nothing() -> None:
    verdict = evaluate(make_benefit(HERE), firm(ELEVEN), AS_OF, vocabulary=WORDS)
    assert next_questions([verdict], vocabulary=WORDS) == []


# --- words ---------------------------------------------------------------------------------------


def test_reasons_mark_what_decides() -> None:
    verdict = evaluate(
        make_benefit(AllOf(of=(HERE, REVENUE))), firm(ELEVEN), AS_OF, vocabulary=WORDS
    )
    here, revenue = reasons(verdict)
    assert (here.decisive, revenue.decisive) == (False, True)
    assert revenue.text_zh == ("不符合: 2025年营业收入 不低于 2,000万元（实际: 1,900万元）")
    assert revenue.source == "税务部门"


def test_headline_has_the_amount() -> None:
    benefit = replace(make_benefit(HERE), credit_gate=())
    verdict = evaluate(benefit, firm(ELEVEN), AS_OF, vocabulary=WORDS)
    assert headline(verdict) == "“示例事项”: 符合条件，测算金额 1万元"
    assert verdict.award is not None
    unknown = replace(verdict.award, exact_fen=None, low_fen=0, high_fen=None)
    assert award_words(unknown) == "测算金额待定"
    ranged = replace(unknown, high_fen=2_000_000)
    assert award_words(ranged) == "测算金额 0元至2万元"


def test_unknown_says_why() -> None:
    verdict = evaluate(make_benefit(REVENUE), firm(), AS_OF, vocabulary=WORDS)
    assert node_words(verdict.root.children[0]).endswith("（尚无数据）")


def test_code_values_are_said_by_name() -> None:
    rule = Leaf(field="sme_size", test=Member(values=("micro", "small")))
    verdict = evaluate(
        make_benefit(rule), firm({"sme_size@2025": "large"}), AS_OF, vocabulary=WORDS
    )
    node = verdict.root.children[0]
    assert (node.label_zh, node.value) == ("2025年企业划型 属于 微型、小型", "大型")
