"""Recognition lists, credit lists and the registers of single events, one file each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from app.demo.codes import clearing_number
from app.demo.files import Row, Sheet, received, yuan
from app.demo.firms import WAN_FEN, Firm
from app.demo.mixes import mix

RECOGNITION_COLUMNS = (
    ("uscc", "统一社会信用代码"),
    ("name", "企业名称"),
    ("level", "级别"),
    ("certificate_no", "证书编号"),
    ("listed_on", "认定日期"),
    ("valid_until", "有效期至"),
)
CREDIT_COLUMNS = (
    ("uscc", "统一社会信用代码"),
    ("name", "企业名称"),
    ("listed_on", "列入日期"),
    ("removed_on", "移出日期"),
    ("reason", "列入事由"),
)
ACCOUNT_COLUMNS = (
    ("uscc", "统一社会信用代码"),
    ("name", "企业名称"),
    ("account_name", "户名"),
    ("account_no", "账号"),
    ("bank_name", "开户行"),
    ("cnaps", "联行号"),
    ("verified_on", "核验日期"),
)
PAYOUT_COLUMNS = (
    ("uscc", "统一社会信用代码"),
    ("name", "企业名称"),
    ("benefit", "政策事项"),
    ("document_no", "文号"),
    ("year", "年度"),
    ("amount", "金额"),
    ("paid_on", "支付日期"),
    ("payer", "支付单位"),
)
INVESTMENT_COLUMNS = (
    ("uscc", "统一社会信用代码"),
    ("name", "企业名称"),
    ("project_no", "项目代码"),
    ("project_name", "项目名称"),
    ("kind", "项目类型"),
    ("equipment", "设备投资额"),
    ("total", "总投资额"),
    ("completed_on", "竣工日期"),
    ("filed_on", "备案日期"),
)
LOAN_COLUMNS = (
    ("uscc", "统一社会信用代码"),
    ("name", "企业名称"),
    ("loan_no", "贷款合同号"),
    ("kind", "贷款类型"),
    ("principal", "贷款金额"),
    ("interest_paid", "已付利息"),
    ("started_on", "放款日期"),
    ("until", "到期日期"),
    ("lender", "经办银行"),
)
HIRE_COLUMNS = (
    ("uscc", "统一社会信用代码"),
    ("name", "企业名称"),
    ("person_key", "人员标识"),
    ("category", "人员类别"),
    ("hired_on", "招用日期"),
    ("insured_months", "连续参保月数"),
    ("contract_months", "合同期限月数"),
)
PATENT_COLUMNS = (
    ("uscc", "统一社会信用代码"),
    ("name", "企业名称"),
    ("patent_no", "专利号"),
    ("kind", "专利类型"),
    ("granted_on", "授权日期"),
)
TRADE_COLUMNS = (
    ("uscc", "统一社会信用代码"),
    ("name", "企业名称"),
    ("year", "年度"),
    ("export", "出口额"),
    ("import", "进口额"),
)

# Invented banks with the class codes of the clearing system: city bank, rural bank, village bank.
BANKS = (
    ("赣江商业银行", "313", "南昌{}支行"),
    ("豫章农村商业银行", "314", "{}支行"),
    ("滕王阁村镇银行", "320", "{}支行"),
    ("洪城商业银行", "313", "{}支行"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _List:
    """How one recognition is given: by whom, on which days, for how long, to which firms."""

    file: str
    owner: str
    levels: tuple[str, ...]
    days: tuple[tuple[str, int], ...]
    """Days of recognition with their weights; those from July 2025 are within twelve months."""
    years: int
    """Validity in years; 0 is until the end of the calendar year, -1 is without end."""
    prefix: str
    fits: Callable[[Firm], bool]
    complete: bool = True
    as_of: date = date(2026, 6, 24)


def _is_researcher(firm: Firm) -> bool:
    return firm.kind in {"tech", "coder"} and firm.size != "micro"


def _is_maker(firm: Firm) -> bool:
    return firm.kind in {"tech", "maker"} and firm.size != "micro"


def _is_innovator(firm: Firm) -> bool:
    return firm.kind in {"tech", "maker", "coder"} and firm.size in {"small", "medium"}


def _is_large_industry(firm: Firm) -> bool:
    return firm.kind in {"tech", "maker"} and firm.revenue_fen.get(2025, 0) >= 2000 * WAN_FEN


_INDUSTRY = "南昌市工业和信息化局"
_SCIENCE = "南昌市科学技术局"
LISTS: Mapping[str, _List] = {
    "hnte": _List(
        file="科技_高新技术企业_{:%Y%m%d}.xlsx",
        owner=_SCIENCE,
        levels=("国家级",),
        days=(
            ("2022-11-04", 8),
            ("2023-11-22", 26),
            ("2024-10-28", 16),
            ("2024-12-02", 12),
            ("2025-10-28", 18),
            ("2025-12-05", 20),
        ),
        years=3,
        prefix="GR{year}36{serial:06d}",
        fits=_is_researcher,
    ),
    "tech_sme": _List(
        file="科技_科技型中小企业_{:%Y%m%d}.csv",
        owner=_SCIENCE,
        levels=("",),
        days=(
            ("2025-04-18", 14),
            ("2025-07-09", 12),
            ("2026-03-27", 30),
            ("2026-05-15", 28),
            ("2026-06-12", 16),
        ),
        years=0,
        prefix="{year}3601{serial:08d}",
        fits=_is_researcher,
    ),
    "innovative_sme": _List(
        file="工信_创新型中小企业_{:%Y%m%d}.csv",
        owner=_INDUSTRY,
        levels=("省级",),
        days=(("2023-06-20", 20), ("2024-06-28", 36), ("2025-08-15", 26), ("2026-03-20", 18)),
        years=3,
        prefix="赣创新{year}{serial:05d}",
        fits=_is_innovator,
    ),
    "srdi": _List(
        file="工信_专精特新中小企业_{:%Y%m%d}.xlsx",
        owner=_INDUSTRY,
        levels=("省级",),
        days=(("2023-09-12", 26), ("2024-09-10", 34), ("2025-09-16", 26), ("2026-04-22", 14)),
        years=3,
        prefix="赣专精{year}{serial:05d}",
        fits=_is_innovator,
    ),
    "little_giant": _List(
        file="工信_专精特新小巨人_{:%Y%m%d}.xlsx",
        owner=_INDUSTRY,
        levels=("国家级",),
        days=(("2023-07-14", 30), ("2024-09-02", 40), ("2025-10-15", 30)),
        years=3,
        prefix="小巨人{year}{serial:05d}",
        fits=_is_maker,
    ),
    "single_champion": _List(
        file="工信_制造业单项冠军_{:%Y%m%d}.csv",
        owner=_INDUSTRY,
        levels=("省级", "国家级"),
        days=(("2024-04-03", 60), ("2025-11-11", 40)),
        years=3,
        prefix="单冠{year}{serial:04d}",
        fits=_is_maker,
    ),
    "above_scale": _List(
        file="工信_规上工业企业库_{:%Y%m%d}.xlsx",
        owner=_INDUSTRY,
        levels=("",),
        days=(
            ("2021-02-01", 34),
            ("2023-02-01", 26),
            ("2025-02-01", 22),
            ("2026-02-01", 14),
            ("2026-05-01", 4),
        ),
        years=-1,
        prefix="GS{year}{serial:05d}",
        fits=_is_large_industry,
    ),
    "tech_center": _List(
        file="工信_企业技术中心_{:%Y%m%d}.csv",
        owner=_INDUSTRY,
        levels=("市级", "市级", "省级"),
        days=(("2022-12-20", 30), ("2024-11-18", 30), ("2025-11-20", 40)),
        years=-1,
        prefix="技中{year}{serial:04d}",
        fits=_is_maker,
        complete=False,
    ),
    "green_factory": _List(
        file="工信_绿色工厂_{:%Y%m%d}.csv",
        owner=_INDUSTRY,
        levels=("市级", "省级", "省级", "国家级"),
        days=(("2023-12-15", 50), ("2025-12-10", 50)),
        years=3,
        prefix="绿厂{year}{serial:04d}",
        fits=_is_maker,
    ),
    "advanced_manufacturing": _List(
        file="工信_先进制造业加计抵减名单_{:%Y%m%d}.csv",
        owner=_INDUSTRY,
        levels=("",),
        days=(("2025-09-05", 40), ("2026-05-20", 60)),
        years=0,
        prefix="",
        fits=_is_researcher,
    ),
    "time_honoured": _List(
        file="商务_老字号_{:%Y%m%d}.csv",
        owner="南昌市商务局",
        levels=("省级", "国家级"),
        days=(("2018-10-10", 50), ("2023-02-08", 50)),
        years=-1,
        prefix="LZH{serial:04d}",
        fits=lambda firm: firm.kind in {"maker", "shop"} and not firm.household,
        complete=False,
        as_of=date(2024, 11, 30),
    ),
    "listed": _List(
        file="金融_上市挂牌企业_{:%Y%m%d}.csv",
        owner="南昌市金融工作办公室",
        levels=("",),
        days=(("2019-07-22", 40), ("2022-03-15", 40), ("2026-01-16", 20)),
        years=-1,
        prefix="SS{serial:04d}",
        fits=lambda firm: firm.size in {"medium", "large"},
    ),
}
_HEROES: Mapping[str, tuple[tuple[str, str], ...]] = {
    # list: (part, day of recognition) of the firms that carry the stories
    "hnte": (
        ("zone_star", "2025-12-05"),
        ("city_star", "2025-10-28"),
        ("paid_before", "2025-12-05"),
        ("gone_but_listed", "2025-10-28"),
        ("old_account", "2025-12-05"),
        ("zone_asker", "2024-10-28"),
        ("nearly", "2024-12-02"),
    ),
    "tech_sme": (
        ("city_star", "2026-03-27"),
        ("paid_before", "2026-03-27"),
        ("nearly", "2026-05-15"),
    ),
    "innovative_sme": (("county_star", "2024-06-28"), ("nearly", "2025-08-15")),
    "srdi": (
        ("county_star", "2026-04-22"),
        ("zone_star", "2025-09-16"),
        ("exporter", "2024-09-10"),
    ),
    "above_scale": (
        ("county_star", "2026-02-01"),
        ("zone_star", "2025-02-01"),
        ("zone_asker", "2025-02-01"),
        ("borrower", "2023-02-01"),
    ),
    "green_factory": (("county_star", "2025-12-10"),),
}


def recognition_sheets(firms: Sequence[Firm], seed: int, as_of: date) -> list[Sheet]:
    """Return the twelve recognition lists, complete ones and others, one of them stale."""
    day = as_of - timedelta(days=1)
    per_mille = mix("mix")["lists"]
    live = sum(1 for firm in firms if firm.live)
    return [
        _recognition_sheet(code, entry, firms, live * per_mille[code] / 1000, seed, day)
        for code, entry in LISTS.items()
    ]


def _recognition_sheet(
    code: str, entry: _List, firms: Sequence[Firm], wanted: float, seed: int, day: date
) -> Sheet:
    draws = Random(f"{seed}/list/{code}")
    heroes = dict(_HEROES.get(code, ()))
    insured = [firm for firm in firms if entry.fits(firm) and firm.live and not firm.part]
    insured.sort(key=lambda firm: (firm.insurance in {"", "empty"}, draws.random()))
    number = max(1, int(wanted + draws.random()))
    chosen = [(firm, "") for firm in insured[:number]]
    chosen += [(firm, heroes[firm.part]) for firm in firms if firm.part in heroes]
    chosen.sort(key=lambda pair: pair[0].index)
    rows: list[Row] = []
    days, weights = zip(*entry.days, strict=True)
    for serial, (firm, fixed) in enumerate(chosen, 1):
        since = date.fromisoformat(fixed or draws.choices(days, weights)[0])
        if since <= firm.established_on:
            continue
        level = draws.choice(entry.levels) if not fixed else entry.levels[-1]
        earlier = since.replace(year=since.year - 3, day=4)
        if code == "hnte" and not fixed and draws.random() < 0.35 and earlier > firm.established_on:
            rows.append(_recognition(entry, firm, level, earlier, serial + 5000))
        rows.append(_recognition(entry, firm, level, since, serial))
    return Sheet(
        file=entry.file.format(entry.as_of),
        source="recognition",
        list_code=code,
        owner=entry.owner,
        as_of=entry.as_of,
        received_at=received(day, 13, list(LISTS).index(code)),
        columns=RECOGNITION_COLUMNS,
        complete=entry.complete,
        encoding="gb18030" if code in {"tech_sme", "tech_center", "time_honoured"} else "utf-8-sig",
        rows=rows,
    )


def _recognition(entry: _List, firm: Firm, level: str, day: date, serial: int) -> Row:
    until = ""
    if entry.years > 0:
        until = (day.replace(year=day.year + entry.years) - timedelta(days=1)).isoformat()
    elif entry.years == 0:
        until = f"{day.year}-12-31"
    old = firm.renamed_on is not None and firm.renamed_on > day
    certificate = entry.prefix.format(year=day.year, serial=serial)
    name = firm.former_name if old else firm.name
    return [firm.uscc, name, level, certificate, day.isoformat(), until]


_CREDIT: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "dishonest": (
        "法院_失信被执行人_{:%Y%m%d}.csv",
        "南昌市中级人民法院",
        ("有履行能力而拒不履行生效法律文书确定义务", "违反财产报告制度"),
    ),
    "abnormal": (
        "市场监管_经营异常名录_{:%Y%m%d}.xlsx",
        "南昌市市场监督管理局",
        ("未按规定期限公示年度报告", "通过登记的住所或者经营场所无法联系"),
    ),
    "serious_violation": (
        "市场监管_严重违法失信名单_{:%Y%m%d}.csv",
        "南昌市市场监督管理局",
        ("提交虚假材料骗取登记",),
    ),
    "tax_violation": (
        "税务_重大税收违法失信主体_{:%Y%m%d}.csv",
        "国家税务总局南昌市税务局",
        ("虚开发票", "欠缴应纳税款"),
    ),
}


def credit_sheets(firms: Sequence[Firm], seed: int, as_of: date) -> list[Sheet]:
    """Return the four lists of bad credit, all declared complete."""
    sheets = []
    for number, (code, (file, owner, reasons)) in enumerate(_CREDIT.items()):
        draws = Random(f"{seed}/credit/{code}")
        share = mix("mix")["credit"][code] / 1000
        rows: list[Row] = []
        for firm in firms:
            risk = share * (4 if firm.status == "吊销" else 1)
            if firm.part or draws.random() >= risk:
                continue
            day = as_of - timedelta(days=10 + draws.randrange(900))
            if day <= firm.established_on:
                continue
            out = day + timedelta(days=60 + draws.randrange(300))
            removed = out.isoformat() if draws.random() < 0.3 and out < as_of else ""
            rows.append([firm.uscc, firm.name, day.isoformat(), removed, draws.choice(reasons)])
        if not rows:
            firm = next(firm for firm in firms if firm.status == "吊销" or not firm.part)
            rows = [[firm.uscc, firm.name, as_of.replace(month=5).isoformat(), "", reasons[0]]]
        day = as_of - timedelta(days=3)
        sheets.append(
            Sheet(
                file=file.format(day),
                source="credit",
                list_code=code,
                owner=owner,
                as_of=day,
                received_at=received(as_of - timedelta(days=1), 14, number),
                columns=CREDIT_COLUMNS,
                rows=rows,
            )
        )
    return sheets


def event_sheets(firms: Sequence[Firm], seed: int, as_of: date) -> list[Sheet]:
    """Return accounts, payouts made elsewhere, investments, loans, hires, patents, trade."""
    rows: dict[str, list[Row]] = {name: [] for name in _EVENTS}
    for name, (_, _, _, _, write) in _EVENTS.items():
        draws = Random(f"{seed}/{name}")
        for firm in firms:
            rows[name].extend(write(firm, draws))
    day = as_of - timedelta(days=6)
    sheets = []
    for number, (name, (file, owner, columns, money, _)) in enumerate(_EVENTS.items()):
        sheets.append(
            Sheet(
                file=file.format(day),
                source=name,
                owner=owner,
                as_of=day,
                received_at=received(as_of - timedelta(days=1), 15, number),
                columns=columns,
                money=frozenset(money),
                rows=rows[name],
                encoding="gb18030" if name in {"bank_account", "hire"} else "utf-8-sig",
            )
        )
    return sheets


def _share(draws: Random, per_cent: float) -> bool:
    return draws.random() * 100 < per_cent


def _accounts(firm: Firm, draws: Random) -> Iterator[Row]:
    shares = mix("mix")["accounts"]
    paid = firm.insurance in {"steady", "gap", "arrears", "layoffs"}
    wanted = 96 if paid else shares["household" if firm.household else "enterprise"]
    if not firm.part and (not _share(draws, wanted) or not firm.live):
        return
    if firm.established_on > date(2026, 5, 31):
        return
    for number in range(2 if _share(draws, shares["second"]) and not firm.part else 1):
        bank, class_code, branch = draws.choice(BANKS)
        branch_no = draws.randrange(1, 80)
        on = date(2026, 6, 20) - timedelta(days=draws.randrange(10, 500))
        on = max(on, firm.established_on + timedelta(days=3))
        old = firm.former_name and (firm.part == "old_account" or _share(draws, 30))
        yield [
            firm.uscc,
            firm.name,
            firm.former_name if old and number == 0 else firm.name,
            f"{class_code}{draws.randrange(10**15, 10**16)}"[:19],
            bank + branch.format(f"第{branch_no}"),
            clearing_number(class_code, branch_no),
            on.isoformat(),
        ]


_ELSEWHERE = (
    (
        "高新技术企业认定奖励",
        "洪高新管办字〔2025〕{}号",
        5_000_000,
        "南昌高新技术产业开发区管理委员会",
    ),
    ("稳岗返还", "赣人社字〔2025〕{}号", 0, "南昌市失业保险经办机构"),
    ("专精特新中小企业奖励", "洪工信字〔2025〕{}号", 10_000_000, "南昌市工业和信息化局"),
    ("科技型中小企业补助", "区科字〔2025〕{}号", 1_000_000, "红谷滩区科学技术局"),
    ("技术改造补助", "南府办发〔2024〕{}号", 0, "南昌县工业和信息化局"),
    ("一次性吸纳就业补贴", "洪人社发〔2025〕{}号", 0, "南昌市人力资源和社会保障局"),
)


def _payouts(firm: Firm, draws: Random) -> Iterator[Row]:
    chance = mix("mix")["payouts"] * (3 if firm.insurance == "steady" else 0.6)
    if firm.part != "paid_before" and (firm.part or not _share(draws, chance)):
        return
    benefit, document, fixed, payer = (
        _ELSEWHERE[0] if firm.part == "paid_before" else draws.choice(_ELSEWHERE)
    )
    amount = fixed or draws.randrange(20, 4000) * 10_000
    year = 2024 if "2024" in document else 2025
    paid = date(year, 9, 1) + timedelta(days=draws.randrange(110))
    if paid <= firm.established_on:
        return
    old = firm.renamed_on is not None and firm.renamed_on > paid
    number = document.format(draws.randrange(11, 60))
    yield [
        firm.uscc,
        firm.former_name if old else firm.name,
        benefit,
        number,
        str(year),
        yuan(amount),
        paid.isoformat(),
        payer,
    ]


def _investments(firm: Firm, draws: Random) -> Iterator[Row]:
    chance = mix("mix")["investments"] * 4.5
    hero = firm.part in {"zone_star", "county_star", "zone_asker"}
    if not hero and (firm.kind not in {"tech", "maker"} or firm.size == "micro" or firm.part):
        return
    if (not hero and not _share(draws, chance)) or not firm.live:
        return
    wan_count = draws.choice((80, 150, 240, 420, 680, 1200, 2600)) + draws.randrange(60)
    equipment = (820 if hero else wan_count) * WAN_FEN + draws.randrange(WAN_FEN)
    done = date(2025, 2, 1) + timedelta(days=draws.randrange(320))
    if not hero and _share(draws, 20):
        done = done.replace(year=2024)
    kind = "技术改造" if hero else draws.choice(("技术改造", "技术改造", "设备更新", "新建"))
    yield [
        firm.uscc,
        firm.name,
        f"2404-3601{firm.index % 90 + 10}-07-02-{firm.index:06d}",
        f"{draws.choice(('智能化产线', '生产线自动化', '节能装备更新', '检测能力提升'))}{kind}项目",
        kind,
        yuan(equipment),
        yuan(equipment * draws.randrange(130, 260) // 100),
        done.isoformat(),
        (done - timedelta(days=200 + draws.randrange(200))).isoformat(),
    ]


def _loans(firm: Firm, draws: Random) -> Iterator[Row]:
    chance = mix("mix")["loans"]
    if not firm.live or firm.size == "large":
        return
    maker = firm.kind in {"tech", "maker"} and firm.size != "micro"
    hero = firm.part == "borrower"
    if not hero and (firm.part or not _share(draws, chance * (3 if maker else 1))):
        return
    kind = "设备更新贷款" if maker and (hero or _share(draws, 60)) else "创业担保贷款"
    if kind == "创业担保贷款" and _share(draws, 15):
        kind = "流动资金贷款"
    amount = (
        draws.choice((300, 500, 800, 2000))
        if kind == "设备更新贷款"
        else draws.choice((20, 30, 100, 300))
    ) * WAN_FEN
    start = date(2024, 7, 1) + timedelta(days=draws.randrange(330))
    if start <= firm.established_on:
        return
    yield [
        firm.uscc,
        firm.name,
        f"DK{start:%Y%m}{firm.index:06d}",
        kind,
        yuan(amount),
        yuan(amount * draws.randrange(180, 390) // 10_000),
        start.isoformat(),
        (start + timedelta(days=1095)).isoformat(),
        draws.choice(BANKS)[0],
    ]


def _hires(firm: Firm, draws: Random) -> Iterator[Row]:
    chance = mix("mix")["hires"] * (6 if firm.insurance == "steady" else 0.7)
    hero = firm.part in {"employer", "city_star"}
    if not hero and (firm.part or not firm.live or firm.household or not firm.insurance):
        return
    if not hero and (firm.insurance == "empty" or not _share(draws, chance)):
        return
    categories = (
        "高校毕业生",
        "高校毕业生",
        "就业困难人员",
        "退役军人",
        "脱贫人口",
        "登记失业半年以上人员",
    )
    for number in range(4 if hero else draws.choice((1, 1, 2, 2, 3, 5))):
        start = date(2025, 3, 1) + timedelta(days=draws.randrange(300))
        category = "高校毕业生" if hero else draws.choice(categories)
        yield [
            firm.uscc,
            firm.name,
            f"RY{start:%Y%m}{firm.index:06d}{number:02d}",
            category,
            start.isoformat(),
            str(draws.choice((1, 2, 3, 4, 6, 8, 10)) if not hero else 6),
            str(draws.choice((12, 24, 36))),
        ]


def _patents(firm: Firm, draws: Random) -> Iterator[Row]:
    chance = mix("mix")["patents"] * (7 if firm.size != "micro" else 0.8)
    hero = firm.part in {"zone_star", "city_star"}
    if not hero and (firm.kind not in {"tech", "coder"} or firm.part or not _share(draws, chance)):
        return
    for number in range(draws.choice((1, 1, 2, 3, 4))):
        granted = date(2023, 1, 1) + timedelta(days=draws.randrange(1250))
        if hero:
            granted = date(2025, 4, 8) + timedelta(days=30 * number)
        kind = "发明" if hero else draws.choice(("发明", "实用新型", "实用新型", "外观设计"))
        if granted > firm.established_on:
            digit = {"发明": 1, "实用新型": 2, "外观设计": 3}[kind]
            yield [
                firm.uscc,
                firm.name,
                f"ZL{granted.year - 2}{digit}{firm.index:06d}{number}.{number}",
                kind,
                granted.isoformat(),
            ]


def _trade(firm: Firm, draws: Random) -> Iterator[Row]:
    chance = mix("mix")["trade"] * {"tech": 4, "maker": 4, "seller": 2}.get(firm.kind, 0.2)
    hero = firm.part in {"exporter", "zone_star"}
    if not hero and (firm.part or firm.household or not _share(draws, chance)):
        return
    base = firm.revenue_fen.get(2025, 0) * draws.randrange(5, 70) // 100
    first_year = draws.choice((2022, 2022, 2022, 2023, 2025))
    for year in (2022, 2023, 2024, 2025):
        if year < firm.established_on.year:
            continue
        exported = 0
        if year >= first_year or hero:
            exported = base * (55 + 15 * (year - 2022) + draws.randrange(-12, 12)) // 100
        if hero:
            exported = (1800 + 320 * (year - 2022)) * WAN_FEN
        imported = exported * draws.randrange(0, 40) // 100 if draws.random() < 0.4 else 0
        yield [firm.uscc, firm.name, str(year), yuan(exported), yuan(imported)]


_Writer = Callable[[Firm, Random], Iterator[Row]]
_EVENTS: Mapping[str, tuple[str, str, Sequence[tuple[str, str]], tuple[str, ...], _Writer]] = {
    "bank_account": ("财政_核验账户_{:%Y%m%d}.csv", "南昌市财政局", ACCOUNT_COLUMNS, (), _accounts),
    "local_payout": (
        "财政_本地已兑付_{:%Y%m%d}.xlsx",
        "南昌市财政局",
        PAYOUT_COLUMNS,
        ("amount",),
        _payouts,
    ),
    "investment": (
        "发改_技改固投项目_{:%Y%m%d}.xlsx",
        "南昌市发展和改革委员会",
        INVESTMENT_COLUMNS,
        ("equipment", "total"),
        _investments,
    ),
    "loan": (
        "人行_贷款确认单_{:%Y%m%d}.csv",
        "中国人民银行江西省分行",
        LOAN_COLUMNS,
        ("principal", "interest_paid"),
        _loans,
    ),
    "hire": (
        "人社_吸纳就业确认名单_{:%Y%m%d}.csv",
        "南昌市人力资源和社会保障局",
        HIRE_COLUMNS,
        (),
        _hires,
    ),
    "patent": ("知识产权_授权专利_{:%Y%m%d}.csv", "南昌市知识产权局", PATENT_COLUMNS, (), _patents),
    "trade": (
        "海关_进出口_{:%Y%m%d}.xlsx",
        "南昌海关",
        TRADE_COLUMNS,
        ("export", "import"),
        _trade,
    ),
}
