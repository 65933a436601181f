"""`keelpay serve`: a server, from its first start to its last answer.

In: settings. Out: a process that answers until it is told to leave. Invariant: whatever was accepted is finished before
the process ends, unless it is told twice.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from .installation import installation_options
from .leaving import Leaving
from .logs import Voice, voice
from .running import WRONG_SETTINGS, fail, run

if TYPE_CHECKING:
    from keelpay_server.app import RunningServer
    from keelpay_server.config import Settings

CREDENTIAL: Final = "sandbox-partner.pem"
EDGE: Final = "127.0.0.1:8080"
EDGE_ANY: Final = "127.0.0.1:0"
OTHERS_NOTHING: Final = 0o077
"""What a server writes, books and keys, is for its own user alone."""


@click.command()
@installation_options
@click.option("--listen", metavar="HOST:PORT", help="Address for gRPC; port 0 takes any.  [default: 127.0.0.1:8443]")
@click.option("--edge", "edge_listen", metavar="HOST:PORT", help="Address for browsers and phones: HTTP and the "
              "pages; port 0 takes any.  [default: 127.0.0.1:8080, or any port where --listen takes any]")  # fmt: skip
@click.option("--no-edge", is_flag=True, help="gRPC alone.")
@click.option("--mode", type=click.Choice(["test", "live"]), help="For ever, from the first start on.  [default: test]")
@click.option("--tls-cert", type=click.Path(), help="Certificate chain of gRPC, PEM; a renewed file is taken over by "
              "itself. That of the edge: edge.tls in the settings.")  # fmt: skip
@click.option("--tls-key", type=click.Path(), help="Its private key, PEM.")
@click.option(
    "--tls-client-roots", type=click.Path(), help="PEM of authorities: every client has to show a certificate."
)
@click.option("--metrics-port", type=click.IntRange(1, 65535), help="Prometheus metrics at 127.0.0.1:PORT/metrics.")
@click.option("--drain-wait", type=click.FloatRange(0, 300), metavar="SECONDS",
              help="How long balancers have to turn away before calls are refused.  [default: 2]")  # fmt: skip
@click.option("--log", type=click.Choice(["auto", "json", "text"]), default="auto", show_default=True,
              help="Lines for machines or for people; auto looks whether this is a terminal.")  # fmt: skip
@click.option("--log-level", type=click.Choice(["DEBUG", "INFO", "WARNING", "ERROR"], case_sensitive=False))
@click.option("--with-parent", is_flag=True, hidden=True, help="Leave when standard input ends.")
def serve(
    refine: Any, tls_cert: str | None, tls_key: str | None, tls_client_roots: str | None, drain_wait: float | None,
    log: str, with_parent: bool, no_edge: bool, **overrides: Any,
) -> None:  # fmt: skip
    """Start a server.

    Without options it is a test installation in ./var on SQLite, with sandbox banks inside, for this machine alone. Its
    first start makes all keys, lets one sandbox partner in, and says in which file that partner's key is.

    SIGTERM and Ctrl-C let it leave in an orderly way: health checks say NOT_SERVING, calls under way finish. A second
    Ctrl-C stops at once; nothing that was acknowledged is lost by it.

    \b
    Examples:
      keelpay serve
      keelpay serve --data /var/lib/keelpay --listen 127.0.0.1:0 --metrics-port 9100
      keelpay serve --edge 127.0.0.1:8000
      keelpay serve --config /etc/keelpay.toml --listen 0.0.0.0:443 --tls-cert tls.crt --tls-key tls.key
      KEELPAY_DATABASE=postgresql://keelpay:...@db/keelpay keelpay serve --mode live --config live.toml
    """
    if (tls_cert is None) != (tls_key is None):
        raise click.UsageError("--tls-cert and --tls-key belong together")
    if tls_cert is not None:
        overrides["tls"] = {"certificate": tls_cert, "key": tls_key, "client_roots": tls_client_roots or ""}
    if no_edge and overrides["edge_listen"] is not None:
        raise click.UsageError("--edge and --no-edge exclude each other")
    settings: Settings = _with_edge(refine(**overrides), on=not no_edge)
    # Said before anything heavy is loaded: a first start makes a database and keys, which takes seconds.
    click.echo(f"keelpay: starting a {settings.mode} installation, its files in {settings.data}", err=True)
    speaker = voice(log)
    try:
        speaker.install(settings.log_level)
    except ValueError as error:
        fail(WRONG_SETTINGS, f"log_level: {error}")
    os.umask(OTHERS_NOTHING)
    limits = {} if drain_wait is None else {"drain_wait_s": drain_wait}
    run(_serve(settings, speaker, limits, with_parent=with_parent))


async def _serve(settings: "Settings", speaker: Voice, limits: dict[str, float], *, with_parent: bool) -> None:
    from keelpay_server.app import open_server
    from keelpay_server.app.books import name_of
    from keelpay_server.app.collector import settle_collector

    leaving = Leaving(speaker, with_parent=with_parent)
    async with open_server(settings, log=speaker.access, limits=limits) as server:
        rails = ", ".join(rail.name for rail in settings.rails)
        facts = {"mode": settings.mode, "database": name_of(settings), "rails": rails}
        facts["requests_kept_days"] = str(settings.keep_requests_days)
        if server.edge_url:
            facts["edge"] = server.edge_url
        if settings.metrics_port:
            facts["metrics"] = f"http://127.0.0.1:{settings.metrics_port}/metrics"
        if (credential := await _sandbox_credential(server)) is not None:
            facts["sandbox_credential"] = str(credential)
        settle_collector()
        speaker.announce("listening", address=server.address, **facts)
        await leaving.wait()
    speaker.announce("stopped")


def _with_edge(settings: "Settings", *, on: bool) -> "Settings":
    """Returns the settings with the edge where it was asked for, or at its usual address, or without one."""
    if on and settings.edge.listen:
        return settings
    from msgspec.structs import replace

    usual = EDGE_ANY if settings.listen.endswith(":0") else EDGE
    return replace(settings, edge=replace(settings.edge, listen=usual if on else ""))


async def _sandbox_credential(server: "RunningServer") -> Path | None:
    """Returns the file of the sandbox partner's key, written by the first start of a test installation."""
    from keelpay_server.app.admission import admit_sandbox

    from . import key_file

    settings = server.settings
    if settings.mode != "test":
        return None
    path = Path(settings.data) / CREDENTIAL
    admitted = await admit_sandbox(server.engine)
    if admitted is not None:
        key_file.write(path, admitted, settings.name)
    return path if path.exists() else None
