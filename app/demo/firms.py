"""The firms of the demo city as they really are, before any clerk writes them down."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Any

from app.demo.mixes import mix
from app.demo.names import Names
from matching.uscc import make

WAN_FEN = 1_000_000
"""Fen in 万元."""

YEARS = (2023, 2024, 2025)

_SCALES: Mapping[str, Mapping[str, tuple[int, int, int, int]]] = {
    # per kind and size: staff from, to; revenue from, to in 万元 (after 国统字〔2017〕213号)
    "maker": {
        "micro": (1, 18, 8, 280),
        "small": (20, 260, 320, 9000),
        "medium": (300, 900, 2500, 38000),
        "large": (1000, 4200, 45000, 260000),
    },
    "builder": {
        "micro": (1, 12, 8, 280),
        "small": (8, 90, 330, 5600),
        "medium": (80, 420, 6500, 60000),
        "large": (400, 2600, 85000, 320000),
    },
    "seller": {
        "micro": (1, 9, 8, 900),
        "small": (5, 19, 1050, 4900),
        "medium": (20, 180, 5200, 38000),
        "large": (210, 800, 42000, 200000),
    },
    "shop": {
        "micro": (1, 9, 4, 95),
        "small": (10, 48, 110, 480),
        "medium": (52, 260, 520, 9500),
        "large": (310, 1500, 21000, 90000),
    },
    "mover": {
        "micro": (1, 18, 8, 180),
        "small": (20, 240, 220, 2900),
        "medium": (300, 800, 3100, 28000),
        "large": (1000, 3000, 31000, 150000),
    },
    "coder": {
        "micro": (1, 9, 3, 48),
        "small": (10, 95, 60, 980),
        "medium": (100, 280, 1050, 9800),
        "large": (310, 1800, 11000, 90000),
    },
    "office": {
        "micro": (1, 9, 3, 95),
        "small": (10, 95, 110, 1900),
        "medium": (100, 280, 1000, 14000),
        "large": (310, 2500, 15000, 90000),
    },
}
_SCALES = {**_SCALES, "tech": _SCALES["maker"], "plain": _SCALES["shop"]}


@dataclass(slots=True, kw_only=True)
class Firm:
    """One firm: identity, place, size and the figures its returns will be written from."""

    index: int
    uscc: str = ""
    name: str = ""
    former_name: str = ""
    renamed_on: date | None = None
    entity_type: str = "有限责任公司"
    legal_representative: str = ""
    capital_fen: int = 0
    established_on: date = date(2015, 1, 1)
    industry: str = ""
    kind: str = ""
    region: str = ""
    park: str = ""
    status: str = "存续"
    cancelled_on: date | None = None
    address: str = ""
    phone: str = ""
    email: str = ""
    size: str = "micro"
    staff: int = 1
    insurance: str = ""
    """How it insures its staff: '', empty, steady, gap, arrears or layoffs."""
    revenue_fen: dict[int, int] = field(default_factory=dict)
    part: str = ""
    """The part it plays in the demo's stories; empty for most."""

    @property
    def live(self) -> bool:
        """Whether it still exists and may be paid."""
        return self.status == "存续"

    @property
    def household(self) -> bool:
        """Whether it is a 个体工商户."""
        return self.entity_type == "个体工商户"


PARTS: Mapping[str, Mapping[str, Any]] = {
    # the first firms of every city, whatever its size: what they are, so that stories have heroes
    "zone_star": {"industry": "3975", "region": "360111", "park": "NCJK", "size": "small"},
    "county_star": {"industry": "3670", "region": "360111", "park": "", "size": "small"},
    "city_star": {"industry": "6513", "region": "360113", "park": "", "size": "small"},
    "exporter": {"industry": "1821", "region": "360111", "park": "", "size": "small"},
    "zone_asker": {"industry": "3841", "region": "360112", "park": "NCJK", "size": "small"},
    "nearly": {"industry": "3525", "region": "360121", "park": "", "size": "small"},
    "old_account": {"industry": "3821", "region": "360111", "park": "", "size": "small"},
    "borrower": {"industry": "3599", "region": "360104", "park": "", "size": "small"},
    "employer": {"industry": "7452", "region": "360113", "park": "", "size": "small"},
    "gone_but_listed": {"industry": "3581", "region": "360103", "park": "", "size": "small"},
    "just_born": {"industry": "6513", "region": "360113", "park": "", "size": "micro"},
    "twin_a": {"industry": "6531", "region": "360113", "park": "", "size": "micro"},
    "twin_b": {"industry": "6531", "region": "360113", "park": "", "size": "micro"},
    "paid_before": {"industry": "4090", "region": "360111", "park": "NCJK", "size": "small"},
}


