"""The kinds of files departments deliver: their columns, headings and keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

DECLARATION = "declaration"
"""The source of what enterprises answer on the web; it has no file."""


class ColumnType(StrEnum):
    """How the cells of a column are read."""

    USCC = "uscc"
    NAME = "name"
    TEXT = "text"
    CHOICE = "choice"
    MONEY = "money"
    COUNT = "count"
    YEAR = "year"
    MONTH = "month"
    DATE = "date"
    REGION = "region"
    INDUSTRY = "industry"
    CNAPS = "cnaps"


class Presence(StrEnum):
    """What must be there: heading and cell, the heading alone, or neither."""

    REQUIRED = "required"
    EXPECTED = "expected"
    OPTIONAL = "optional"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a source.

    ``choices`` are the values of a CHOICE. ``signed`` allows negative money, ``future`` allows
    dates after the day the file vouches for. ``blank`` is what an empty cell says, where it says
    something; elsewhere it is a value nobody knows.
    """

    code: str
    heading: str
    type: ColumnType
    presence: Presence = Presence.EXPECTED
    choices: tuple[str, ...] = ()
    signed: bool = False
    future: bool = False
    aliases: tuple[str, ...] = ()
    blank: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One kind of file.

    ``key`` names the columns that tell the records of one firm apart; where they are all empty
    ``fallback_key`` is used. ``lists`` maps the codes of a source of lists to their names, and is
    empty for other sources. ``order`` holds pairs of dates, the earlier first.
    """

    kind: str
    label_zh: str
    owner_zh: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    fallback_key: tuple[str, ...] = ()
    lists: Mapping[str, str] = field(default_factory=dict)
    order: tuple[tuple[str, str], ...] = ()

    def column(self, code: str) -> Column:
        """Return a column by its code."""
        return next(column for column in self.columns if column.code == code)


_REQUIRED, _OPTIONAL = Presence.REQUIRED, Presence.OPTIONAL
_NAMES = ("企业名称", "单位名称", "纳税人名称", "名称", "市场主体名称")


def _uscc(presence: Presence = Presence.EXPECTED) -> Column:
    return Column(
        code="uscc",
        heading="统一社会信用代码",
        type=ColumnType.USCC,
        presence=presence,
        aliases=("社会信用代码", "信用代码", "统一信用代码", "纳税人识别号"),
    )


def _name(heading: str = "企业名称", presence: Presence = Presence.EXPECTED) -> Column:
    aliases = tuple(name for name in _NAMES if name != heading)
    return Column(
        code="name", heading=heading, type=ColumnType.NAME, presence=presence, aliases=aliases
    )


def _money(
    code: str, heading: str, presence: Presence = Presence.EXPECTED, *, signed: bool = False
) -> Column:
    return Column(
        code=code, heading=heading, type=ColumnType.MONEY, presence=presence, signed=signed
    )


def _count(code: str, heading: str, presence: Presence = Presence.EXPECTED) -> Column:
    return Column(code=code, heading=heading, type=ColumnType.COUNT, presence=presence)


def _date(
    code: str, heading: str, presence: Presence = Presence.EXPECTED, *, future: bool = False
) -> Column:
    return Column(
        code=code, heading=heading, type=ColumnType.DATE, presence=presence, future=future
    )


def _text(code: str, heading: str, presence: Presence = Presence.EXPECTED) -> Column:
    return Column(code=code, heading=heading, type=ColumnType.TEXT, presence=presence)


def _choice(
    code: str, heading: str, choices: str, presence: Presence = Presence.EXPECTED
) -> Column:
    return Column(
        code=code,
        heading=heading,
        type=ColumnType.CHOICE,
        presence=presence,
        choices=tuple(choices.split("|")),
    )


def _year() -> Column:
    return Column(
        code="year",
        heading="年度",
        type=ColumnType.YEAR,
        presence=_REQUIRED,
        aliases=("所属年度", "年份"),
    )


_ALL = (
    Source(
        kind="registration",
        label_zh="企业登记",
        owner_zh="市场监督管理部门",
        columns=(
            _uscc(_REQUIRED),
            _name(presence=_REQUIRED),
            _text("former_name", "曾用名"),
            _choice(
                "entity_type",
                "企业类型",
                "有限责任公司|股份有限公司|个人独资企业|合伙企业|个体工商户|农民专业合作社|外商投资企业",
            ),
            _text("legal_representative", "法定代表人"),
            _money("registered_capital", "注册资本"),
            _date("established_on", "成立日期"),
            Column(code="industry", heading="行业代码", type=ColumnType.INDUSTRY),
            Column(
                code="region",
                heading="住所区划代码",
                type=ColumnType.REGION,
                aliases=("行政区划代码",),
            ),
            Column(
                code="park",
                heading="园区代码",
                type=ColumnType.TEXT,
                presence=_OPTIONAL,
                # Outside every zone.
                blank="",
            ),
            _choice("status", "登记状态", "存续|吊销|注销|迁出", _REQUIRED),
            _date("cancelled_on", "注销日期", _OPTIONAL),
            _text("address", "住所"),
            _text("phone", "联系电话", _OPTIONAL),
            _text("email", "电子邮箱", _OPTIONAL),
        ),
        order=(("established_on", "cancelled_on"),),
    ),
    Source(
        kind="tax_annual",
        label_zh="年度纳税",
        owner_zh="税务部门",
        columns=(
            _uscc(),
            _name("纳税人名称"),
            Column(
                code="year",
                heading="所属年度",
                type=ColumnType.YEAR,
                presence=_REQUIRED,
                aliases=("年度", "年份"),
            ),
            _money("revenue", "营业收入"),
            _money("taxable_income", "应纳税所得额", signed=True),
            _money("rd_expense", "研发费用"),
            _money("tax_paid", "实缴税额"),
            _money("assets", "资产总额"),
            _count("staff", "从业人数"),
            _choice("taxpayer_type", "纳税人类型", "一般纳税人|小规模纳税人", _OPTIONAL),
            _choice("tax_credit", "纳税信用等级", "A|B|M|C|D", _OPTIONAL),
            Column(
                code="tax_region",
                heading="主管税务机关区划",
                type=ColumnType.REGION,
                presence=_OPTIONAL,
            ),
        ),
        key=("year",),
    ),
    Source(
        kind="social_insurance",
        label_zh="社会保险月报",
        owner_zh="人力资源和社会保障部门",
        columns=(
            _uscc(),
            _name("单位名称"),
            Column(code="month", heading="费款所属期", type=ColumnType.MONTH, presence=_REQUIRED),
            _count("insured", "参保人数", _REQUIRED),
            _count("new_insured", "新增参保人数"),
            _count("claims", "领取失业保险金人数"),
            _money("premium", "失业保险实缴金额"),
            _money("arrears", "欠费金额"),
        ),
        key=("month",),
    ),
    Source(
        kind="recognition",
        label_zh="认定名单",
        owner_zh="工业和信息化、科学技术等部门",
        columns=(
            _uscc(),
            _name(),
            _choice("level", "级别", "国家级|省级|市级|区县级"),
            _text("certificate_no", "证书编号"),
            _date("listed_on", "认定日期", _REQUIRED),
            _date("valid_until", "有效期至", future=True),
        ),
        key=("certificate_no",),
        fallback_key=("listed_on",),
        lists={
            "hnte": "高新技术企业",
            "tech_sme": "科技型中小企业",
            "innovative_sme": "创新型中小企业",
            "srdi": "专精特新中小企业",
            "little_giant": "专精特新“小巨人”企业",
            "single_champion": "制造业单项冠军企业",
            "above_scale": "规上工业企业库",
            "tech_center": "企业技术中心",
            "green_factory": "绿色工厂",
            "advanced_manufacturing": "先进制造业加计抵减名单",
            "time_honoured": "老字号",
            "listed": "上市（挂牌）企业",
        },
        order=(("listed_on", "valid_until"),),
    ),
    Source(
        kind="credit",
        label_zh="失信和监管名单",
        owner_zh="人民法院、市场监督管理和税务部门",
        columns=(
            _uscc(),
            _name(),
            _date("listed_on", "列入日期", _REQUIRED),
            _date("removed_on", "移出日期"),
            _text("reason", "列入事由", _OPTIONAL),
        ),
        key=("listed_on",),
        lists={
            "dishonest": "失信被执行人",
            "abnormal": "经营异常名录",
            "serious_violation": "严重违法失信名单",
            "tax_violation": "重大税收违法失信主体",
        },
        order=(("listed_on", "removed_on"),),
    ),
    Source(
        kind="bank_account",
        label_zh="核验账户",
        owner_zh="财政部门",
        columns=(
            _uscc(),
            _name(),
            _text("account_name", "户名", _REQUIRED),
            _text("account_no", "账号", _REQUIRED),
            _text("bank_name", "开户行", _REQUIRED),
            Column(code="cnaps", heading="联行号", type=ColumnType.CNAPS),
            _date("verified_on", "核验日期", _REQUIRED),
        ),
        key=("account_no",),
    ),
    Source(
        kind="local_payout",
        label_zh="本地已兑付",
        owner_zh="财政部门",
        columns=(
            _uscc(),
            _name(),
            _text("benefit", "政策事项", _REQUIRED),
            _text("document_no", "文号"),
            _year(),
            _money("amount", "金额", _REQUIRED),
            _date("paid_on", "支付日期"),
            _text("payer", "支付单位", _OPTIONAL),
        ),
        key=("document_no", "year", "benefit"),
    ),
    Source(
        kind="investment",
        label_zh="投资项目",
        owner_zh="发展改革、工业和信息化部门",
        columns=(
            _uscc(),
            _name(),
            _text("project_no", "项目代码", _REQUIRED),
            _text("project_name", "项目名称"),
            _choice("kind", "项目类型", "技术改造|新建|设备更新", _REQUIRED),
            _money("equipment", "设备投资额"),
            _money("total", "总投资额"),
            _date("completed_on", "竣工日期"),
            _date("filed_on", "备案日期"),
        ),
        key=("project_no",),
        order=(("filed_on", "completed_on"),),
    ),
    Source(
        kind="loan",
        label_zh="贷款确认单",
        owner_zh="金融监管部门和经办银行",
        columns=(
            _uscc(),
            _name(),
            _text("loan_no", "贷款合同号", _REQUIRED),
            _choice("kind", "贷款类型", "创业担保贷款|设备更新贷款|流动资金贷款", _REQUIRED),
            _money("principal", "贷款金额", _REQUIRED),
            _money("interest_paid", "已付利息"),
            _date("started_on", "放款日期", _REQUIRED),
            _date("until", "到期日期", future=True),
            _text("lender", "经办银行", _OPTIONAL),
        ),
        key=("loan_no",),
        order=(("started_on", "until"),),
    ),
    Source(
        kind="hire",
        label_zh="吸纳就业确认名单",
        owner_zh="人力资源和社会保障部门",
        columns=(
            _uscc(),
            _name(),
            _text("person_key", "人员标识", _REQUIRED),
            _choice(
                "category",
                "人员类别",
                "高校毕业生|就业困难人员|退役军人|脱贫人口|登记失业半年以上人员",
                _REQUIRED,
            ),
            _date("hired_on", "招用日期", _REQUIRED),
            _count("insured_months", "连续参保月数"),
            _count("contract_months", "合同期限月数"),
        ),
        key=("person_key",),
    ),
    Source(
        kind="patent",
        label_zh="授权专利",
        owner_zh="知识产权部门",
        columns=(
            _uscc(),
            _name(),
            _text("patent_no", "专利号", _REQUIRED),
            _choice("kind", "专利类型", "发明|实用新型|外观设计", _REQUIRED),
            _date("granted_on", "授权日期", _REQUIRED),
        ),
        key=("patent_no",),
    ),
    Source(
        kind="trade",
        label_zh="进出口",
        owner_zh="海关",
        columns=(_uscc(), _name(), _year(), _money("export", "出口额"), _money("import", "进口额")),
        key=("year",),
    ),
)

SOURCES: Mapping[str, Source] = MappingProxyType({source.kind: source for source in _ALL})
"""Every kind of file that may be taken in, by its name."""
