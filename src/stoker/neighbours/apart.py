"""In the child: what moto leaves open between accounts, and what could keep it busy for ever.

Each hook stands in the place of one of moto's functions.
"""

from functools import lru_cache
from typing import Any

from moto.events.models import EventPattern
from moto.iam.access_control import PermissionResult
from moto.s3.models import FakeBucket
from moto.sns.exceptions import SNSException
from moto.sns.models import SNSBackend, Topic

from stoker.core.event_matching import Filters
from stoker.core.event_patterns import is_legal
from stoker.core.trigger_events import of_eventbridge


class AuthorizationError(SNSException):
    code = "AuthorizationError"


_get_topic = SNSBackend.get_topic


def _own_topic(self: SNSBackend, arn: str) -> Topic:
    """moto takes anybody's; policies of topics are not asked here, so nobody else is let in."""
    if arn.split(":")[4:5] != [self.account_id]:
        raise AuthorizationError(f"not authorized to use the topic {arn} of another account")
    return _get_topic(self, arn)


def _matches(self: EventPattern, event: Any) -> bool:
    """With our own patterns: moto's wildcards may take longer than the world is old."""
    pattern = self.dump()
    if not pattern:
        return True
    filters = _filters(pattern)
    return filters is not None and filters.let_through(of_eventbridge(event))


def _no_opinion(self: FakeBucket, _action: str, _resource: str) -> Any:
    """moto asks a bucket's policy without its conditions: the one that the SAM CLI gives its bucket
    (deny what comes without TLS) would deny everything. Nobody else is let in anyway."""
    return PermissionResult.NEUTRAL


@lru_cache(maxsize=1024)
def _filters(pattern: str) -> Filters | None:
    return Filters([pattern]) if is_legal(pattern) else None


_HOOKS: tuple[tuple[Any, str, Any], ...] = (
    (SNSBackend, "get_topic", _own_topic),
    (FakeBucket, "get_permission", _no_opinion),
    (EventPattern, "matches_event", _matches),
)


def install() -> None:
    """Call once, before the first request."""
    for owner, name, ours in _HOOKS:
        assert hasattr(owner, name), f"moto has no {name} any more"
        setattr(owner, name, ours)
