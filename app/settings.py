"""The settings of one installation, read once from `HQT_…` variables or a `.env` file.

Every setting is described in `docs/settings.md`; a test keeps the two together.
"""

import os
import secrets
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What differs from one installation to the next."""

    model_config = SettingsConfigDict(
        env_prefix="HQT_", env_file=".env", extra="ignore", frozen=True
    )

    home: Path = Field(default=Path("var"), description="Folder that holds all data of this system")
    database_url: str = Field(
        default="", description="SQLAlchemy URL; empty means a SQLite file under the home folder"
    )
    secret_key: SecretStr = Field(
        default=SecretStr(""),
        description="Signs sessions and packages; empty means one is made and kept under home",
    )
    bind: str = Field(default="127.0.0.1:8000", description="Address and port of the site")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="The least severe log line that is written"
    )
    log_json: bool = Field(default=False, description="Log lines as JSON, for machines")
    smtp_host: str = Field(default="", description="Mail relay; empty means no mail is sent")
    smtp_port: int = Field(default=25, ge=1, le=65535, description="Port of the mail relay")
    smtp_from: str = Field(
        default="huiqitong@localhost", description="Sender address of notices by mail"
    )

    @field_validator("home")
    @classmethod
    def _absolute(cls, home: Path) -> Path:
        return home.expanduser().absolute()

    @property
    def url(self) -> str:
        """The database to use, with the default filled in."""
        return self.database_url or f"sqlite:///{self.home / 'huiqitong.db'}"

    @property
    def host(self) -> str:
        """The address part of `bind`, without the brackets of IPv6."""
        return self.bind.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """The port part of `bind`."""
        return int(self.bind.rpartition(":")[2])

    def ensure_home(self) -> Path:
        """Make the home folder, readable by its owner alone, and return it."""
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        return self.home

    def signing_key(self) -> str:
        """The key that signs sessions and packages, made at first use when none is set."""
        if given := self.secret_key.get_secret_value():
            return given
        file = self.ensure_home() / "secret.key"
        if not file.exists():
            _write_once(file, secrets.token_urlsafe(48))
        return file.read_text(encoding="ascii").strip()


def _write_once(file: Path, text: str) -> None:
    """Write a private file unless another process was first; never seen half written."""
    draft = file.with_suffix(f".{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(text + "\n")
    try:
        os.link(draft, file)
    except FileExistsError:
        return
    finally:
        draft.unlink()
