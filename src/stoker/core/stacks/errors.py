"""CloudFormation's refusals. Nearly all are a `ValidationError`, so tools read its words: the texts
are AWS's where a tool looks for them."""

from collections.abc import Iterator
from contextlib import contextmanager

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


@contextmanager
def well_formed() -> Iterator[None]:
    """Around what reads a template, or a decorator of it: any value there may be of any form, so
    what Python cannot do with one is the template's fault."""
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise format_error(f"it is malformed: {type(error).__name__} {error}"[:500]) from error
