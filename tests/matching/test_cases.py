"""Cases: what passes, what a failing case says, and the whole catalogue's own cases."""

from dataclasses import replace
from pathlib import Path

import policies
from matching.cases import case_profile, run_cases
from policies.benefits import Benefit
from policies.codec import read_catalogue, read_correct
from policies.values import money
from policies.vocabulary import load_vocabulary
from tests.policies.sample_file import SAMPLE

WORDS = load_vocabulary()


def sample() -> Benefit:
    return read_correct(SAMPLE).benefits[0]


def test_sample_cases_pass() -> None:
    results = run_cases([sample()])
    assert [result.differences for result in results] == [()] * len(results)
    assert len(results) == 4


def test_wrong_expectation_says_what_came_out() -> None:
    benefit = sample()
    wrong = replace(benefit.cases[0], amount=money(1))
    (result,) = run_cases([replace(benefit, cases=(wrong,))])
    assert not result.passed
    assert result.differences == ("金额应为 ¥0.01, 得到 10万元",)


def test_gate_that_the_rule_does_not_ask_about_is_clean_unless_said() -> None:
    benefit = replace(sample(), credit_gate=("tax_violation",))
    profile = case_profile(benefit, benefit.cases[0], WORDS)
    assert profile.registers["tax_violation"].complete


def test_every_case_of_the_catalogue_passes() -> None:
    folder = Path(policies.__file__).parent / "catalog"
    catalogue, findings = read_catalogue([folder])
    assert findings == ()
    failed = [
        f"{result.benefit_id} {result.name}: {'; '.join(result.differences)}"
        for result in run_cases(catalogue.benefits())
        if not result.passed
    ]
    assert failed == []
