"""CloudFormation's refusals. Nearly all are a `ValidationError`, so tools read its words: the texts
are AWS's where a tool looks for them."""

from stoker.core.errors import ServiceError


class ValidationError(ServiceError):
    """Of a request, a template, or a resource in it."""


class AlreadyExistsException(ServiceError):
    """A stack of that name."""


class ChangeSetNotFound(ServiceError):
    status = 404


class InvalidChangeSetStatus(ServiceError):
    """It cannot be carried out, or deleted, as it is."""


class InsufficientCapabilitiesException(ServiceError):
    """The template does what its caller has not said that it may."""


def no_stack(name: str) -> ValidationError:
    return ValidationError(f"Stack with id {name} does not exist")


def format_error(fault: str) -> ValidationError:
    return ValidationError(f"Template format error: {fault}")


def template_error(fault: str) -> ValidationError:
    return ValidationError(f"Template error: {fault}")
