"""The two files by which a phone knows that an app and this site belong together.

In: settings. Out: `/.well-known/assetlinks.json` (Android) and `/.well-known/apple-app-site-association` (Apple).
Invariant: an app that is not listed shares neither passkeys nor links; without any app there is no file.
"""

import json
from collections.abc import Sequence
from typing import Any, Final

from .settings import AndroidApp

ANDROID_PATH: Final = "/.well-known/assetlinks.json"
APPLE_PATH: Final = "/.well-known/apple-app-site-association"
RETURN_PATH: Final = "/return"
"""The path whose links, with any query, open the app: where a payment made in a browser comes back to."""
_RELATIONS: Final = ("delegate_permission/common.handle_all_urls", "delegate_permission/common.get_login_creds")


def well_known_files(android: Sequence[AndroidApp], apple: Sequence[str]) -> dict[str, bytes]:
    """Returns the files by path; only those that name an app."""
    files = {}
    if android:
        files[ANDROID_PATH] = _json([_statement(app) for app in android])
    if apple:
        link = {"appIDs": list(apple), "components": [{"/": RETURN_PATH}]}
        files[APPLE_PATH] = _json({"applinks": {"details": [link]}, "webcredentials": {"apps": list(apple)}})
    return files


def _statement(app: AndroidApp) -> dict[str, Any]:
    target = {
        "namespace": "android_app",
        "package_name": app.package,
        "sha256_cert_fingerprints": [fingerprint.upper() for fingerprint in app.fingerprints],
    }
    return {"relation": list(_RELATIONS), "target": target}


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
