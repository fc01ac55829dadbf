"""X-Ray's refusals."""

from stoker.core.errors import ServiceError


class InvalidRequestException(ServiceError):
    """The request lacks something, or something in it cannot be."""


class RejectedSegment(Exception):
    """A segment document that X-Ray does not take; `code` is its word for the reason."""

    def __init__(self, code: str) -> None:
        super().__init__(f"Invalid segment. ErrorCode: {code}")
        self.code = code
