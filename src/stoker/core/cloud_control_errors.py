"""Refusals of Cloud Control."""

from stoker.core.errors import ServiceError


class ResourceNotFoundException(ServiceError):
    def __init__(self, kind: str, identifier: str) -> None:
        super().__init__(f"Resource of type '{kind}' with identifier '{identifier}' was not found.")


class InvalidRequestException(ServiceError):
    pass


class DoesNotAnswer(ServiceError):
    """What the resource is one of."""

    @property
    def code(self) -> str:
        return "GeneralServiceException"
