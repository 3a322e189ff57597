"""A small benefit file that uses many constructs."""

SAMPLE = """\
format: huiqitong-policy/1
document:
  id: nc-2026-sample
  number: 洪府发〔2026〕1号
  title: 若干措施
  issuer: 南昌市人民政府
  level: city
  region: "360100"
  issued_on: 2026-01-15
  valid_from: 2026-02-01
  valid_until: 2026-12-31
  url: ""
  certainty: text
parameters:
  - {code: lpr_1y, label: {zh: 一年期LPR}, type: ratio, values: [{from: 2025-05-20, value: 3.0%}]}
definitions:
  good_standing:
    label: {zh: 信用良好, en: In good standing}
    criterion: {all: [{field: dishonest, not_listed: {}}]}
benefits:
  - id: nc-sample-award
    version: 1
    name: {zh: 示例奖励, en: Sample award}
    basis: 第五条第一款
    class: 奖补
    mode: direct
    lead_department: 南昌市工业和信息化局
    purse: nanchang
    allotment_purpose: industry-award
    fair_competition: {result: 通过, date: 2026-01-08}
    criteria:
      all:
        - {field: region, under: ["3601"], clause: 第二条}
        - {use: good_standing}
        - {field: revenue, period: last_year, at_least: 2000万元, less_than: 20亿元, clause: 第五条}
        - {field: established_on, elapsed: {at_least: 12, unit: months}, clause: 第五条}
    amount:
      tiers:
        by: {field: revenue, period: last_year}
        steps:
          - {from: 2000万元, below: 1亿元, amount: {fixed: 10万元}}
          - {from: 1亿元, amount: {parameter: lpr_1y, of: {field: revenue, period: last_year}}}
    caps: [{scope: firm_year, amount: 300万元, clause: 第五条}]
    stacking: {rule: highest, group: g, with: [nc-other], clause: 第九条}
    cases:
      - name: 恰好2000万元
        as_of: 2026-06-30
        profile: {region: "360111", dishonest: none, revenue@2025: 2000万元, established_on: 2025-06-30}
        expect: eligible
        amount: 10万元
      - name: 差一分
        as_of: 2026-06-30
        profile: {region: "360111", dishonest: none, revenue@2025: 19999999.99元, established_on: 2025-06-30}
        expect: ineligible
      - name: 收入只知范围
        as_of: 2026-06-30
        profile: {region: "360111", dishonest: none, revenue@2025: [1000万元, 3000万元], established_on: 2025-06-30}
        expect: undetermined
        amount: [0元, 10万元]
        missing: [revenue]
      - name: 名单不完整
        as_of: 2026-06-30
        profile: {region: "360111", dishonest: unknown, revenue@2025: 5000万元, established_on: {value: 2025-06-30, as_of: 2026-06-01}}
        expect: undetermined
        missing: [dishonest]
"""
