"""The URL of a built stylesheet, script or picture: `asset("portal.css")`.

Names are content-hashed by the build, so files under `/static/dist/` may be cached for ever.
"""

import json
from functools import cache
from pathlib import Path

STATIC = Path(__file__).resolve().parent / "static"
DIST = STATIC / "dist"


class AssetsNotBuiltError(RuntimeError):
    """The front end has not been built in this checkout."""

    def __init__(self) -> None:
        super().__init__("前端资源尚未构建: 请先运行 make setup")


class UnknownAssetError(KeyError):
    """No built file has this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"没有名为 {name} 的前端资源")


@cache
def manifest() -> dict[str, str]:
    """Each name a page may ask for, with the file that was built for it."""
    file = DIST / "manifest.json"
    if not file.exists():
        raise AssetsNotBuiltError
    built: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
    return built


def asset(name: str) -> str:
    """The URL of a built file, for `/static` mounted on `STATIC`."""
    try:
        return f"/static/dist/{manifest()[name]}"
    except KeyError:
        raise UnknownAssetError(name) from None
