"""The pages and what belongs to them: a folder, read once at the start, compressed in memory, served by exact name.

In: a folder with `index.html`, the one page, and its parts. Out: answers to GET and HEAD. Invariant: what was not in
the folder at the start is not served, whatever a path says: paths are keys of a table, never names of files.

The page names its parts by their paths, such as "/scripts/main.js". When it is read, the digest of all parts is put in:
`/assets/<digest>/scripts/main.js` never changes and may be kept for ever; the name without it is always the newest.
What the page has `data-from` a part is written into it, and the page's policy names its digest.
"""

import base64
import gzip
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import brotli

from .exchange import Exchange
from .security_headers import NO_PAGE
from .security_headers import page as page_headers

KINDS: Final[Mapping[str, str]] = {
    ".css": "text/css; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}
"""What is served, by ending; a file with another one stays where it is."""
_PACKERS: Final[Mapping[str, Callable[[bytes], bytes]]] = {"br": brotli.compress, "gzip": gzip.compress}
"""From the smallest result on."""
_PACKED: Final = frozenset({".ico", ".png", ".webp", ".woff2"})
_DIGEST_DIGITS: Final = 16
_HTML: Final = "text/html; charset=utf-8"
PAGE: Final = "index.html"
PAGES: Final = ("/pay", "/enrol", "/manage", "/receipt", "/return")
"""The addresses of the page; its scripts look which one they were opened under."""
BANK_PAGE: Final = "/sandbox-bank"
"""Where the same page is that of a sandbox bank."""
_OF_SANDBOX: Final = "sandbox/"
"""The folder of what that page alone needs; without a sandbox it is not there."""
_FOR_EVER: Final = ("cache-control", "public, max-age=31536000, immutable")
_ASK_AGAIN: Final = ("cache-control", "no-cache")
_WRITTEN_IN: Final = re.compile(r'<((script|style)[^>]*?) data-from="/([^"]+)"></\2>')
_DIGESTED: Final = re.compile(rf"/assets/([0-9a-f]{{{_DIGEST_DIGITS}}})/(.+)")


class File:
    """One file, in every form it may be asked for.

    Attributes:
        kind: Its content type.
        etag: Of its bytes; forms differ by what follows.
    """

    def __init__(self, kind: str, content: bytes, *, packed: bool) -> None:
        """Takes the bytes; they are compressed when somebody first asks for that.

        Args:
            kind: The content type.
            content: The bytes.
            packed: They are compressed already.
        """
        self.kind = kind
        self.etag = hashlib.sha256(content).hexdigest()[:_DIGEST_DIGITS]
        self._forms = {"identity": content}
        self._packers = {} if packed else _PACKERS

    def encoding(self, accepted: str) -> str:
        """Picks the smallest form that is accepted; a weight of zero refuses one (RFC 9110, 12.5.3)."""
        offers = [offer.replace(" ", "").split(";q=") for offer in accepted.lower().split(",")]
        wanted = {offer[0] for offer in offers if len(offer) == 1 or offer[1].strip("0.")}
        return next((encoding for encoding in self._packers if encoding in wanted), "identity")

    def form(self, encoding: str) -> bytes:
        """Returns its bytes in an encoding."""
        if encoding not in self._forms:
            self._forms[encoding] = self._packers[encoding](self._forms["identity"])
        return self._forms[encoding]


class Site:
    """The table of files."""

    def __init__(self, folder: Path, frame_ancestors: Sequence[str] = (), *, sandbox: bool = False) -> None:
        """Reads the folder.

        Args:
            folder: Of the page and its parts.
            frame_ancestors: Origins that may show the page in a frame.
            sandbox: A sandbox bank has its page here too.

        Raises:
            OSError: There is no page.
            ValueError: A part that is to be written into it would end its own element.
        """
        parts = {name: part for name, part in _read(folder).items() if sandbox or not name.startswith(_OF_SANDBOX)}
        self.digest = _digest(parts)
        self._files = {
            f"/{name}": File(KINDS[Path(name).suffix], content, packed=Path(name).suffix in _PACKED)
            for name, content in parts.items()
        }
        text, scripts, styles = _write_in((folder / PAGE).read_text(), parts, self._for_ever)
        self._page_headers = page_headers(frame_ancestors, scripts, styles)
        page = File(_HTML, self._for_ever(text).encode(), packed=False)
        self._files |= dict.fromkeys((*PAGES, BANK_PAGE) if sandbox else PAGES, page)

    def knows(self, path: str) -> bool:
        """Whether a path is a file of the site."""
        return self._plain(path) in self._files

    async def serve(self, exchange: Exchange) -> None:
        """Answers one request for a file it knows."""
        file = self._files[self._plain(exchange.path)]
        encoding = file.encoding(exchange.fields.get("accept-encoding", ""))
        etag = f'"{file.etag}-{encoding}"'
        digested = _DIGESTED.fullmatch(exchange.path)
        headers = [
            _FOR_EVER if digested is not None and digested[1] == self.digest else _ASK_AGAIN,
            ("etag", etag),
            ("vary", "Accept-Encoding"),
            *(self._page_headers if file.kind == _HTML else NO_PAGE),
        ]
        if etag in exchange.fields.get("if-none-match", ""):
            await exchange.answer(304, headers)
            return
        if encoding != "identity":
            headers.append(("content-encoding", encoding))
        await exchange.answer(200, [("content-type", file.kind), *headers], file.form(encoding))

    def _for_ever(self, text: str) -> str:
        """Puts the digest into the paths of parts."""
        for path in self._files:
            text = text.replace(f'"{path}"', f'"/assets/{self.digest}{path}"')
        return text

    def _plain(self, path: str) -> str:
        """The name without a digest; that of another release is the same file, only not for ever."""
        digested = _DIGESTED.fullmatch(path)
        return path if digested is None else f"/{digested[2]}"


def site_folder() -> Path:
    """Returns where the files are: beside this module in an installed wheel, in `clients/web` of the source tree."""
    installed = Path(__file__).parent / "web"
    return installed if installed.is_dir() else Path(__file__).parents[3] / "clients" / "web"


def _write_in(page: str, parts: Mapping[str, bytes], finish: Callable[[str], str]) -> tuple[str, list[str], list[str]]:
    """Writes parts into the page; returns it with the digests of its scripts and of its styles."""
    digests: dict[str, list[str]] = {"script": [], "style": []}

    def write(found: re.Match[str]) -> str:
        tag, kind, name = found.groups()
        text = finish(parts[name].decode())
        if f"</{kind}" in text.lower() or "<!--" in text:
            raise ValueError(f"{name} cannot stand in a page: it says </{kind} or <!--")
        digests[kind].append(base64.b64encode(hashlib.sha256(text.encode()).digest()).decode())
        return f"<{tag}>{text}</{kind}>"

    return _WRITTEN_IN.sub(write, page), digests["script"], digests["style"]


def _read(folder: Path) -> dict[str, bytes]:
    """Reads what is served of a folder, by name below it."""
    found = sorted(path for path in folder.rglob("*") if path.suffix in KINDS and path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def _digest(files: Mapping[str, bytes]) -> str:
    whole = hashlib.sha256()
    for name, content in files.items():
        whole.update(f"{name}\0{len(content)}\0".encode() + content)
    return whole.hexdigest()[:_DIGEST_DIGITS]
