from hypothesis import given
from hypothesis import strategies as st

from keelpay import errors
from keelpay._progress import EventProgress, PaymentProgress
from keelpay.api.event.v1 import event_service_pb2
from keelpay.api.gateway.v1 import payment_service_pb2


def version(number, state=5):
    answer = payment_service_pb2.WatchPaymentResponse()
    answer.payment.state_version, answer.payment.state = number, state
    return answer


@given(st.lists(st.integers(1, 30)))
def test_versions_only_grow_whatever_the_server_repeats(versions):
    progress = PaymentProgress("p")
    told = [each.state_version for number in versions for each in progress.accept(version(number))]
    assert told == sorted(set(told))
    assert progress.request().after_state_version == max(versions, default=0)


def group(cursor, *places):
    answer = event_service_pb2.StreamEventsResponse(cursor=cursor)
    for book, sequence in places:
        answer.events.add(book=book, sequence=sequence)
    return answer


@given(st.lists(st.integers(0, 9), max_size=12))
def test_however_a_stream_breaks_each_event_is_told_once_and_none_is_left_out(restarts):
    """A server that sends events 1..10 in groups of three from any cursor, and breaks after any group."""
    progress, told = EventProgress(event_service_pb2.StreamEventsRequest(from_beginning=True)), []
    for groups in [*restarts, 99]:
        place = int(progress.request().cursor or 0)
        for _ in range(groups):
            events = [(0, sequence) for sequence in range(place + 1, min(place + 4, 11))]
            place = events[-1][1] if events else place
            told += [each.sequence for each in progress.accept(group(str(place), *events))]
    assert told == list(range(1, 11))


def test_books_are_counted_apart():
    progress = EventProgress(event_service_pb2.StreamEventsRequest())
    told = progress.accept(group("c1", (0, 5), (1, 2)))
    told += progress.accept(group("c2", (0, 5), (1, 3), (0, 6)))
    assert [(each.book, each.sequence) for each in told] == [(0, 5), (1, 2), (1, 3), (0, 6)]


def test_the_beginning_is_asked_for_only_without_a_cursor():
    progress = EventProgress(event_service_pb2.StreamEventsRequest(from_beginning=True, merchant="merchants/cafe"))
    assert progress.request().from_beginning
    progress.broken(errors.UnavailableError("x", metadata={"cursor": "later"}))
    assert progress.request().from_beginning
    progress.accept(group("c1"))
    request = progress.request()
    assert (request.cursor, request.from_beginning, request.merchant) == ("c1", False, "merchants/cafe")
