"""An independent client in a real browser, on a page of another site: @connectrpc/connect-web over each transport."""

import base64
import functools
import http.server
import threading

import pytest
import pytest_asyncio
from google.protobuf import descriptor_pb2, descriptor_pool

from tests.infrastructure.connect_web import ConnectWebMissingError, bundle
from tests.infrastructure.missing import missing
from tests.infrastructure.waiting import until
from tests.integration.edge.conftest import open_edge
from tests.integration.rpc.echo import ECHO

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]
TRANSPORTS = ("connect json", "connect binary", "grpc-web")
DETAILS = "google/rpc/error_details.proto"


def descriptors():
    """The test service's files, each after those that it imports."""
    pool, found = descriptor_pool.Default(), {}

    def add(file):
        for dependency in file.dependencies:
            add(dependency)
        if file.name not in found:
            found[file.name] = descriptor_pb2.FileDescriptorProto.FromString(file.serialized_pb)

    add(ECHO.file)
    add(pool.FindFileByName(DETAILS))
    whole = descriptor_pb2.FileDescriptorSet(file=found.values())
    return base64.b64encode(whole.SerializeToString()).decode()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Another site on this machine, with the client on its page."""
    try:
        script = bundle()
    except ConnectWebMissingError as error:
        missing(str(error))
    folder = tmp_path_factory.mktemp("site")
    (folder / "client.js").write_text(script)
    (folder / "index.html").write_text('<!doctype html><title>shop</title><script src="/client.js"></script>')

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            """Says nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def edge(site):
    async with open_edge(allowed_origins=(site,)) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def call(edge, site, browser_context):
    """Calls from the page of the other site."""
    page = await browser_context.new_page()
    await page.goto(site)
    fixed = {"descriptors": descriptors(), "service": ECHO.full_name, "baseUrl": edge.url, "token": "acme"}

    async def calling(transport, method, request, **options):
        arguments = {**fixed, "transport": transport, "method": method, "request": request, **options}
        return await page.evaluate("(given) => callOnce(given)", arguments)

    return calling


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_unary_call_and_what_comes_with_it(call, transport):
    told = await call(transport, "echo", {"text": "汉字 \U0001f600"})
    assert told["texts"] == ["汉字 \U0001f600"]
    everything = {**told["headers"], **told["trailers"]}
    assert everything["x-keelpay-mode"] == "test"
    assert everything["x-request-id"]


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_stream(call, transport):
    assert (await call(transport, "watch", {"text": "n"}))["texts"] == ["n0", "n1", "n2"]


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_refusal_with_its_details(call, transport):
    told = await call(transport, "echo", {"act": "refuse"})
    assert (told["code"], told["message"], told["reason"], told["delay"]) == (10, "try again", "CONFLICT", "1.500s")


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_refusal_after_some_answers(call, transport):
    told = await call(transport, "watch", {"text": "n", "act": "refuse"})
    assert (told["texts"], told["code"], told["reason"]) == (["n0", "n1", "n2"], 10, "CONFLICT")


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_wrong_token_is_told_as_such(call, transport):
    assert (await call(transport, "echo", {}, token="expired"))["reason"] == "TOKEN_EXPIRED"


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_deadline_of_the_client(call, transport):
    assert (await call(transport, "echo", {"delayMs": 5000}, timeoutMs=150))["code"] == 4


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("method,request_", [("watch", {"act": "stay"}), ("echo", {"delayMs": 60000})])
async def test_an_abort_reaches_the_handler(call, edge, transport, method, request_):
    told = await call(transport, method, request_, cancelMs=300)
    assert told["code"] == 1
    await until(lambda: not (edge.bench.server.load.watches or edge.bench.server.load.calls))


async def test_a_site_that_is_not_listed_reads_nothing(edge, browser_context, site):
    page = await browser_context.new_page()
    await page.goto(site.replace("localhost", "127.0.0.1"))
    seen = len(edge.bench.servicer.seen)
    options = {"descriptors": descriptors(), "service": ECHO.full_name, "baseUrl": edge.url, "token": "acme"}
    told = await page.evaluate(
        "(given) => callOnce(given)", {**options, "transport": "connect json", "method": "echo", "request": {}}
    )
    assert told["code"] == 2
    assert len(edge.bench.servicer.seen) == seen


FRAMING = """async (address) => {
    const frame = document.createElement("iframe");
    const loaded = new Promise((resolve) => { frame.onload = resolve; });
    frame.src = address;
    document.body.append(frame);
    await loaded;
}"""


@pytest.mark.parametrize("listed", [True, False])
async def test_a_page_stands_in_the_frames_of_listed_sites_alone(site, chromium, listed):
    ancestors = (site,) if listed else ("https://shop.example",)
    async with open_edge(frame_ancestors=ancestors) as framed, await chromium.new_context() as context:
        page = await context.new_page()
        await page.goto(site)
        await page.evaluate(FRAMING, framed.url + "/pay")
        frame = page.frames[1]
        assert (frame.url == framed.url + "/pay") is listed
        assert await frame.locator("#screen").count() == listed
