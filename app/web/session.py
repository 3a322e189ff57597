"""Who is signed in, which language, one-time messages: signed cookies, nothing kept here."""

from __future__ import annotations

from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.requests import Request
from starlette.responses import Response

SESSION_COOKIE = "hqt_session"
FLASH_COOKIE = "hqt_flash"
LANGUAGE_COOKIE = "hqt_language"
SESSION_SECONDS = 8 * 3600
FLASH_SECONDS = 120
YEAR_SECONDS = 365 * 24 * 3600
LANGUAGES = ("zh", "en")


class Cookies:
    """Writes and reads the cookies of the site, signed with the installation's key."""

    def __init__(self, key: str) -> None:
        self._session = URLSafeTimedSerializer(key, salt="session")
        self._flash = URLSafeTimedSerializer(key, salt="flash")

    def username(self, request: Request) -> str | None:
        """Return who the request says it is, None when unsigned, forged or over eight hours old."""
        return self._read(self._session, request.cookies.get(SESSION_COOKIE), SESSION_SECONDS)

    def flash(self, request: Request) -> tuple[str, str] | None:
        """Return the one-time message (kind, text) that the request carries."""
        text = self._read(self._flash, request.cookies.get(FLASH_COOKIE), FLASH_SECONDS)
        if text is None:
            return None
        kind, _, message = text.partition("|")
        return kind, message

    def sign_in(self, response: Response, username: str, *, secure: bool) -> None:
        """Remember on the response who signed in."""
        response.set_cookie(
            SESSION_COOKIE,
            self._session.dumps(username),
            max_age=SESSION_SECONDS,
            httponly=True,
            secure=secure,
            samesite="lax",
        )

    def sign_out(self, response: Response) -> None:
        """Forget who was signed in."""
        response.delete_cookie(SESSION_COOKIE, httponly=True, samesite="lax")

    def put_flash(self, response: Response, message: str, kind: str = "good") -> None:
        """Leave a message for the next page; kind is good, warning or bad."""
        response.set_cookie(
            FLASH_COOKIE,
            self._flash.dumps(f"{kind}|{message}"),
            max_age=FLASH_SECONDS,
            httponly=True,
            samesite="lax",
        )

    @staticmethod
    def _read(serializer: URLSafeTimedSerializer, text: str | None, seconds: int) -> str | None:
        if not text:
            return None
        try:
            value = serializer.loads(text, max_age=seconds)
        except BadSignature:
            return None
        return value if isinstance(value, str) else None


def language_of(request: Request) -> str:
    """Return the chosen language, Chinese unless English was chosen."""
    chosen = request.cookies.get(LANGUAGE_COOKIE, "zh")
    return chosen if chosen in LANGUAGES else "zh"
