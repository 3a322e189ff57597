"""Long lists cut into pages that plain links turn."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.requests import Request

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Paging:
    """Where a list stands: page ``number`` of ``last``, from 1, and links to its neighbours."""

    number: int
    last: int
    total: int
    before: str
    after: str

    @property
    def offset(self) -> int:
        """How many rows lie before this page."""
        return (self.number - 1) * PAGE_SIZE


def paging(request: Request, total: int) -> Paging:
    """Read the page number from the query and work out the neighbours, all filters kept."""
    last = max((total + PAGE_SIZE - 1) // PAGE_SIZE, 1)
    asked = request.query_params.get("page", "1")
    number = min(max(int(asked), 1), last) if asked.isdecimal() and len(asked) < 9 else 1

    def link(to: int) -> str:
        if not 1 <= to <= last:
            return ""
        query = [(k, v) for k, v in request.query_params.multi_items() if k != "page" and v]
        return f"{request.url.path}?{urlencode([*query, ('page', str(to))])}"

    return Paging(
        number=number, last=last, total=total, before=link(number - 1), after=link(number + 1)
    )
