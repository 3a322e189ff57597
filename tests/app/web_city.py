"""A very small city for tests of pages: two firms, three benefits, verified accounts."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine

from app.auth import Grant
from app.db import transaction
from app.roles import Role
from ledger.iso20022 import cnaps
from ledger.purses import Channel, Purse, open_purses
from matching.deliveries import Delivery
from matching.intake import intake
from matching.uscc import make
from policies.codec import read_correct
from policies.library import publish
from tests.app.web import DAY, DEPARTMENT, NOON, add_person

FIRM = make(authority="91", division="360111", body="MA35QAAA")
OTHER = make(authority="91", division="360111", body="MA35QAAB")
ACCOUNT = "6222000011112345"

POLICY = f"""
format: huiqitong-policy/1
document: {{id: test-doc, number: 洪测〔2026〕1号, title: 测试办法, issuer: 市测试局, level: city,
  region: "360100", issued_on: 2026-01-01, valid_from: 2026-01-01, valid_until: 2026-12-31,
  url: "", certainty: text, demo: true}}
benefits:
  - id: test-award
    version: 1
    name: {{zh: 注册奖励, en: Registration award}}
    basis: 第一条
    class: 奖补
    mode: direct
    beneficiary: {{zh: 本市企业}}
    lead_department: {DEPARTMENT}
    purse: nanchang
    allotment_purpose: industry-award
    promise_working_days: 5
    materials: [{{name: {{zh: 营业执照}}, issuer: 市场监管部门, held_by_government: true}}]
    steps: [{{role: 经办, working_days: 1}}]
    criteria: {{all: [{{field: region, under: ["3601"], clause: 第二条}}]}}
    amount: {{fixed: 10万元}}
"""

SECOND = """
  - id: test-rent
    version: 1
    name: {zh: 房租补贴}
    basis: 第三条
    class: 奖补
    mode: instant
    beneficiary: {zh: 本市企业}
    lead_department: 南昌市工业和信息化局
    purse: nanchang
    allotment_purpose: industry-award
    criteria: {all: [{field: region, under: ["3601"]}, {field: rent_paid, at_least: 1万元}]}
    amount: {at_most: {amount: {rate: 50%, of: {field: rent_paid}}, cap: 5万元}}
  - id: test-age
    version: 1
    name: {zh: 老店奖励}
    basis: 第四条
    class: 奖补
    mode: apply
    beneficiary: {zh: 本市企业}
    lead_department: 南昌市工业和信息化局
    purse: nanchang
    allotment_purpose: industry-award
    criteria: {all: [{field: established_on, elapsed: {at_least: 10, unit: years}, clause: 第四条}]}
    amount: {fixed: 20万元}
"""

REGISTRATION = f"""统一社会信用代码,企业名称,曾用名,企业类型,法定代表人,注册资本,成立日期,行业代码,住所区划代码,登记状态,住所
{FIRM},南昌云栖精密制造有限公司,,有限责任公司,甲某,8000000,2018-03-01,3411,360111,存续,南昌市青山湖区一号
{OTHER},南昌赣云电子有限公司,,有限责任公司,乙某,9000000,2019-03-01,3911,360111,存续,南昌市青山湖区二号
"""
ACCOUNTS = f"""统一社会信用代码,企业名称,户名,账号,开户行,联行号,核验日期
{FIRM},南昌云栖精密制造有限公司,南昌云栖精密制造有限公司,{ACCOUNT},江西银行南昌分行,{cnaps("31342100001")},2026-01-05
"""


PURSE = Purse(
    code="nanchang",
    name_zh="南昌市本级",
    division_code="360100",
    level="city",
    fund_type="1",
    channel=Channel.BUDGET_SYSTEM,
    payer_name="南昌市财政局",
    payer_account="3600010001",
    payer_bank_cnaps="",
)


def build_city(engine: Engine, folder: Path) -> None:
    """Take the files in, publish the benefits, and add an agent for each firm."""
    folder.mkdir(exist_ok=True)
    files = {"registration": REGISTRATION, "bank_account": ACCOUNTS}
    for source, text in files.items():
        file = folder / f"{source}.csv"
        file.write_text(text, encoding="utf-8")
        delivery = Delivery(
            file=file.name,
            source=source,
            owner="南昌市市场监督管理局",
            as_of=DAY,
            received_at=NOON,
            complete=True,
        )
        with transaction(engine) as connection:
            report = intake(connection, delivery, file, at=NOON)
            assert report.state == "accepted", report
            assert not report.rows_rejected, report
    with transaction(engine) as connection:
        open_purses(connection, [PURSE])
        publish(
            connection, read_correct(POLICY + SECOND), by="author", reviewed_by="reviewer", at=NOON
        )
    add_person(engine, "agent", [Grant(role=Role.AGENT, uscc=FIRM)])
    add_person(engine, "other", [Grant(role=Role.AGENT, uscc=OTHER)])
