"""Turning criteria, amounts, benefits and cases back into plain mappings, keys in file order."""

from __future__ import annotations

from datetime import date
from typing import Any

from ledger.money import Rounding
from policies import amounts as a
from policies import criteria as c
from policies.benefits import (
    Benefit,
    Case,
    CaseFact,
    CaseInterval,
    CaseItems,
    CaseListing,
    CaseRegister,
    ClaimPeriod,
    Codes,
    Parameter,
    PolicyDocument,
    PolicyFile,
)
from policies.read_benefits import FORMAT
from policies.values import Period, Quantity, RelativeDate, Text, Unit, written

_EMPTY: tuple[object, ...] = (None, "", (), [])


def _kept(**entries: Any) -> dict[str, Any]:
    """Return the entries that say something; a trailing underscore of a key is dropped."""
    return {key.rstrip("_"): value for key, value in entries.items() if value not in _EMPTY}


def plain_text(text: Text | None) -> dict[str, str] | None:
    """Write a text in its languages."""
    return None if text is None else _kept(zh=text.zh, en=text.en) or {"zh": ""}


def plain_value(value: c.Scalar) -> Any:
    """Write a value of a criterion."""
    if isinstance(value, Quantity):
        return written(value)
    if isinstance(value, RelativeDate):
        named = {k: v for k in ("year", "months", "days") if (v := getattr(value, k))}
        if value.month is not None:
            named |= {"month": value.month, "day": value.day or 1}
        return named or {"days": 0}
    return value


def plain_period(period: Period | None) -> Any:
    """Write a period."""
    if period is None:
        return None
    unit = period.unit.value
    if period.combine is None:
        named = {("year", -1): "last_year", ("year", 0): "this_year", ("month", -1): "last_month"}
        return named.get((unit, period.first), {unit: period.first})
    return {unit + "s": [period.first, period.last], "combine": period.combine.value}


def plain_bounds(bounds: c.Bounds) -> dict[str, Any]:
    """Write the bounds that are set."""
    return {key: plain_value(bound) for key, bound in bounds.items()}


# --- criteria ------------------------------------------------------------------------------------


def plain_criterion(criterion: c.Criterion) -> dict[str, Any]:
    """Write one criterion."""
    if isinstance(criterion, c.Leaf):
        return _leaf(criterion)
    if isinstance(criterion, c.Use):
        return {"use": criterion.name}
    if isinstance(criterion, c.Open):
        stage = _stage(criterion.stage)
        return {"open": criterion.text} | _kept(
            route_to=criterion.route_to, clause=criterion.clause, stage=stage
        )
    return _group(criterion) | _kept(label=plain_text(criterion.label), clause=criterion.clause)


def _group(group: c.Group) -> dict[str, Any]:
    match group:
        case c.AllOf():
            return {"all": _list(group.of)}
        case c.AnyOf():
            return {"any": _list(group.of)}
        case c.Not():
            return {"not": plain_criterion(group.of)}
        case c.AtLeast():
            return {"at_least": {"n": group.n, "of": _list(group.of)}}
        case c.When():
            otherwise = None if group.otherwise is None else plain_criterion(group.otherwise)
            guard = {"when": plain_criterion(group.when), "then": plain_criterion(group.then)}
            return guard | _kept(otherwise=otherwise)
        case c.Except():
            return {"rule": plain_criterion(group.rule), "except": _list(group.exceptions)}


def _list(criteria: tuple[c.Criterion, ...]) -> list[dict[str, Any]]:
    return [plain_criterion(part) for part in criteria]


def _stage(stage: c.Stage) -> str | None:
    return None if stage is c.Stage.BEFORE else stage.value


def _leaf(leaf: c.Leaf) -> dict[str, Any]:
    head = {"field": leaf.field} | _kept(period=plain_period(leaf.period))
    label, stage = plain_text(leaf.label), _stage(leaf.stage)
    return head | plain_test(leaf.test) | _kept(clause=leaf.clause, label=label, stage=stage)


def plain_test(test: c.Test) -> dict[str, Any]:
    """Write the test of a leaf."""
    match test:
        case c.Compare():
            return plain_bounds(test.bounds)
        case c.Member():
            return _member(test)
        case c.Under():
            return {"not_under" if test.negated else "under": list(test.prefixes)}
        case c.Elapsed():
            return {"elapsed": plain_bounds(test.bounds) | {"unit": test.unit.value}}
        case c.Growth() | c.Increase():
            name = "growth" if isinstance(test, c.Growth) else "increase"
            return {name: {"over": plain_period(test.over)} | plain_bounds(test.bounds)}
        case c.RatioTo():
            to = {"field": test.field} | _kept(period=plain_period(test.period))
            return {"ratio_to": to} | plain_bounds(test.bounds)
        case c.Exists():
            return {"exists": test.expected}
        case c.Listed():
            return {"listed": _listed(test)}
        case c.NotListed():
            since = None if test.since is None else plain_value(test.since)
            return {"not_listed": _kept(since=since)}


