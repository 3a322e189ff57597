"""Documents, benefits (惠企政策事项), their cases, and the catalogue that holds them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import TypeAlias

from policies.amounts import Amount, Cap, walk
from policies.amounts import conditions as amount_conditions
from policies.criteria import Criterion, Stage, Use, at_stage, expanded
from policies.criteria import walk as walk_criterion
from policies.values import Quantity, Text


class DocumentLevel(StrEnum):
    """Level of government that issued a document."""

    NATIONAL = "national"
    PROVINCE = "province"
    CITY = "city"
    COUNTY = "county"
    ZONE = "zone"


class Certainty(StrEnum):
    """How the facts of a document are known: its text, a page about it, or memory."""

    TEXT = "text"
    SEEN = "seen"
    MEMORY = "memory"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyDocument:
    """The legal source; validity is inclusive at both ends, None is no end stated."""

    id: str
    number: str
    title: str
    issuer: str
    level: DocumentLevel
    region: str
    issued_on: date | None
    valid_from: date
    valid_until: date | None
    url: str
    certainty: Certainty
    demo: bool = False


class BenefitClass(StrEnum):
    """What kind of thing is given."""

    RELIEF = "减免"
    AWARD = "奖补"
    RIGHT = "权益"
    QUALIFICATION = "资质"


class Mode(StrEnum):
    """How it is got (兑现方式)."""

    DIRECT = "direct"
    INSTANT = "instant"
    PROMISED = "promised"
    APPLY = "apply"
    FILING = "filing"


class ClaimPeriod(StrEnum):
    """What one claim covers."""

    YEAR = "year"
    ONCE = "once"
    MONTH = "month"


class StackingRule(StrEnum):
    """How a benefit behaves beside others of its group.

    EXCLUSIVE: only one of the group. HIGHEST: the higher one alone. DIFFERENCE: what exceeds the
    amounts got before. ONCE: once in a firm's life. STACKABLE: beside everything.
    """

    EXCLUSIVE = "exclusive"
    HIGHEST = "highest"
    DIFFERENCE = "difference"
    ONCE = "once"
    STACKABLE = "stackable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stacking:
    """The stacking rule, its group and the other benefits it names."""

    rule: StackingRule
    group: str = ""
    with_benefits: tuple[str, ...] = ()
    clause: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instalment:
    """One part of an award paid in parts."""

    share: Quantity
    when: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Something to be handed in; what government holds may not be asked for."""

    name: Text
    issuer: str = ""
    held_by_government: bool = False
    key: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkStep:
    """One step of the office: a role and its working days."""

    role: str
    working_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """When claims are taken; both ends inclusive."""

    open: date
    close: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Codes:
    """Classification codes of the expenditure: functional, government and department economic."""

    exp_func: str = ""
    gov_eco: str = ""
    dep_eco: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FairCompetition:
    """Result and date of the fair-competition review."""

    result: str
    date: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterValue:
    """A value that holds from a day on, with where it is from."""

    valid_from: date
    value: Quantity
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A dated local value (LPR, minimum wage), kept apart from the rules that use it."""

    code: str
    label: Text
    values: tuple[ParameterValue, ...]

    def at(self, as_of: date) -> ParameterValue | None:
        """Return the value in force on a day, None before the first one."""
        held = [value for value in self.values if value.valid_from <= as_of]
        return max(held, key=lambda value: value.valid_from, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A named criterion of a document."""

    name: str
    label: Text
    criterion: Criterion


# --- cases ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseInterval:
    """A value known as a range; None is no bound."""

    low: Quantity | None
    high: Quantity | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseListing:
    """One entry of a register."""

    listed_on: date
    valid_until: date | None = None
    removed_on: date | None = None
    level: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRegister:
    """What a case's firm has in one register: entries (none is a known no), or an open question."""

    entries: tuple[CaseListing, ...] = ()
    complete: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseItems:
    """The lines of an item list: (key, ((column, value), …))."""

    items: tuple[tuple[str, tuple[tuple[str, CaseScalar], ...]], ...]


CaseScalar: TypeAlias = Quantity | str | bool | date
CasePlain: TypeAlias = CaseScalar | CaseInterval | CaseRegister | CaseItems


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFact:
    """One entry of a case's profile; ``as_of`` None means the day of the case."""

    field: str
    period: int | None
    value: CasePlain
    as_of: date | None = None


