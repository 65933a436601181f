"""Reviews: payments that wait for a person's judgement."""

from datetime import datetime

from keelpay._filter import conditions, member
from keelpay._names import Named, name_of
from keelpay.api.risk.v1 import review_service_pb2
from keelpay.api.risk.v1.review_service_pb2_grpc import ReviewServiceStub
from keelpay.enums import ReviewState, Verdict
from keelpay.models.risk import Review
from keelpay.request_id import new_request_id

from .connection import AsyncConnection
from .pager import AsyncPager, async_pager


class AsyncReviews:
    """What waits for a person's judgement: `client.reviews`."""

    def __init__(self, connection: AsyncConnection) -> None:
        """Made by the client."""
        self._connection = connection
        self._stub = ReviewServiceStub(connection.channel)

    async def get(self, review: str | Named, *, timeout_s: float | None = None) -> Review:
        """Returns one review."""
        request = review_service_pb2.GetReviewRequest(name=name_of(review))
        answer = await self._connection.unary(self._stub.GetReview, request, timeout_s=timeout_s)
        return Review.of(answer.review)

    def list(
        self,
        *,
        state: ReviewState | str | None = None,
        merchant: str | Named = "",
        payment: str | Named = "",
        since: datetime | None = None,
        until: datetime | None = None,
        order_by: str = "",
        page_size: int = 0,
        timeout_s: float | None = None,
    ) -> AsyncPager[Review]:
        """Lists reviews, by default the open ones, the most urgent first."""
        request = review_service_pb2.ListReviewsRequest(
            page_size=page_size,
            filter=conditions(
                since=since,
                until=until,
                state=member(ReviewState, state),
                merchant=name_of(merchant),
                payment=name_of(payment),
            ),
            order_by=order_by,
        )
        return async_pager(
            self._connection,
            self._stub.ListReviews,
            request,
            lambda answer: map(Review.of, answer.reviews),
            timeout_s=timeout_s,
        )

    async def decide(
        self,
        review: str | Review,
        *,
        verdict: Verdict,
        comment: str,
        request_id: str = "",
        timeout_s: float | None = None,
    ) -> Review:
        """Judges a review; the payment goes on or is rejected in the same commit.

        Args:
            review: Which. A `Review` is judged only if it is still as it was read; a name is judged anyway.
            verdict: The judgement.
            comment: Why, 1 to 1,000 characters; no personal data.
            request_id: To repeat an earlier request; a new one if empty.
            timeout_s: Seconds for all tries together.

        Raises:
            ConflictError: ETAG_MISMATCH.
        """
        request = review_service_pb2.DecideReviewRequest(
            name=name_of(review),
            request_id=request_id or new_request_id(),
            state_version=review.state_version if isinstance(review, Review) else 0,
            verdict=verdict.wire,
            comment=comment,
        )
        answer = await self._connection.unary(self._stub.DecideReview, request, timeout_s=timeout_s)
        return Review.of(answer.review, replayed=answer.replayed)