def _member(test: c.Member) -> dict[str, Any]:
    if len(test.values) == 1:
        return {"ne" if test.negated else "eq": plain_value(test.values[0])}
    return {"not_in" if test.negated else "in": [plain_value(v) for v in test.values]}


def _listed(test: c.Listed) -> dict[str, Any]:
    days = {
        name: plain_value(day)
        for name in ("listed_from", "listed_until", "expires_after")
        if (day := getattr(test, name)) is not None
    }
    first = {"first": True} if test.first else {}
    return {"valid": test.valid} | _kept(level_at_least=test.level_at_least) | days | first


# --- amounts -------------------------------------------------------------------------------------


def plain_amount(amount: a.Base) -> dict[str, Any]:
    """Write one amount or base."""
    if isinstance(amount, a.FieldBase):
        return {"field": amount.field} | _kept(period=plain_period(amount.period))
    return _amount(amount) | _kept(label=plain_text(amount.label), clause=amount.clause)


def _amount(amount: a.Amount) -> dict[str, Any]:
    match amount:
        case a.Fixed():
            return {"fixed": written(amount.money)}
        case a.Rate():
            head = {"rate": written(amount.rate), "of": plain_amount(amount.of)}
            return head | _rounding(amount.rounding, Rounding.DOWN_YUAN)
        case a.PerUnit():
            head = {"per_unit": written(amount.each), "of": plain_amount(amount.of)}
            return head | _rounding(amount.rounding, Rounding.DOWN_FEN)
        case a.Tiers():
            steps = [_step(step) for step in amount.steps]
            return {"tiers": {"by": plain_amount(amount.by), "steps": steps}}
        case a.Slices():
            parts = [_slice(part) for part in amount.slices]
            table = {"slices": {"by": plain_amount(amount.by), "slices": parts}}
            return table | _rounding(amount.rounding, Rounding.DOWN_YUAN)
        case a.Choose():
            branches = [
                {"when": plain_criterion(b.when), "amount": plain_amount(b.amount)}
                for b in amount.branches
            ]
            otherwise = None if amount.otherwise is None else plain_amount(amount.otherwise)
            return {"choose": branches} | _kept(otherwise=otherwise)
        case a.Sum() | a.Lowest() | a.Highest() | a.Minus():
            return {type(amount).__name__.lower(): [plain_amount(part) for part in amount.of]}
        case a.ByParameter():
            of = None if amount.of is None else plain_amount(amount.of)
            head = {"parameter": amount.parameter} | _kept(of=of)
            return head | _rounding(amount.rounding, Rounding.DOWN_YUAN)
        case a.AtMost():
            return {"at_most": {"amount": plain_amount(amount.amount), "cap": written(amount.cap)}}
        case a.OpenAmount():
            high = None if amount.high is None else written(amount.high)
            return {"open": amount.text, "low": written(amount.low)} | _kept(high=high)
        case a.Relief():
            estimate = None if amount.estimate is None else plain_amount(amount.estimate)
            return {"relief": {"note": plain_text(amount.note)} | _kept(estimate=estimate)}


def _rounding(rounding: Rounding, default: Rounding) -> dict[str, str]:
    return {} if rounding is default else {"rounding": rounding.value}


_STEP_KEYS = {"at_least": "from", "more_than": "above", "at_most": "to", "less_than": "below"}


def _step(step: a.Step) -> dict[str, Any]:
    bounds = {_STEP_KEYS[key]: value for key, value in plain_bounds(step.bounds).items()}
    return bounds | {"amount": plain_amount(step.amount)}


def _slice(part: a.Slice) -> dict[str, Any]:
    end = {} if part.below is None else {"below": written(part.below)}
    return {"from": written(part.start)} | end | {"rate": written(part.rate)}


# --- files ---------------------------------------------------------------------------------------


def plain_file(file: PolicyFile) -> dict[str, Any]:
    """Write a whole file."""
    definitions = {
        d.name: {"label": plain_text(d.label), "criterion": plain_criterion(d.criterion)}
        for d in file.definitions
    }
    parameters = [_parameter(parameter) for parameter in file.parameters]
    head = {"format": FORMAT, "document": _document(file.document)}
    if parameters:
        head["parameters"] = parameters  # type: ignore[assignment]
    if definitions:
        head["definitions"] = definitions
    return head | {"benefits": [plain_benefit(benefit) for benefit in file.benefits]}


def _document(document: PolicyDocument) -> dict[str, Any]:
    return {
        "id": document.id,
        "number": document.number,
        "title": document.title,
        "issuer": document.issuer,
        "level": document.level.value,
        "region": document.region,
        "issued_on": document.issued_on,
        "valid_from": document.valid_from,
        "valid_until": document.valid_until,
        "url": document.url,
        "certainty": document.certainty.value,
        "demo": document.demo,
    }


