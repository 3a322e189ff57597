"""Refusals of the policies package: one class per case, each with its own Chinese message."""

from __future__ import annotations


class PolicyError(Exception):
    """Any refusal of this package."""


class VocabularyError(PolicyError):
    """A registry file of the vocabulary that cannot be read."""

    def __init__(self, file: str, line: int, code: str, found: str, expected: str) -> None:
        super().__init__(
            f"要素登记表 {file} 第 {line} 行, 要素 {code or '(无代码)'}: {found}; 应为 {expected}"
        )


class PolicyFileError(PolicyError):
    """A policy file with mistakes was used where only a correct one may be."""

    def __init__(self, file: str, problems: tuple[str, ...]) -> None:
        self.problems = problems
        shown = "\n".join(problems[:20])
        super().__init__(f"政策文件 {file} 有 {len(problems)} 处错误:\n{shown}")


class UnknownBenefitError(PolicyError):
    """A benefit that the library does not hold."""

    def __init__(self, benefit_id: str, version: int | None) -> None:
        shown = "" if version is None else f" 第 {version} 版"
        super().__init__(f"没有政策事项 {benefit_id}{shown}; 请核对事项代码")


class SameReviewerError(PolicyError):
    """Author and reviewer of a publication are one person."""

    def __init__(self, person: str) -> None:
        super().__init__(f"{person} 不能审核自己起草的政策; 请由另一人审核")


class VersionTakenError(PolicyError):
    """A published benefit version was to be replaced by other content."""

    def __init__(self, benefit_id: str, version: int) -> None:
        super().__init__(
            f"政策事项 {benefit_id} 第 {version} 版已发布且内容不同; "
            "已发布的版本不能修改, 请升版本号"
        )