def population(count: int, seed: int, as_of: date) -> list[Firm]:
    """Return the firms of the city, the same for the same seed, in order of registration number."""
    maker = _Maker(seed, as_of)
    parts = list(PARTS)[:count]
    firms = [maker.firm(index, part) for index, part in enumerate(parts)]
    firms += [maker.firm(index, "") for index in range(len(parts), count)]
    _share_trade_names(firms, Random(f"{seed}/twins"))
    _share_representatives(firms, Random(f"{seed}/representatives"))
    return firms


def newcomer(count: int, seed: int, established_on: date) -> Firm:
    """Return one more firm, which registers after the city's files were made."""
    maker = _Maker(seed, established_on, topic="newcomer")
    firm = maker.firm(count, "city_star")
    firm.part = "newcomer"
    firm.established_on = established_on
    firm.revenue_fen, firm.insurance, firm.former_name = {}, "", ""
    firm.renamed_on = None
    return firm


def _share_trade_names(firms: Sequence[Firm], draws: Random) -> None:
    """Give a few pairs of firms names that differ by the place alone, 南昌 and 江西."""
    pool = [firm for firm in firms if firm.live and not firm.part and firm.name.startswith("南昌")]
    pool = [firm for firm in pool if firm.name[2] not in "市县"]
    for first, second in zip(*[iter(draws.sample(pool, len(firms) // 2500 * 2))] * 2, strict=True):
        second.name = "江西" + first.name.removeprefix("南昌")
        second.former_name, second.renamed_on = "", None


def _share_representatives(firms: Sequence[Firm], draws: Random) -> None:
    """Give groups of two to four firms one legal representative and phone (related firms)."""
    share = mix("mix")["shared_representative"] / 100
    candidates = [firm for firm in firms if firm.live and not firm.part]
    draws.shuffle(candidates)
    last = int(len(candidates) * share)
    start = 0
    while start + 1 < last:
        group = candidates[start : start + draws.choice([2, 2, 2, 3, 4])]
        for firm in group[1:]:
            firm.legal_representative = group[0].legal_representative
            if draws.random() < 0.6:
                firm.phone = group[0].phone
        start += len(group)


class _Maker:
    """Draws one firm after another from the mixes."""

    def __init__(self, seed: int, as_of: date, *, topic: str = "firms") -> None:
        self.draws = Random(f"{seed}/{topic}")
        self.names = Names(Random(f"{seed}/{topic}/names"))
        self.as_of = as_of
        self.shares = mix("mix")
        industries = mix("industries")
        self.sections = industries["sections"]
        self.classes = industries["classes"]
        self.class_codes = list(self.classes)
        self.class_weights = _running(entry[0] for entry in self.classes.values())
        geography = mix("regions")
        self.regions, self.zones = geography["regions"], geography["zones"]
        self.region_codes = list(self.regions)
        self.region_weights = _running(entry["weight"] for entry in self.regions.values())
        self.bodies: set[str] = set()
        self.twin_trade = self.names.trade()

    def firm(self, index: int, part: str) -> Firm:
        """Return the next firm; ``part`` names its role in the stories."""
        firm = Firm(index=index, part=part)
        preset = PARTS.get(part, {})
        self._trade_and_place(firm, preset)
        self._form(firm)
        self._life(firm)
        self._size(firm, preset)
        self._identity(firm)
        self._contact(firm)
        self._figures(firm)
        return firm

    def _trade_and_place(self, firm: Firm, preset: Mapping[str, Any]) -> None:
        draws = self.draws
        code = draws.choices(self.class_codes, cum_weights=self.class_weights)[0]
        firm.industry = preset.get("industry", code)
        firm.kind = self.classes[firm.industry][1]
        region = draws.choices(self.region_codes, cum_weights=self.region_weights)[0]
        firm.region = preset.get("region", region)
        dice = draws.random() * (0.6 if firm.kind in {"maker", "tech", "coder"} else 1.4)
        for park, zone in self.zones.items():
            share = zone["in"].get(firm.region, 0)
            if dice < share:
                firm.park = park
                break
            dice -= share
        firm.park = preset.get("park", firm.park)

    def _form(self, firm: Firm) -> None:
        draws, kinds = self.draws, self.shares["kinds"]
        dice = draws.random()
        if firm.part:
            return
        section = self.sections.get(_section(firm.industry), {})
        household = section.get("households", 0.02) * kinds["household"] / 14.0 * 0.62
        if dice < household:
            firm.entity_type = "个体工商户"
        elif dice > 1 - section.get("cooperatives", 0):
            firm.entity_type = "农民专业合作社"
        else:
            firm.entity_type = draws.choices(
                ["外商投资企业", "股份有限公司", "个人独资企业", "合伙企业", "有限责任公司"],
                [kinds["foreign"], kinds["joint_stock"], kinds["sole"], kinds["partnership"], 88.5],
            )[0]

    def _life(self, firm: Firm) -> None:
        draws, shares, as_of = self.draws, self.shares["status"], self.as_of
        age_days = int(min(draws.expovariate(1 / 2300), 9400)) + 31
        firm.established_on = as_of - timedelta(days=age_days)
        dice = draws.random() * 100
        if firm.part == "just_born" or (not firm.part and dice < shares["new_this_month"]):
            firm.established_on = as_of.replace(day=1) + timedelta(days=draws.randrange(24))
            return
        if firm.part:
            firm.established_on = as_of - timedelta(days=1500 + draws.randrange(2500))
        dice -= shares["new_this_month"]
        if firm.part == "gone_but_listed" or (not firm.part and dice < shares["cancelled"]):
            firm.status = "注销"
        elif not firm.part and dice < shares["cancelled"] + shares["revoked"]:
            firm.status = "吊销"
        elif not firm.part and dice < sum(shares[key] for key in ("cancelled", "revoked", "moved")):
            firm.status = "迁出"
        if firm.status == "注销":
            life = max(2, (as_of - firm.established_on).days - 5)
            recent = 150 if firm.part else 900
            firm.cancelled_on = as_of - timedelta(days=4 + draws.randrange(min(life, recent)))

    def _size(self, firm: Firm, preset: Mapping[str, Any]) -> None:
        draws, sizes, insured = self.draws, self.shares["size"], self.shares["social_insurance"]
        if firm.household or firm.entity_type == "农民专业合作社":
            size = "micro"
        else:
            dice = draws.random() * 100
            if firm.kind in {"maker", "tech"}:
                dice *= 0.6
            size = "micro"
            for name in ("large", "medium", "small"):
                if dice < sizes[name]:
                    size = name
                    break
                dice -= sizes[name]
        firm.size = preset.get("size", size)
        low, high, _, _ = _SCALES[firm.kind][firm.size]
        firm.staff = _between(draws, low, high)
        dice = draws.random() * 100
        kept = insured["household"] if firm.household else insured["insured"][firm.size]
        trouble = draws.random() * 100
        if firm.part:
            firm.staff = max(firm.staff, 24) if firm.size == "small" else firm.staff
            firm.insurance = "" if firm.part == "just_born" else "steady"
        elif dice < kept:
            firm.insurance = "steady"
            for kind in ("gap", "arrears", "layoffs"):
                if trouble < insured[kind][firm.size]:
                    firm.insurance = kind
                    break
                trouble -= insured[kind][firm.size]
        elif not firm.household and dice < kept + insured["empty"][firm.size]:
            firm.insurance = "empty"

    def _identity(self, firm: Firm) -> None:
        draws = self.draws
        region_name = self.regions[firm.region]["name"]
        word = draws.choice(self.classes[firm.industry][2])
        if firm.part in {"twin_a", "twin_b"}:
            place = "南昌" if firm.part == "twin_a" else "江西"
            firm.name = f"{place}{self.twin_trade}系统集成有限公司"
        else:
            firm.name = self.names.firm(firm.entity_type, region_name, word)
        old_enough = (self.as_of - firm.established_on).days > 900
        renamed = draws.random() * 100 < self.shares["renamed"]
        if old_enough and (firm.part == "old_account" or (renamed and not firm.part)):
            firm.former_name = self.names.firm(firm.entity_type, region_name, word)
            firm.renamed_on = self.as_of - timedelta(days=60 + draws.randrange(700))
        firm.uscc = self._code(firm)
        firm.legal_representative = self.names.person()

    def _code(self, firm: Firm) -> str:
        draws = self.draws
        kind = {"个体工商户": "92", "农民专业合作社": "93"}.get(firm.entity_type, "91")
        office = firm.region if draws.random() < 0.8 else draws.choice(["360100", "360105"])
        while True:
            if firm.established_on.year >= 2015:
                letters = "".join(draws.choices("0123456789ABCDEFGHJKLMNPQRTUWXY", k=4))
                body = "MA" + draws.choice("356789ABCD") + draws.choice("0123456789") + letters
            else:
                body = f"{draws.randrange(10_000_000, 99_999_999)}"
            if body not in self.bodies:
                self.bodies.add(body)
                return make(authority=kind, division=office, body=body)

    def _contact(self, firm: Firm) -> None:
        draws = self.draws
        place = self.regions[firm.region]
        towns, roads = place["towns"], place["roads"]
        if firm.park:
            zone = self.zones[firm.park]
            towns, roads = zone["towns"].get(firm.region, towns), zone["roads"]
        number = draws.randrange(1, 1999)
        door = (
            f"{draws.randrange(1, 30)}栋{draws.randrange(1, 33)}{draws.randrange(1, 19):02d}室"
            if firm.kind in {"coder", "office", "seller"}
            else draws.choice(["", "一层", f"{draws.randrange(1, 12)}号厂房", "院内"])
        )
        firm.address = (
            f"江西省南昌市{place['name']}{draws.choice(towns)}{draws.choice(roads)}{number}号{door}"
        )
        # no number in Nanchang begins with 6, so nobody's telephone rings
        firm.phone = f"0791-6{draws.randrange(10_000_000):07d}"
        if draws.random() < 0.55:
            firm.email = f"lxr@f{firm.index:06d}.example"
        capital = draws.choices(
            [10, 50, 100, 200, 500, 1000, 3000, 10000], [9, 18, 27, 15, 16, 10, 4, 1]
        )
        scale = {"micro": 1, "small": 2, "medium": 6, "large": 20}[firm.size]
        firm.capital_fen = (5 if firm.household else capital[0] * scale) * WAN_FEN

    def _figures(self, firm: Firm) -> None:
        draws = self.draws
        _, _, low, high = _SCALES[firm.kind][firm.size]
        if firm.part and firm.size == "small":
            low = high // 3
        revenue = _between(draws, low * 100, high * 100) * (WAN_FEN // 100)
        revenue += draws.randrange(WAN_FEN)
        for year in reversed(YEARS):
            if firm.established_on.year > year:
                break
            share = 12 - firm.established_on.month + 1 if firm.established_on.year == year else 12
            firm.revenue_fen[year] = 0 if draws.random() < 0.04 else revenue * share // 12
            growth = int(draws.lognormvariate(0.07, 0.19) * 1000)
            revenue = revenue * 1000 // max(growth, 300)


def _section(industry: str) -> str:
    """Return the section of the classes that have households or cooperatives, else ''."""
    number = int(industry[:2])
    ranges = {"A": (1, 5), "C": (13, 43), "E": (47, 50), "F": (51, 52), "G": (53, 60)}
    ranges |= {"H": (61, 62), "O": (80, 82), "R": (86, 90)}
    return next((letter for letter, (low, high) in ranges.items() if low <= number <= high), "")


def _between(draws: Random, low: int, high: int) -> int:
    """Return a whole number in the bounds, small ones far more often (evenly in the logarithm)."""
    drawn = low * (high / low) ** draws.random()
    return min(max(int(drawn), low), high)


def _running(weights: Iterator[int]) -> list[int]:
    total, sums = 0, []
    for weight in weights:
        total += weight
        sums.append(total)
    return sums
