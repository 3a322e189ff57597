"""Names made comparable, and links that are made only when they are sure."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.linkage import (
    ACCEPT,
    MARGIN,
    SHOWN,
    Enterprise,
    Linker,
    folded,
    normalise,
    regions_named,
    same_name,
)


@pytest.mark.parametrize(
    ("name", "core"),
    [
        ("江西省南昌市青山湖区鸿运机械有限责任公司", "鸿运机械"),
        ("江西鸿运机械股份有限公司", "鸿运机械"),
        ("南昌鴻運機械有限公司", "鸿运机械"),
        ("南昌经济技术开发区鸿运机械有限公司", "鸿运机械"),
        ("鸿运（南昌）机械有限公司", "鸿运南昌机械"),
        ("鸿运(南昌)机械 有限公司", "鸿运南昌机械"),
        ("ＡＢＣ科技有限公司", "ABC科技"),
        ("青山湖区老王小吃店", "老王小吃店"),
        ("南昌市公司", "公司"),
        ("", ""),
    ],
)
def test_the_core_of_a_name(name: str, core: str) -> None:
    assert normalise(name) == core


NAMES = st.text(max_size=24) | st.builds(
    "".join,
    st.lists(
        st.sampled_from(
            [
                "江西省",
                "南昌市",
                "南昌",
                "青山湖区",
                "鸿",
                "運",
                "机械",
                "（",
                "）",
                "有限",
                "公司",
                "有限责任公司",
                "股份有限公司",
                "Ａ",
                " ",
                "開發區",
                "经开区",
                "中国",
            ]
        ),
        max_size=9,
    ),
)


@given(NAMES)
@settings(max_examples=200)
def test_normalising_twice_is_normalising_once(name: str) -> None:
    assert folded(folded(name)) == folded(name)
    assert normalise(normalise(name)) == normalise(name)


def test_regions_at_the_head() -> None:
    assert regions_named("江西省南昌市青山湖区鸿运机械有限公司") == {"江西", "南昌", "青山湖区"}
    assert regions_named("鸿运机械有限公司") == frozenset()


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("南昌市鸿运机械有限公司", "南昌鴻運機械有限責任公司", True),
        ("鸿运（南昌）机械有限公司", "鸿运(南昌)机械有限公司", True),
        ("鸿运机械有限公司", "南昌市鸿运机械有限公司", True),
        ("九江市鸿运机械有限公司", "南昌市鸿运机械有限公司", False),
        ("南昌市鸿运机械有限公司", "南昌市宏运机械有限公司", False),
    ],
)
def test_ways_of_writing_one_name(first: str, second: str, same: bool) -> None:
    assert same_name(first, second) is same


FIRMS = [
    Enterprise(uscc="A", name="南昌市鸿运机械有限公司", legal_representative="张三"),
    Enterprise(uscc="B", name="南昌市宏运机械有限公司", former_names=("南昌市旧名食品有限公司",)),
    Enterprise(uscc="C", name="江西朗盛系统集成有限公司", legal_representative="李四"),
    Enterprise(uscc="D", name="南昌朗盛系统集成有限公司", legal_representative="王五"),
    Enterprise(uscc="E", name="南昌市同名贸易有限公司", address="青山湖区上海路1号"),
    Enterprise(uscc="F", name="南昌市同名贸易有限公司", address="新建区长堎大道99号"),
]


@pytest.mark.parametrize(
    ("query", "found", "how"),
    [
        ({"name": "南昌市鸿运机械有限公司"}, "A", "exact"),
        ({"name": "南昌市旧名食品有限责任公司"}, "B", "former"),
        ({"name": "鸿运机械有限公司"}, "A", "core"),
        ({"name": "南昌市鴻運機械　有限公司"}, "A", "exact"),
        ({"name": "朗盛系统集成有限公司"}, None, "ambiguous"),
        ({"name": "朗盛系统集成有限公司", "legal_representative": "李四"}, "C", "core"),
        ({"name": "南昌朗盛系统集成有限公司"}, "D", "exact"),
        ({"name": "南昌市同名贸易有限公司"}, None, "ambiguous"),
        ({"name": "南昌市同名贸易有限公司", "address": "青山湖区上海路1号"}, "E", "exact"),
        ({"name": "南昌市鸿运机戒有限公司"}, None, "low"),
        ({"name": "赣州市毫不相干餐饮有限公司"}, None, "none"),
        ({"name": "九江市鸿运机械有限公司"}, None, "low"),
    ],
)
def test_links_and_refusals(query: dict[str, str], found: str | None, how: str) -> None:
    link = Linker(FIRMS).link(**query)
    assert (link.uscc, link.how) == (found, how)
    assert len(link.candidates) <= SHOWN
    assert list(link.candidates) == sorted(link.candidates, key=lambda c: (-c.score, c.uscc))
    if found is not None and link.runner_up:
        assert link.score >= ACCEPT


def test_a_code_with_one_slip_helps_a_name_with_one_slip() -> None:
    firms = [Enterprise(uscc="91360111MA0000019K", name="南昌市鸿运恒达机械有限公司")]
    linker = Linker(firms)
    slip = "南昌市鸿运恒达机戒有限公司"
    assert linker.link(slip).uscc is None
    assert linker.link(slip, written_code="91360111MA0000019J").uscc == firms[0].uscc


def test_candidates_are_told_when_nothing_is_sure() -> None:
    link = Linker(FIRMS).link("朗盛系统集成有限公司")
    assert [candidate.uscc for candidate in link.candidates] == ["C", "D"]
    assert link.score - link.runner_up < MARGIN


def test_an_empty_register_links_nobody() -> None:
    assert Linker([]).link("南昌市鸿运机械有限公司").how == "none"


def noised(draws: random.Random, firm: Enterprise) -> str:
    """A name as another department writes it."""
    name = firm.name
    kind = draws.randrange(7)
    if kind == 0:
        return name.removeprefix("南昌市")
    if kind == 1:
        return name.replace("有限公司", "有限责任公司")
    if kind == 2:
        return name.replace("南昌市", "江西省南昌市")
    if kind == 3:
        return name.replace("南昌市", "南昌") + " "
    if kind == 4 and firm.former_names:
        return firm.former_names[0]
    if kind == 5:
        place = draws.randrange(3, len(name) - 4)
        return name[:place] + draws.choice("东西南北上下大小") + name[place + 1 :]
    return name


def test_automatic_links_of_a_noised_city_are_right() -> None:
    """Precision at least 0.99, and most of what can be known is linked."""
    draws = random.Random(7)
    trades = ("机械", "科技", "食品", "贸易", "物流", "电子", "建筑")
    syllables = "鸿宏恒华瑞金泰天地江赣洪昌盛兴运达远通信诚德源隆丰"
    firms = []
    for number in range(1_500):
        word = "".join(draws.sample(syllables, draws.choice((2, 2, 3))))
        old = "".join(draws.sample(syllables, 3))
        trade = draws.choice(trades)
        firms.append(
            Enterprise(
                uscc=f"{number:06d}",
                name=f"南昌市{word}{trade}有限公司",
                former_names=(f"南昌市{old}{trade}有限公司",) if number % 9 == 0 else (),
                legal_representative=f"人{number % 900}",
                address=f"南昌市青山湖区大道{number}号",
            )
        )
    linker = Linker(firms)
    right = wrong = queued = 0
    for firm in firms:
        with_proof = draws.random() < 0.5
        link = linker.link(
            noised(draws, firm),
            address=firm.address if with_proof else "",
            legal_representative=firm.legal_representative if with_proof else "",
        )
        right += link.uscc == firm.uscc
        wrong += link.uscc not in {None, firm.uscc}
        queued += link.uscc is None
    assert right / (right + wrong) >= 0.99
    assert right >= 0.6 * len(firms), (right, wrong, queued)
