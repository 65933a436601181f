import hashlib

import grpc

from keelpay import Reason
from tests.integration.sdk.scripted_server import Refuse

IMPORT = "ReconciliationService/ImportStatement"


async def import_it(driver, content):
    await driver.call(
        lambda c: c.reconciliation.import_statement(content, bank="icbc", currency_code="CNY", statement_number="7")
    )


async def test_a_statement_arrives_whole_with_its_hash_first(server, driver, tmp_path):
    data = bytes(range(256)) * 2000
    path = tmp_path / "statement.xml"
    path.write_bytes(data)
    for content in (data, path, str(path)):
        await import_it(driver, content)
    for call in server.called(IMPORT):
        header, *chunks = call.requests
        assert header.header.content_sha256 == hashlib.sha256(data).digest()
        assert b"".join(each.chunk for each in chunks) == data
        assert max(len(each.chunk) for each in chunks) <= 131_072


async def test_an_import_is_repeated_from_its_beginning_with_the_same_request_id(server, driver):
    server.script(IMPORT, Refuse(grpc.StatusCode.ABORTED, Reason.CONFLICT, retry_s=0.01))
    await import_it(driver, b"x" * 200_000)
    first, second = server.called(IMPORT)
    assert first.requests == second.requests
    assert first.metadata["x-request-id"] == first.request.header.request_id
