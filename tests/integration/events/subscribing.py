"""Requests about subscriptions, as a partner makes them."""

from uuid import uuid4

from keelpay.api.event.v1.subscription_pb2 import Subscription
from keelpay.api.event.v1.subscription_request_pb2 import (
    CreateSubscriptionRequest,
    DeleteSubscriptionRequest,
    ListDeliveriesRequest,
    ListSubscriptionsRequest,
    RotateSecretRequest,
)
from tests.integration.events.happenings import ACME, as_caller


def creation(uri, *, parent="partners/acme", **fields):
    return CreateSubscriptionRequest(
        parent=parent, request_id=str(uuid4()), subscription=Subscription(uri=uri, **fields)
    )


async def subscribe(served, uri, *, caller=ACME, **fields):
    """Returns (subscription, secret)."""
    as_caller(caller)
    answer = await served.CreateSubscription(creation(uri, parent=f"partners/{caller.partner}", **fields), None)
    return answer.subscription, answer.secret


async def rotate(served, name, overlap_s):
    request = RotateSecretRequest(name=name, request_id=str(uuid4()), overlap_s=overlap_s)
    return await served.RotateSecret(request, None)


async def delete(served, name):
    return await served.DeleteSubscription(DeleteSubscriptionRequest(name=name, request_id=str(uuid4())), None)


async def listed(served, partner="acme"):
    answer = await served.ListSubscriptions(ListSubscriptionsRequest(parent=f"partners/{partner}"), None)
    return list(answer.subscriptions)


async def deliveries(served, name, filter_text=""):
    answer = await served.ListDeliveries(ListDeliveriesRequest(parent=name, filter=filter_text, page_size=200), None)
    return list(answer.deliveries)
