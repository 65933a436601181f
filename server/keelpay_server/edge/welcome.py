"""What stands at `/`: a few lines for whoever came without a link, or looks what answers here.

In: nothing. Out: plain text. Invariant: it tells the same to everybody, and nothing of this installation.
"""

from typing import Final

PATH: Final = "/"
HEADERS: Final = (("content-type", "text/plain; charset=utf-8"), ("cache-control", "public, max-age=300"))
TEXT: Final = """\
This is a keelpay payment server. To pay, open the link that your shop gave you.
这里是 keelpay 支付服务。付款请打开商户给您的链接。

For programs: every method of the contract is POST /<service>/<method> as Connect (JSON or protobuf) or gRPC-Web,
such as POST /grpc.health.v1.Health/Check with content-type: application/json and the body {}.
How to become a partner, the SDK, the wires: docs/partners.md, README.md and docs/edge.md of keelpay.
""".encode()
