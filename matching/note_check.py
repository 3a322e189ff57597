"""Is a file what its delivery note says, and good enough to be taken at all?"""

from __future__ import annotations

from fractions import Fraction

from matching.batch_store import Work
from matching.rows import Rows
from policies.findings import Level


def compare_rows(work: Work, left_out: int) -> None:
    """Compare the number of rows; ``left_out`` are blank rows and rows of totals."""
    declared, read = work.delivery.rows, work.counts.rows_read
    # Some senders count blank rows and the row of totals, some do not.
    if declared is not None and declared not in {read, read + left_out}:
        work.whole_file("file.rows", Level.ERROR, f"{read} 行", f"交接单所列 {declared} 行")


def compare_totals(work: Work, rows: Rows) -> None:
    """Compare the control totals, exactly and in the unit of the file."""
    for code, text in sorted(work.delivery.totals.items()):
        try:
            declared = Fraction(text.replace(",", ""))
        except ValueError:
            work.whole_file("file.totals", Level.ERROR, f"合计 {code}={text}", "数字")
            continue
        found = rows.totals.get(code)
        if found != declared:
            shown = "文件中没有这一列" if found is None else f"合计 {_decimal(found)}"
            expected = f"交接单所列 {_decimal(declared)}"
            heading = next((c.heading for c in work.source.columns if c.code == code), code)
            work.whole_file("file.totals", Level.ERROR, f"“{heading}”{shown}", expected)


def _decimal(number: Fraction) -> str:
    whole, rest = divmod(abs(number), 1)
    decimals = f"{int(rest * 10**6):06d}".rstrip("0")
    return ("-" if number < 0 else "") + str(whole) + (f".{decimals}" if decimals else "")


def is_refused(work: Work) -> bool:
    """Compare the digest and the share of bad rows, and say whether the file is refused whole."""
    delivery, counts = work.delivery, work.counts
    if delivery.sha256 and delivery.sha256 != work.sha256:
        work.whole_file(
            "file.sha256", Level.ERROR, f"摘要 {work.sha256}", f"交接单所列 {delivery.sha256}"
        )
    allowed = delivery.max_error_share * counts.rows_read
    if counts.rows_rejected > allowed:
        found = f"{counts.rows_read} 行中有 {counts.rows_rejected} 行错误"
        share = f"{float(delivery.max_error_share):.2%}"
        work.whole_file("file.errors", Level.ERROR, found, f"错误行不超过 {share}")
    return any(f.row_number is None and f.level is Level.ERROR for f in work.findings)
