"""Refusals of the matching package: one class per case, each with its own Chinese message."""

from __future__ import annotations


class MatchingError(Exception):
    """Any refusal of this package."""


class UnreadableFileError(MatchingError):
    """A delivered file that cannot be read as a table."""

    def __init__(self, file: str, found: str, expected: str) -> None:
        self.found = found
        self.expected = expected
        super().__init__(f"文件 {file} 无法读取: {found}; 应为 {expected}")


class DeliveryNoteError(MatchingError):
    """A delivery note (交接单) that does not say what it must."""

    def __init__(self, file: str, entry: int, key: str, found: str, expected: str) -> None:
        place = f"第 {entry} 项" if entry else "整份"
        super().__init__(f"交接单 {file} {place}, {key}: {found}; 应为 {expected}")


class UnknownSourceError(MatchingError):
    """A kind of file, or a list, that nobody knows."""

    def __init__(self, source: str, list_code: str, known: str) -> None:
        shown = f"{source} / {list_code}" if list_code else source
        super().__init__(f"未知的数据来源 {shown!r}; 应为 {known}")


class UnknownEnterpriseError(MatchingError):
    """A credit code that no registration names."""

    def __init__(self, uscc: str) -> None:
        super().__init__(f"登记数据中没有统一社会信用代码 {uscc}")


class UnknownBatchError(MatchingError):
    """A delivery that was never taken in."""

    def __init__(self, batch_id: int) -> None:
        super().__init__(f"没有编号为 {batch_id} 的数据批次")


class LinkDecisionError(MatchingError):
    """A queued row that cannot be decided: unknown or decided before."""

    def __init__(self, queue_id: int, state: str) -> None:
        found = f"已处理（{state}）" if state else "不存在"
        super().__init__(f"待认领记录 {queue_id} {found}; 只能处理待认领的记录")


class DeclarationError(MatchingError):
    """An answer of an enterprise that does not fit the field."""

    def __init__(self, field: str, found: str, expected: str) -> None:
        super().__init__(f"要素 {field} 的填报内容 {found} 不符; 应为 {expected}")
