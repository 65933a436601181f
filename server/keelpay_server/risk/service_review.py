"""ReviewService: the queue of what waits for a person, and judging it. For operators alone, by the policy table.

In: operators' requests. Out: reviews. Invariant: a verdict, its label and what becomes of the payment are one commit.
"""

import grpc

from keelpay.api.risk.v1 import review_service_pb2 as pb
from keelpay.api.risk.v1 import review_service_pb2_grpc
from keelpay_server.book.call import current
from keelpay_server.book.engine import Engine
from keelpay_server.book.ids import parse
from keelpay_server.book.paging import Pager
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.book.request import identify

from .reads import Query, list_reviews
from .review import KIND, DecideReview, Review, Verdict
from .service_render import render_review

Context = grpc.aio.ServicerContext[object, object]


class ReviewServicer(review_service_pb2_grpc.ReviewServiceServicer):
    """Serves ReviewService.

    Args:
        engine: The book.
        pager: Makes page tokens.
    """

    def __init__(self, engine: Engine, pager: Pager) -> None:
        self._engine, self._pager = engine, pager

    async def ListReviews(self, request: pb.ListReviewsRequest, _context: Context) -> pb.ListReviewsResponse:
        """Lists reviews, by default the open ones, the most urgent first."""
        caller = current().caller
        scope = f"reviews\n{caller.actor}\n{request.filter}\n{request.order_by}"
        query = Query(scope, request.page_size, request.page_token)
        rows, token = await list_reviews(self._engine.reader, self._pager, request.filter, request.order_by, query)
        return pb.ListReviewsResponse(reviews=[render_review(row, caller) for row in rows], next_page_token=token)

    async def GetReview(self, request: pb.GetReviewRequest, _context: Context) -> pb.GetReviewResponse:
        """Answers one review."""
        row = await self._engine.reader.get(Review, _key(request.name))
        if row is None:
            raise Refused(Reason.RESOURCE_NOT_FOUND, resource=request.name)
        return pb.GetReviewResponse(review=render_review(row, current().caller))

    async def DecideReview(self, request: pb.DecideReviewRequest, _context: Context) -> pb.DecideReviewResponse:
        """Judges a review."""
        call = current()
        command = DecideReview(
            request=identify(call, request, request.name), caller=call.caller, deadline_us=call.deadline_us,
            review=_key(request.name), state_version=request.state_version, verdict=Verdict(request.verdict),
            comment=request.comment,
        )  # fmt: skip
        outcome = await self._engine.execute(command)
        row = await self._engine.answer(Review, outcome)
        return pb.DecideReviewResponse(review=render_review(row, call.caller), replayed=outcome.replayed)


def _key(name: str) -> bytes:
    return parse(KIND, name.removeprefix("reviews/"))