def _parameter(parameter: Parameter) -> dict[str, Any]:
    units = {Unit.FEN: "money", Unit.RATIO: "ratio", Unit.NUMBER: "number"}
    values = [
        {"from": entry.valid_from, "value": written(entry.value)} | _kept(source=entry.source)
        for entry in parameter.values
    ]
    kind = units[parameter.values[0].value.unit] if parameter.values else "number"
    label = plain_text(parameter.label)
    return {"code": parameter.code, "label": label, "type": kind, "values": values}


def plain_benefit(benefit: Benefit) -> dict[str, Any]:
    """Write one benefit; validity is always written, so that it stands alone."""
    b = benefit
    return (
        {"id": b.id, "version": b.version, "name": plain_text(b.name), "basis": b.basis}
        | {"class": b.benefit_class.value, "mode": b.mode.value}
        | _kept(beneficiary=plain_text(b.beneficiary) if b.beneficiary.zh else None)
        | {"valid_from": b.valid_from, "valid_until": b.valid_until}
        | _kept(window=b.window and {"open": b.window.open, "close": b.window.close})
        | ({} if b.period is ClaimPeriod.YEAR else {"period": b.period.value})
        | ({"period_offset": b.period_offset} if b.period_offset else {})
        | {"lead_department": b.lead_department}
        | _kept(joint_departments=list(b.joint_departments), purse=b.purse)
        | _kept(allotment_purpose=b.allotment_purpose, codes=_codes(b.codes))
        | {"criteria": plain_criterion(b.criteria), "amount": plain_amount(b.amount)}
        | _kept(caps=[_cap(cap) for cap in b.caps], stacking=_stacking(b))
        | _procedure(b)
        | _kept(outcome=[plain_criterion(part) for part in b.outcome])
        | _kept(cases=[_case(case) for case in b.cases])
    )


def _procedure(b: Benefit) -> dict[str, Any]:
    fair = b.fair_competition
    return _kept(
        instalments=[{"share": written(i.share)} | _kept(when=i.when) for i in b.instalments],
        materials=[
            {"name": plain_text(m.name)}
            | _kept(issuer=m.issuer)
            | {"held_by_government": m.held_by_government, "key": m.key}
            for m in b.materials
        ],
        steps=[{"role": s.role, "working_days": s.working_days} for s in b.steps],
        promise_working_days=b.promise_working_days,
        statutory_working_days=b.statutory_working_days,
        publicity_working_days=b.publicity_working_days or None,
        credit_gate=list(b.credit_gate),
        contact=b.contact,
        supervision=b.supervision,
        fair_competition=fair and {"result": fair.result} | _kept(date=fair.date),
        performance_goal=plain_text(b.performance_goal),
    )


def _codes(codes: Codes) -> dict[str, Any] | None:
    named = _kept(exp_func=codes.exp_func, gov_eco=codes.gov_eco, dep_eco=codes.dep_eco)
    return named or None


def _cap(cap: a.Cap) -> dict[str, Any]:
    amount = written(cap.amount)
    return {"scope": cap.scope.value, "amount": amount} | _kept(clause=cap.clause)


def _stacking(benefit: Benefit) -> dict[str, Any] | None:
    s = benefit.stacking
    if s is None:
        return None
    named = _kept(group=s.group, with_=list(s.with_benefits), clause=s.clause)
    return {"rule": s.rule.value} | named


# --- cases ---------------------------------------------------------------------------------------


def _case(case: Case) -> dict[str, Any]:
    profile = {_fact_key(fact): _fact_value(fact) for fact in case.profile}
    named = {"name": case.name, "as_of": case.as_of, "profile": profile}
    amount: Any = None if case.amount is None else written(case.amount)
    if case.amount_range is not None:
        amount = _interval(case.amount_range)
    missing = {} if case.missing is None else {"missing": list(case.missing)}
    return (
        named | {"expect": case.expect.value} | _kept(amount=amount) | missing | _kept(why=case.why)
    )


def _fact_key(fact: CaseFact) -> str:
    if fact.period is None:
        return fact.field
    if fact.period < 12 * 1000:
        return f"{fact.field}@{fact.period}"
    return f"{fact.field}@{fact.period // 12}-{fact.period % 12 + 1:02d}"


def _fact_value(fact: CaseFact) -> Any:
    value = _case_value(fact.value)
    return value if fact.as_of is None else {"value": value, "as_of": fact.as_of}


def _case_value(value: Any) -> Any:
    if isinstance(value, CaseInterval):
        return _interval(value)
    if isinstance(value, CaseRegister):
        if not value.entries:
            return "none" if value.complete else "unknown"
        return [_listing(entry) for entry in value.entries]
    if isinstance(value, CaseItems):
        if not value.items:
            return "none"
        return [
            {"key": key} | {name: plain_value(entry) for name, entry in values}
            for key, values in value.items
        ]
    return value if isinstance(value, date) else plain_value(value)


def _interval(value: CaseInterval) -> list[Any]:
    ends = (value.low, value.high)
    return [None if end is None else written(end) for end in ends]


def _listing(entry: CaseListing) -> dict[str, Any]:
    return {"listed_on": entry.listed_on} | _kept(
        valid_until=entry.valid_until, removed_on=entry.removed_on, level=entry.level
    )
