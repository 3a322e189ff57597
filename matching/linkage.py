"""Whom a row is about when it carries no code: names made comparable, scored, and judged.

A link is made without a person only when the score is high and the runner-up is clearly lower;
everything else goes to a person with the candidates. The only importer of RapidFuzz.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache

import opencc
from rapidfuzz import fuzz
from rapidfuzz.distance import DamerauLevenshtein

from policies.code_trees import divisions

ACCEPT = 92
"""Lowest score, of 100, of an automatic link."""

MARGIN = 6
"""How much lower the runner-up must be."""

CANDIDATE = 62
"""Lowest score shown to a person."""

SHOWN = 5
"""Candidates shown at most."""

_CONSIDERED = 40
_COMMON_BIGRAM = 0.05
_SUFFIXES = (
    "股份有限责任公司",
    "有限责任公司",
    "股份有限公司",
    "有限公司",
    "股份公司",
    "责任公司",
    "公司",
)
_MARKS = re.compile(
    r"[\s()\[\]{}<>〈〉《》【】〔〕「」『』·・•.,，。、;:'\"“”‘’`\-‐-―—_/\\|&*#!?~^]+"
)
_DIVISION_TAILS = re.compile(r"(?:特别行政区|壮族自治区|回族自治区|维吾尔自治区|自治区|省|市)$")
_ZONES = re.compile(
    r"(?:国家)?(?:经济技术|高新技术产业|经济|高新|小蓝经济技术|昌北)?开发区|经开区|高新区|赣江新区"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Enterprise:
    """What linkage knows of a registered enterprise."""

    uscc: str
    name: str
    former_names: tuple[str, ...] = ()
    region: str = ""
    address: str = ""
    legal_representative: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An enterprise a row may be about, with its score and the parts of the score (0 to 100)."""

    uscc: str
    name: str
    score: int
    parts: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What linkage decided.

    ``uscc`` is None when a person must decide. ``how`` is ``exact``, ``former``, ``core`` or
    ``similar`` for a link, ``ambiguous``, ``low`` or ``none`` otherwise. ``runner_up`` is the score
    of the next candidate, 0 when there is none. ``candidates`` are best first.
    """

    uscc: str | None
    score: int
    runner_up: int
    candidates: tuple[Candidate, ...]
    how: str


# --- names -------------------------------------------------------------------------------------


@lru_cache(maxsize=65_536)
def folded(name: str) -> str:
    """Return a name in one way of writing: simplified, half width, no brackets, marks or blanks."""
    for _ in range(4):
        plain = _to_simplified(unicodedata.normalize("NFKC", name)).upper()
        plain = _MARKS.sub("", unicodedata.normalize("NFKC", plain))
        if plain == name:
            break
        name = plain
    return name


@lru_cache(maxsize=65_536)
def normalise(name: str) -> str:
    """Return the core of a name: folded, without leading divisions and the form of company.

    ``江西省南昌市鸿运机械有限责任公司`` gives ``鸿运机械``. A part stays where fewer than
    two characters would remain without it. Idempotent.
    """
    core = folded(name)
    while True:
        shorter = _without_suffix(_without_region(core))
        if shorter == core:
            return core
        core = shorter


def regions_named(name: str) -> frozenset[str]:
    """Return the divisions that stand at the head of a name, without their kind."""
    found: set[str] = set()
    rest = folded(name)
    while match := _region_pattern().match(rest):
        if len(rest) - match.end() < 2:
            break
        found.add(_short(match[0]))
        rest = rest[match.end() :]
    return frozenset(found)


@cache
def _converter() -> opencc.OpenCC:
    return opencc.OpenCC("t2s")


def _to_simplified(text: str) -> str:
    return text if text.isascii() else str(_converter().convert(text))


@cache
def _region_pattern() -> re.Pattern[str]:
    """Match one division at the head: in full everywhere, short for provinces and their cities."""
    names: set[str] = {"中国"}
    for code, name in divisions().names.items():
        names.add(name)
        if code.endswith("00") and len(_short(name)) >= 2:
            names.add(_short(name))
    listed = "|".join(re.escape(name) for name in sorted(names, key=lambda n: (-len(n), n)))
    return re.compile(f"(?:{listed}|{_ZONES.pattern})")


@cache
def _short(name: str) -> str:
    return _DIVISION_TAILS.sub("", name) or name


def _without_region(name: str) -> str:
    while (match := _region_pattern().match(name)) and len(name) - match.end() >= 2:
        name = name[match.end() :]
    return name


def _without_suffix(name: str) -> str:
    for suffix in _SUFFIXES:
        if name.endswith(suffix) and len(name) - len(suffix) >= 2:
            return name[: -len(suffix)]
    return name


def same_name(first: str, second: str) -> bool:
    """Whether two ways of writing plainly mean one name."""
    if first == second or folded(first) == folded(second):
        return True
    if normalise(first) != normalise(second):
        return False
    here, there = regions_named(first), regions_named(second)
    return here <= there or there <= here


# --- linking -----------------------------------------------------------------------------------


@dataclass(slots=True)
class Linker:
    """Links names to enterprises; built once for many names.

    Indexes of cores and of two-character pieces are made when a name first needs them.
    """

    enterprises: Iterable[Enterprise]
    _by_code: dict[str, Enterprise] = field(default_factory=dict)
    _current: dict[str, list[str]] = field(default_factory=dict)
    _former: dict[str, list[str]] = field(default_factory=dict)
    _cores: dict[str, list[str]] = field(default_factory=dict)
    _pieces: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._by_code = {firm.uscc: firm for firm in self.enterprises}
        current: dict[str, list[str]] = defaultdict(list)
        former: dict[str, list[str]] = defaultdict(list)
        for firm in self._by_code.values():
            current[folded(firm.name)].append(firm.uscc)
            for name in firm.former_names:
                former[folded(name)].append(firm.uscc)
        self._current, self._former = dict(current), dict(former)

    def link(
        self,
        name: str,
        *,
        region: str = "",
        address: str = "",
        legal_representative: str = "",
        written_code: str = "",
    ) -> Link:
        """Return whom a row is about.

        ``region`` is a division code, ``written_code`` a code that is not valid as it stands; each
        part that the row lacks (``""``) says nothing.
        """
        query = _Query(
            name=name,
            region=region,
            address=address,
            legal_representative=legal_representative,
            written_code=written_code,
        )
        scored = [self._scored(query, code) for code in self._considered(query)]
        scored.sort(key=lambda candidate: (-candidate.score, candidate.uscc))
        return _judged(query, scored)

    def _considered(self, query: _Query) -> list[str]:
        """Return the codes worth scoring: same name, same core, or sharing rare pieces."""
        plain = folded(query.name)
        found = {*self._current.get(plain, ()), *self._former.get(plain, ())}
        if plain in self._current:
            return sorted(found)
        if not self._cores:
            self._index_cores()
        found.update(self._cores.get(normalise(query.name), ()))
        if not found:
            found.update(self._near(normalise(query.name)))
        return sorted(found)

    def _index_cores(self) -> None:
        cores: dict[str, list[str]] = defaultdict(list)
        for firm in self._by_code.values():
            for core in {normalise(name) for name in (firm.name, *firm.former_names)}:
                cores[core].append(firm.uscc)
        self._cores = dict(cores)

    def _index_pieces(self) -> None:
        pieces: dict[str, list[str]] = defaultdict(list)
        for core in self._cores:
            for piece in _pieces(core):
                pieces[piece].append(core)
        self._pieces = dict(pieces)

    def _near(self, core: str) -> list[str]:
        """Return enterprises whose cores share most with a core, rare pieces counting more."""
        if not self._pieces:
            self._index_pieces()
        common = max(50, int(len(self._cores) * _COMMON_BIGRAM))
        votes: dict[str, float] = defaultdict(float)
        for piece in _pieces(core):
            sharing = self._pieces.get(piece, ())
            if len(sharing) <= common:
                for other in sharing:
                    votes[other] += 1 / (10 + len(sharing))
        best = sorted(votes, key=lambda other: (-votes[other], other))[: 4 * _CONSIDERED]
        best.sort(key=lambda other: (-fuzz.ratio(core, other), other))
        return [code for other in best[:_CONSIDERED] for code in self._cores[other]]

    def _scored(self, query: _Query, code: str) -> Candidate:
        firm = self._by_code[code]
        name, how = max(
            (_name_score(query.name, known, former=place > 0), -place)
            for place, known in enumerate((firm.name, *firm.former_names))
        )
        parts = {"name": name, "former": int(how < 0)}
        score = name + _evidence(query, firm, parts)
        return Candidate(uscc=code, name=firm.name, score=max(0, min(100, score)), parts=parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Query:
    name: str
    region: str
    address: str
    legal_representative: str
    written_code: str


def _pieces(core: str) -> set[str]:
    """Return two-character pieces, with those that skip one character."""
    return {core[i : i + 2] for i in range(len(core) - 1)} | {
        core[i] + core[i + 2] for i in range(len(core) - 2)
    }


def _name_score(name: str, known: str, *, former: bool) -> int:
    """Score two names: 100 equal, 96 equal cores, lower by how much the cores differ."""
    if folded(name) == folded(known):
        return 99 if former else 100
    here, there = regions_named(name), regions_named(known)
    first, second = normalise(name), normalise(known)
    if first == second:
        base = 97 if here <= there or there <= here else 84
        # The more of the head the two share, the likelier they are one.
        return base - min(4, len(here ^ there))
    similar = fuzz.ratio(first, second)
    if not (here <= there or there <= here):
        similar -= 8
    # One wrong character in a short name is another name more often than a slip.
    return int(min(88, similar))


def _evidence(query: _Query, firm: Enterprise, parts: dict[str, int]) -> int:
    """Return what the other parts add or take away, and note each part."""
    bonus = 0
    if query.written_code:
        distance = DamerauLevenshtein.distance(query.written_code, firm.uscc)
        parts["code"] = max(0, 100 - 10 * distance)
        bonus += 14 if distance <= 2 else 0
    if query.legal_representative and firm.legal_representative:
        same = folded(query.legal_representative) == folded(firm.legal_representative)
        parts["legal_representative"] = 100 if same else 0
        bonus += 8 if same else -8
    if query.address and firm.address:
        similar = int(fuzz.token_ratio(_plain_address(query.address), _plain_address(firm.address)))
        parts["address"] = similar
        bonus += 8 if similar >= 85 else (-6 if similar < 50 else 0)
    if query.region and firm.region:
        same = query.region[:4] == firm.region[:4]
        exact = query.region == firm.region
        parts["region"] = 100 if exact else (60 if same else 0)
        bonus += 2 if exact else (0 if same else -6)
    return bonus


def _plain_address(address: str) -> str:
    return _without_region(folded(address))


def _judged(query: _Query, scored: Sequence[Candidate]) -> Link:
    shown = tuple(candidate for candidate in scored if candidate.score >= CANDIDATE)[:SHOWN]
    if not shown:
        return Link(uscc=None, score=0, runner_up=0, candidates=(), how="none")
    best, score = shown[0], shown[0].score
    runner_up = shown[1].score if len(shown) > 1 else 0
    clear = score - runner_up >= MARGIN or _only_exact(query, scored)
    if score < ACCEPT or not clear:
        how = "low" if score < ACCEPT else "ambiguous"
        return Link(uscc=None, score=score, runner_up=runner_up, candidates=shown, how=how)
    name = best.parts["name"]
    how = "former" if best.parts["former"] else "exact" if name == 100 else "core"
    if name < 90:
        how = "similar"
    return Link(uscc=best.uscc, score=score, runner_up=runner_up, candidates=shown, how=how)


def _only_exact(query: _Query, scored: Sequence[Candidate]) -> bool:
    """Whether the best bears exactly this name today, and nobody else bears it or bore it."""
    plain = folded(query.name)
    return (
        folded(scored[0].name) == plain
        and scored[0].parts["name"] == 100
        and all(candidate.parts["name"] < 99 for candidate in scored[1:])
    )
