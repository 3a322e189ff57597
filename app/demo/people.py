"""The people of the demo: officers with invented names, and who acts for which firm."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from app.auth import Grant
from app.demo.firms import Firm
from app.demo.truth import CityTruth
from app.roles import Role

INDUSTRY = "南昌市工业和信息化局"
SCIENCE = "南昌市科学技术局"
LABOUR = "南昌市人力资源和社会保障局"
TRADE = "南昌市商务局"
COUNTY = "青山湖区工业和信息化局"
ZONE = "南昌经济技术开发区管委会经济发展局"

DEPARTMENTS: Mapping[str, str] = {
    "gx": INDUSTRY,
    "kj": SCIENCE,
    "rs": LABOUR,
    "sw": TRADE,
    "qsh": COUNTY,
    "jk": ZONE,
}
"""Short name in sign-ins to the department of the demo pack."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One person who signs in: user name, name, and every role held."""

    username: str
    display_name: str
    grants: tuple[Grant, ...]
    story: str = ""
    """For an agent: why this firm is worth a look."""


_OFFICER_NAMES: Mapping[str, tuple[str, str, str]] = {
    "gx": ("涂静怡", "邹海宁", "万志峰"),
    "kj": ("熊雨晴", "龚文斌", "喻国辉"),
    "rs": ("黎小敏", "胡立平", "罗玉琴"),
    "sw": ("程梦洁", "揭晓东", "章建明"),
    "qsh": ("魏思颖", "甘永强", "余秀兰"),
    "jk": ("陶佳慧", "聂俊超", "闵德华"),
}
_FINANCE_NAMES: Mapping[str, tuple[str, str, str]] = {
    # maker, checker, releaser
    "nanchang": ("席文静", "饶志刚", "卢明霞"),
    "qingshanhu": ("艾梦婷", "殷国平", "樊丽华"),
    "ncjk": ("查思雅", "简永超", "晏秋萍"),
    "social-fund": ("钟丽娟", "阳志勇", "欧阳敏"),
}


def officers() -> tuple[Person, ...]:
    """Return every officer of the demo; no person holds two steps of one case."""
    return (*_department_officers(), *_finance_officers(), *_overseers())


def _department_officers() -> list[Person]:
    people = []
    for short, department in DEPARTMENTS.items():
        steps = (Role.HANDLER, Role.REVIEWER, Role.HEAD)
        words = ("jingban", "fuhe", "fuze")
        for word, role, name in zip(words, steps, _OFFICER_NAMES[short], strict=True):
            people.append(_person(f"{short}-{word}", name, Grant(role=role, department=department)))
    people.append(
        _person(
            "chuangkou",
            "邱小芳",
            *(Grant(role=Role.WINDOW_CLERK, department=name) for name in DEPARTMENTS.values()),
        )
    )
    return people


def _finance_officers() -> list[Person]:
    roles = (
        Role.FINANCE_MAKER,
        Role.FINANCE_CHECKER,
        Role.FINANCE_RELEASER,
    )
    words = ("zhidan", "fuhe", "qianfa")
    return [
        _person(f"{purse}-{word}", name, Grant(role=role, purse=purse))
        for purse, names in _FINANCE_NAMES.items()
        for word, role, name in zip(words, roles, names, strict=True)
    ]


def _overseers() -> list[Person]:
    return [
        _person("bianzhi", "文思远", Grant(role=Role.AUTHOR)),
        _person("shenhe", "况玉洁", Grant(role=Role.POLICY_REVIEWER)),
        _person("duizhang", "付晓燕", Grant(role=Role.RECONCILER)),
        _person("qianhe", "徐长春", Grant(role=Role.RECONCILE_SIGNER)),
        _person("jiandu", "车文涛", Grant(role=Role.SUPERVISOR)),
        _person("shenji", "帅建华", Grant(role=Role.AUDITOR)),
        _person("guanli", "祝晨宇", Grant(role=Role.ADMINISTRATOR)),
    ]


def _person(username: str, name: str, *grants: Grant) -> Person:
    return Person(username=username, display_name=name, grants=grants)


STORIES: Mapping[str, str] = {
    "many": "符合多项惠企政策",
    "question": "答一个问题即可判定",
    "nearly": "只差一步",
    "waiting": "已审定，等待资金",
    "bounced": "付款被退回",
    "held": "账户户名与企业名称不符",
    "paid": "已到账",
    "newborn": "本月新设立",
    "gone": "已注销仍在名单内",
    "zone": "开发区企业，市区两级支持",
}
"""Why a firm is shown, in the order in which agents are picked."""


def pick_agents(
    truth: CityTruth,
    *,
    offers: Mapping[str, Sequence[str]],
    found: Mapping[str, Collection[str]],
    limit: int = 10,
) -> tuple[Person, ...]:
    """Choose up to ``limit`` firms worth a look after the chain has run, one agent for each.

    ``offers`` maps a credit code to the benefits it is eligible for; ``found`` maps a key of
    STORIES other than ``many`` and ``zone`` to the credit codes the chain found for it. Heroes of
    the city are preferred, then the smaller index: the same findings give the same people.
    """
    firms = {firm.uscc: firm for firm in truth.firms}
    zone = [code for code in offers if code in firms and firms[code].park == "NCJK"]
    candidates = {
        "many": sorted(offers, key=lambda code: -len(offers[code]))[:20],
        "newborn": [truth.parts["just_born"]],
        "gone": [truth.parts["gone_but_listed"]],
        "held": [truth.parts["old_account"]],
        "zone": zone,
        **{story: list(codes) for story, codes in found.items()},
    }
    chosen: dict[str, str] = {}
    for story in STORIES:
        ranked = sorted(
            (firms[code] for code in candidates.get(story, []) if code in firms),
            key=lambda firm: (story != "many" and not firm.part, _count(offers, firm, story)),
        )
        code = next((firm.uscc for firm in ranked if firm.uscc not in chosen), "")
        if code and len(chosen) < limit:
            chosen[code] = story
    return tuple(
        Person(
            username=f"qiye{number:02d}",
            display_name=firms[code].legal_representative,
            grants=(Grant(role=Role.AGENT, uscc=code),),
            story=STORIES[story],
        )
        for number, (code, story) in enumerate(chosen.items(), 1)
    )


def _count(offers: Mapping[str, Sequence[str]], firm: Firm, story: str) -> tuple[int, int]:
    return (-len(offers.get(firm.uscc, ())) if story == "many" else 0, firm.index)
