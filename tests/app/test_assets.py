"""The colours can be read, and every asset a page asks for was built."""

import json
import re
from pathlib import Path

import pytest

from app import assets_manifest
from app.assets_manifest import AssetsNotBuiltError, UnknownAssetError, asset

ROOT = Path(__file__).resolve().parent.parent.parent
TOKENS = dict(
    re.findall(
        r"--hq-([\w-]+):\s*(#[0-9a-f]{6})",
        (ROOT / "app" / "assets" / "css" / "tokens.css").read_text(encoding="utf-8"),
    )
)


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 defines it."""

    def linear(part: int) -> float:
        share = part / 255
        return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(int(colour[i : i + 2], 16)) for i in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(
    ("text", "ground"),
    [(kind, f"{kind}-pale") for kind in ("good", "wait", "bad", "mute", "note", "gold", "blue")]
    + [(ink, on) for ink in ("ink", "ink-soft") for on in ("ground", "surface", "surface-sunk")]
    + [("ink-soft", f"{kind}-pale") for kind in ("good", "wait", "bad", "note")]
    + [(link, on) for link in ("blue", "blue-deep", "bad") for on in ("ground", "surface")],
)
def test_text_is_readable(text: str, ground: str) -> None:
    assert contrast(TOKENS[text], TOKENS[ground]) >= 4.5


@pytest.mark.parametrize("ground", ["ground", "surface", "surface-sunk"])
def test_borders_of_fields_are_visible(ground: str) -> None:
    assert contrast(TOKENS["line-strong"], TOKENS[ground]) >= 3


@pytest.mark.parametrize("name", ["portal.css", "desk.css", "main.js", "chart.js", "logo.svg"])
def test_asset_is_built_under_a_hashed_name(name: str) -> None:
    url = asset(name)
    stem, _, kind = name.rpartition(".")
    assert re.fullmatch(rf"/static/dist/{stem}-[0-9A-Z]{{8}}\.{kind}", url)
    assert (assets_manifest.DIST / url.rsplit("/", 1)[1]).stat().st_size > 0


def test_unknown_names_are_refused() -> None:
    with pytest.raises(UnknownAssetError, match="nothing"):
        asset("nothing.css")


def test_missing_build_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(assets_manifest, "DIST", tmp_path)
    with pytest.raises(AssetsNotBuiltError, match="make setup"):
        assets_manifest.manifest.__wrapped__()


def test_nothing_is_fetched_from_elsewhere() -> None:
    built = json.loads((assets_manifest.DIST / "manifest.json").read_text(encoding="utf-8"))
    for name in ("portal.css", "desk.css"):
        text = (assets_manifest.DIST / built[name]).read_text(encoding="utf-8")
        assert not re.search(r"url\(\s*[\"']?(https?:)?//", text)
        assert "@import" not in text


@pytest.mark.parametrize("number", range(1, 7))
def test_series_of_charts_stand_out(number: int) -> None:
    assert contrast(TOKENS[f"series-{number}"], TOKENS["surface"]) >= 3
    assert contrast(TOKENS[f"series-{number}"], TOKENS["ground"]) >= 3
