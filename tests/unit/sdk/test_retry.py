from datetime import timedelta

import pytest

from keelpay import errors
from keelpay._channel import SERVICE_CONFIG
from keelpay._retry import Backoff, pause_before_resume, pause_before_retry

SOON = timedelta(milliseconds=20)
BACKOFF = Backoff(first_s=0.1, pause_s_max=2.0)


def test_pauses_double_up_to_their_largest_and_are_spread_by_chance():
    for attempt in range(1, 60):
        whole = min(0.1 * 2 ** (attempt - 1), 2.0)
        pauses = {BACKOFF.pause_s(attempt) for _ in range(50)}
        assert all(whole / 2 <= each <= whole for each in pauses)
        assert len(pauses) > 1


@pytest.mark.parametrize(
    ("error", "repeats"),
    [
        (errors.InterruptedCallError("x"), True),
        (errors.ConflictError("x", retry_after=SOON), True),
        (errors.ExhaustedError("x", retry_after=SOON), True),
        (errors.ConflictError("x"), False),
        (errors.ExhaustedError("x"), False),
        (errors.UnavailableError("x", retry_after=SOON), False),
        (errors.DeadlineError("x"), False),
        (errors.FailedPreconditionError("x", retry_after=SOON), False),
        (errors.InternalError("x"), False),
    ],
)
def test_only_what_may_succeed_later_is_repeated(error, repeats):
    pause_s = pause_before_retry(error, attempt=1, left_s=10, backoff=BACKOFF)
    assert (pause_s is not None) == repeats


def test_the_servers_pause_is_kept_and_never_passes_the_deadline():
    error = errors.ExhaustedError("x", retry_after=timedelta(seconds=3))
    assert pause_before_retry(error, attempt=1, left_s=10, backoff=BACKOFF) == 3
    assert pause_before_retry(error, attempt=1, left_s=3, backoff=BACKOFF) is None


def test_a_watch_that_lived_its_time_is_opened_again_at_once():
    assert pause_before_resume(errors.DeadlineError("x"), attempt=1, backoff=BACKOFF) == 0
    assert pause_before_resume(errors.DeadlineError("x"), attempt=2, backoff=BACKOFF) > 0


@pytest.mark.parametrize(
    "error", [errors.NotFoundError("x"), errors.InternalError("x"), errors.PermissionDeniedError("x")]
)
def test_a_watch_is_not_opened_again_after_a_final_error(error):
    assert pause_before_resume(error, attempt=1, backoff=BACKOFF) is None


def test_the_service_config_has_no_timeout_and_balances_over_healthy_servers():
    assert "timeout" not in str(SERVICE_CONFIG).replace("timeout_s", "")
    assert SERVICE_CONFIG["loadBalancingConfig"] == [{"round_robin": {}}]
    assert SERVICE_CONFIG["healthCheckConfig"] == {"serviceName": ""}
