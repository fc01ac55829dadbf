"""Refusals of STS, where AWS calls them otherwise than elsewhere."""

from stoker.core.errors import ServiceError


class AccessDenied(ServiceError):
    status = 403


class ValidationError(ServiceError):
    status = 400
