"""The published JSON Schema of a benefit file; editors complete and check with it."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from ledger.money import Rounding
from policies.amounts import CapScope
from policies.benefits import (
    BenefitClass,
    Certainty,
    ClaimPeriod,
    DocumentLevel,
    Expectation,
    Mode,
    StackingRule,
)
from policies.criteria import BOUND_KEYS, LEVELS, ElapsedUnit, Stage
from policies.read_benefits import FORMAT
from policies.values import Combine
from policies.vocabulary import FieldType, Vocabulary, load_vocabulary

_TEXT: dict[str, Any] = {
    "anyOf": [
        {"type": "string"},
        {
            "type": "object",
            "properties": {"zh": {"type": "string"}, "en": {"type": "string"}},
            "required": ["zh"],
            "additionalProperties": False,
        },
    ]
}
_DATE: dict[str, Any] = {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"}
_WRITTEN = r"^[+-]?[0-9][0-9,_.]*\s*(%|％|‰|[百千]?万元?|亿元?|元|分)?$"
_QUANTITY: dict[str, Any] = {
    "anyOf": [
        {"type": "number"},
        {
            "type": "string",
            "pattern": _WRITTEN,
        },
    ]
}
_DAY: dict[str, Any] = {
    "anyOf": [
        _DATE,
        {
            "type": "object",
            "properties": {
                name: {"type": "integer"}
                for name in ("year", "years", "months", "days", "month", "day")
            },
            "additionalProperties": False,
            "minProperties": 1,
        },
    ]
}


def policy_schema(vocabulary: Vocabulary | None = None) -> dict[str, Any]:
    """Return the schema; field codes come from the vocabulary."""
    words = vocabulary or load_vocabulary()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "惠企政策文件",
        **_object(
            required={
                "format": {"const": FORMAT},
                "document": _document(),
                "benefits": _list(_benefit()),
            },
            optional={
                "parameters": _list(_parameter()),
                "definitions": {
                    "type": ["object", "null"],
                    "additionalProperties": _object(
                        required={"criterion": _ref("criterion")}, optional={"label": _TEXT}
                    ),
                },
            },
        ),
        "$defs": {
            "field": {"enum": sorted(words.fields)},
            "period": _period(),
            "day": _DAY,
            "bound": {"anyOf": [_QUANTITY, _DAY]},
            "criterion": {"anyOf": _criteria()},
            "amount": {"anyOf": _amounts()},
            "base": {"anyOf": [_field_base(), _ref("amount")]},
        },
    }


def schema_text(vocabulary: Vocabulary | None = None) -> str:
    """Return the schema as it stands in ``policies/data/policy.schema.json``."""
    return (
        json.dumps(policy_schema(vocabulary), ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    )


def published_schema() -> dict[str, Any]:
    """Return the schema that ships with the package."""
    text = files("policies").joinpath("data", "policy.schema.json").read_text(encoding="utf-8")
    loaded = json.loads(text)
    assert isinstance(loaded, dict), "a schema is a mapping"
    return loaded


# --- parts ---------------------------------------------------------------------------------------


def _object(
    *, required: dict[str, Any] | None = None, optional: dict[str, Any] | None = None
) -> dict[str, Any]:
    made = {
        "type": "object",
        "properties": (required or {}) | (optional or {}),
        "additionalProperties": False,
    }
    return made | ({"required": sorted(required)} if required else {})


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": ["array", "null"], "items": items}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{name}"}


def _nullable(kind: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [kind, {"type": "null"}]}


def _enum(kind: Any) -> dict[str, Any]:
    return {"enum": [member.value for member in kind]}


_STRING: dict[str, Any] = {"type": "string"}
_INTEGER: dict[str, Any] = {"type": "integer"}
_FLAG: dict[str, Any] = {"type": "boolean"}
_STRINGS: dict[str, Any] = _list(_STRING)


def _period() -> dict[str, Any]:
    span = {"type": "array", "items": _INTEGER, "minItems": 2, "maxItems": 2}
    return {
        "anyOf": [
            {"enum": ["last_year", "this_year", "last_month", None]},
            _object(required={"year": _INTEGER}),
            _object(required={"month": _INTEGER}),
            _object(required={"years": span, "combine": _enum(Combine)}),
            _object(required={"months": span, "combine": _enum(Combine)}),
        ]
    }


def _bounds() -> dict[str, Any]:
    return {name: _ref("bound") for name in BOUND_KEYS}


def _criteria() -> list[dict[str, Any]]:
    criterion = _ref("criterion")
    several = {"type": "array", "items": criterion, "minItems": 1}
    said = {"label": _TEXT, "clause": _STRING}
    n_of = _object(required={"n": _INTEGER, "of": several})
    stage = _enum(Stage)
    return [
        _leaf(),
        _object(required={"all": several}, optional=said),
        _object(required={"any": several}, optional=said),
        _object(required={"not": criterion}, optional=said),
        _object(required={"at_least": n_of}, optional=said),
        _object(
            required={"when": criterion, "then": criterion},
            optional={"otherwise": criterion} | said,
        ),
        _object(required={"rule": criterion, "except": several}, optional=said),
        _object(required={"use": _STRING}),
        _object(
            required={"open": _STRING, "route_to": _STRING},
            optional={"clause": _STRING, "stage": stage},
        ),
    ]


def _leaf() -> dict[str, Any]:
    value = {"type": ["string", "number", "boolean", "object"]}
    values = {"anyOf": [value, {"type": "array", "items": value, "minItems": 1}]}
    codes = {"anyOf": [_STRING, {"type": "array", "items": _STRING, "minItems": 1}]}
    over = {"over": _ref("period")}
    listed = {
        "valid": _FLAG,
        "first": _FLAG,
        "level_at_least": {"enum": list(LEVELS)},
        "listed_from": _ref("day"),
        "listed_until": _ref("day"),
        "expires_after": _ref("day"),
    }
    tests = {
        "eq": value,
        "ne": value,
        "in": values,
        "not_in": values,
        "under": codes,
        "not_under": codes,
        "exists": _FLAG,
        "elapsed": _object(required={"unit": _enum(ElapsedUnit)}, optional=_bounds()),
        "growth": _object(required=over, optional=_bounds()),
        "increase": _object(required=over, optional=_bounds()),
        "ratio_to": _object(required={"field": _ref("field")}, optional={"period": _ref("period")}),
        "listed": {"anyOf": [{"const": True}, _object(optional=listed)]},
        "not_listed": {"anyOf": [{"const": True}, _object(optional={"since": _ref("day")})]},
    }
    extra = {"period": _ref("period"), "clause": _STRING, "label": _TEXT, "stage": _enum(Stage)}
    return _object(required={"field": _ref("field")}, optional=tests | _bounds() | extra)


def _field_base() -> dict[str, Any]:
    return _object(required={"field": _ref("field")}, optional={"period": _ref("period")})


_SEVERAL = ("sum", "lowest", "highest", "minus")


def _amounts() -> list[dict[str, Any]]:
    amount, base = _ref("amount"), _ref("base")
    said = {"label": _TEXT, "clause": _STRING}
    rounding = {"rounding": _enum(Rounding)} | said
    edges = dict.fromkeys(("from", "above", "below", "to"), _QUANTITY)
    step = _object(required={"amount": amount}, optional=edges)
    piece = _object(required={"from": _QUANTITY, "rate": _QUANTITY}, optional={"below": _QUANTITY})
    branch = _object(required={"when": _ref("criterion"), "amount": amount})
    several = {"type": "array", "items": base, "minItems": 1}
    tiers = _object(required={"by": base, "steps": _list(step)})
    slices = _object(required={"by": base, "slices": _list(piece)})
    capped = _object(required={"amount": base, "cap": _QUANTITY})
    ends = {"low": _nullable(_QUANTITY), "high": _nullable(_QUANTITY)}
    relief = _object(required={"note": _TEXT}, optional={"estimate": amount})
    return [
        _object(required={"fixed": _QUANTITY}, optional=said),
        _object(required={"rate": _QUANTITY, "of": base}, optional=rounding),
        _object(required={"per_unit": _QUANTITY, "of": base}, optional=rounding),
        _object(required={"tiers": tiers}, optional=said),
        _object(required={"slices": slices}, optional=rounding),
        _object(required={"choose": _list(branch)}, optional={"otherwise": amount} | said),
        *(_object(required={kind: several}, optional=said) for kind in _SEVERAL),
        _object(required={"parameter": _STRING}, optional={"of": base} | rounding),
        _object(required={"at_most": capped}, optional=said),
        _object(required={"open": _STRING}, optional=ends | said),
        _object(required={"relief": relief}, optional=said),
    ]


def _document() -> dict[str, Any]:
    return _object(
        required={
            "id": {"type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$"},
            "title": _STRING,
            "issuer": _STRING,
            "level": _enum(DocumentLevel),
            "region": {"type": "string", "pattern": r"^\d{6}$"},
            "valid_from": _DATE,
            "certainty": _enum(Certainty),
        },
        optional={
            "number": _STRING,
            "issued_on": _nullable(_DATE),
            "valid_until": _nullable(_DATE),
            "url": _STRING,
            "demo": _FLAG,
        },
    )


def _parameter() -> dict[str, Any]:
    value = _object(required={"from": _DATE, "value": _QUANTITY}, optional={"source": _STRING})
    return _object(
        required={"code": _STRING, "values": _list(value)},
        optional={"label": _TEXT, "type": _enum(FieldType)},
    )


def _benefit() -> dict[str, Any]:
    return _object(
        required={
            "id": {"type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$"},
            "version": {"type": "integer", "minimum": 1},
            "name": _TEXT,
            "basis": _STRING,
            "class": _enum(BenefitClass),
            "mode": _enum(Mode),
            "lead_department": _STRING,
            "criteria": _ref("criterion"),
            "amount": _ref("amount"),
        },
        optional=_benefit_extras() | _benefit_procedure(),
    )


def _benefit_extras() -> dict[str, Any]:
    cap = _object(
        required={"scope": _enum(CapScope), "amount": _QUANTITY}, optional={"clause": _STRING}
    )
    stacking = _object(
        required={"rule": _enum(StackingRule)},
        optional={"group": _STRING, "with": _STRINGS, "clause": _STRING},
    )
    codes = dict.fromkeys(("exp_func", "gov_eco", "dep_eco"), _STRING)
    return {
        "beneficiary": _TEXT,
        "valid_from": _nullable(_DATE),
        "valid_until": _nullable(_DATE),
        "window": _nullable(_object(required={"open": _DATE, "close": _DATE})),
        "period": _enum(ClaimPeriod),
        "period_offset": _INTEGER,
        "joint_departments": _STRINGS,
        "purse": _nullable(_STRING),
        "allotment_purpose": _nullable(_STRING),
        "codes": _nullable(_object(optional=codes)),
        "caps": _list(cap),
        "stacking": _nullable(stacking),
        "outcome": _list(_ref("criterion")),
        "cases": _list(_case()),
    }


def _benefit_procedure() -> dict[str, Any]:
    material = _object(
        required={"name": _TEXT},
        optional={"issuer": _STRING, "held_by_government": _FLAG, "key": _FLAG},
    )
    step = _object(required={"role": _STRING, "working_days": _INTEGER})
    instalment = _object(required={"share": _QUANTITY}, optional={"when": _STRING})
    fair = _object(required={"result": _STRING}, optional={"date": _nullable(_DATE)})
    return {
        "instalments": _list(instalment),
        "materials": _list(material),
        "steps": _list(step),
        "promise_working_days": _nullable(_INTEGER),
        "statutory_working_days": _nullable(_INTEGER),
        "publicity_working_days": _INTEGER,
        "credit_gate": _STRINGS,
        "contact": _STRING,
        "supervision": _STRING,
        "fair_competition": _nullable(fair),
        "performance_goal": _nullable(_TEXT),
    }


def _case() -> dict[str, Any]:
    ends = {"type": "array", "items": _nullable(_QUANTITY), "minItems": 2, "maxItems": 2}
    return _object(
        required={
            "as_of": _DATE,
            "expect": _enum(Expectation),
            "profile": {"type": ["object", "null"]},
        },
        optional={
            "name": _STRING,
            "amount": _nullable({"anyOf": [_QUANTITY, ends]}),
            "missing": _STRINGS,
            "why": _STRING,
        },
    )
