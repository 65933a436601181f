"""What people call a wallet: "Alipay" for the brand or rail `alipay`.

In: a brand or a rail's name. Out: words for a screen. Invariant: the options, the terms that are signed and the receipt
all take a wallet's words from here, so that what is shown is what is signed.
"""

from typing import Final

TITLES: Final = {
    "alipay": "Alipay",
    "unionpay": "UnionPay",
    "wechat-pay": "WeChat Pay",
    "wechatpay": "WeChat Pay",
}


def wallet_title(name: str) -> str:
    """Returns the words for a wallet; one that is not in the table is called by its name, written as words."""
    return TITLES.get(name) or name.replace("-", " ").capitalize()