class Expectation(StrEnum):
    """The three verdicts."""

    ELIGIBLE = "eligible"
    INELIGIBLE = "ineligible"
    UNDETERMINED = "undetermined"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A small profile, a day, and what must come out.

    ``amount`` is the exact award in fen, ``amount_low``/``amount_high`` the range where it is
    one; ``missing`` is compared as a set when given.
    """

    name: str
    as_of: date
    profile: tuple[CaseFact, ...]
    expect: Expectation
    amount: Quantity | None = None
    amount_range: CaseInterval | None = None
    missing: tuple[str, ...] | None = None
    why: str = ""


# --- benefits ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Benefit:
    """One version of one benefit, with everything its rule needs.

    ``definitions`` and ``parameters`` are those of its document that the rule uses. Validity is
    inclusive; ``valid_until`` None is no end stated.
    """

    id: str
    version: int
    name: Text
    document: PolicyDocument
    basis: str
    benefit_class: BenefitClass
    mode: Mode
    beneficiary: Text
    valid_from: date
    valid_until: date | None
    criteria: Criterion
    amount: Amount
    lead_department: str
    window: Window | None = None
    period: ClaimPeriod = ClaimPeriod.YEAR
    period_offset: int = 0
    joint_departments: tuple[str, ...] = ()
    purse: str | None = None
    allotment_purpose: str = ""
    codes: Codes = field(default_factory=Codes)
    caps: tuple[Cap, ...] = ()
    stacking: Stacking | None = None
    instalments: tuple[Instalment, ...] = ()
    materials: tuple[Material, ...] = ()
    steps: tuple[WorkStep, ...] = ()
    promise_working_days: int | None = None
    statutory_working_days: int | None = None
    publicity_working_days: int = 0
    credit_gate: tuple[str, ...] = ()
    contact: str = ""
    supervision: str = ""
    fair_competition: FairCompetition | None = None
    performance_goal: Text | None = None
    outcome: tuple[Criterion, ...] = ()
    cases: tuple[Case, ...] = ()
    definitions: tuple[Definition, ...] = ()
    parameters: tuple[Parameter, ...] = ()

    def in_force(self, as_of: date) -> bool:
        """Whether the benefit is valid on a day."""
        return self.valid_from <= as_of and (self.valid_until is None or as_of <= self.valid_until)

    def window_open(self, as_of: date) -> bool:
        """Whether claims are taken on a day; always when no window is stated."""
        return self.window is None or self.window.open <= as_of <= self.window.close

    def claim_period(self, as_of: date) -> int | None:
        """Return what a claim made on a day covers: a year, a month number, None for once."""
        if self.period is ClaimPeriod.ONCE:
            return None
        if self.period is ClaimPeriod.YEAR:
            return as_of.year + self.period_offset
        return as_of.year * 12 + as_of.month - 1 + self.period_offset

    def expanded_criteria(self) -> Criterion:
        """Return the whole rule with every definition written out, all stages."""
        return expanded(self.criteria, self._definitions())

    def rule(self) -> Criterion | None:
        """Return what is asked before payment, definitions written out."""
        return at_stage(self.expanded_criteria(), Stage.BEFORE)

    def outcome_conditions(self) -> tuple[Criterion, ...]:
        """Return what is checked after payment, definitions written out."""
        staged = at_stage(self.expanded_criteria(), Stage.OUTCOME)
        own = tuple(expanded(part, self._definitions()) for part in self.outcome)
        return own if staged is None else (staged, *own)

    def expand(self, criterion: Criterion) -> Criterion:
        """Write out the definitions in a criterion of this benefit (a branch of its amount)."""
        return expanded(criterion, self._definitions())

    def _definitions(self) -> dict[str, Criterion]:
        return {entry.name: entry.criterion for entry in self.definitions}


def used_definitions(
    benefit: Benefit, definitions: Mapping[str, Definition]
) -> tuple[Definition, ...]:
    """Return the definitions a benefit reaches, sorted by name."""
    waiting = [benefit.criteria, *benefit.outcome, *amount_conditions(benefit.amount)]
    found: dict[str, Definition] = {}
    while waiting:
        for part in walk_criterion(waiting.pop()):
            if isinstance(part, Use) and part.name not in found and part.name in definitions:
                found[part.name] = definitions[part.name]
                waiting.append(definitions[part.name].criterion)
    return tuple(found[name] for name in sorted(found))


def used_parameters(benefit: Benefit, parameters: Mapping[str, Parameter]) -> tuple[Parameter, ...]:
    """Return the parameters a benefit's amount uses, sorted by code."""
    codes = {getattr(part, "parameter", None) for part in walk(benefit.amount)}
    return tuple(parameters[code] for code in sorted(c for c in codes if c in parameters and c))


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyFile:
    """The content of one file: a document with its parameters, definitions and benefits."""

    document: PolicyDocument
    parameters: tuple[Parameter, ...]
    definitions: tuple[Definition, ...]
    benefits: tuple[Benefit, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where something stands: a file and a line counted from 1."""

    file: str
    line: int


@dataclass(frozen=True)
class Catalogue:
    """Policy files together; ``places`` says where each benefit (id, version) is written."""

    files: tuple[PolicyFile, ...]
    places: Mapping[tuple[str, int], Place] = field(default_factory=dict)

    @cached_property
    def documents(self) -> tuple[PolicyDocument, ...]:
        """Return the documents, sorted by id."""
        return tuple(sorted((file.document for file in self.files), key=lambda d: d.id))

    def benefits(self) -> Iterator[Benefit]:
        """Yield every benefit version, sorted by id and version."""
        every = [benefit for file in self.files for benefit in file.benefits]
        yield from sorted(every, key=lambda b: (b.id, b.version))

    def benefit(self, benefit_id: str, version: int | None = None) -> Benefit | None:
        """Return one version of a benefit, the latest when none is named."""
        found = [b for b in self.benefits() if b.id == benefit_id]
        if version is not None:
            found = [b for b in found if b.version == version]
        return found[-1] if found else None

    def at(self, as_of: date) -> list[Benefit]:
        """Return the latest version in force on a day of every benefit, sorted by id."""
        held: dict[str, Benefit] = {}
        for benefit in self.benefits():
            if benefit.in_force(as_of):
                held[benefit.id] = benefit
        return [held[key] for key in sorted(held)]
