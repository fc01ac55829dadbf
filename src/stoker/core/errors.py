"""Every refusal the AWS API can answer. Raise them anywhere; api/front.py renders them once.

The class name is the AWS error code, the message is AWS's literal text, extra fields
(`Reason`, `Type`) travel as data. A user's bug is not one of these: it is an
`InvocationResult` with an error (core/invocation.py).
"""


class ServiceError(Exception):
    """A refusal the caller can act on."""

    status = 400

    def __init__(self, message: str, **fields: str) -> None:
        super().__init__(message)
        self.message = message
        self.fields = fields

    @property
    def code(self) -> str:
        """The AWS error code, as `x-amzn-ErrorType` and `__type` carry it."""
        return type(self).__name__

    @property
    def query_code(self) -> str:
        """The same in the query protocol, where a service has another name for it there."""
        return self.code


class ResourceNotFoundException(ServiceError):
    status = 404


class ProvisionedConcurrencyConfigNotFoundException(ServiceError):
    status = 404


class ResourceConflictException(ServiceError):
    status = 409


class ObjectNotFoundException(ServiceError):
    """Application Auto Scaling's, as the two below."""

    status = 400


class LimitExceededException(ServiceError):
    status = 400


class InvalidNextTokenException(ServiceError):
    status = 400


class InvalidParameterValueException(ServiceError):
    status = 400


class ValidationException(ServiceError):
    status = 400


class InvalidParameterException(ServiceError):
    """What CloudWatch Logs calls both kinds of bad parameter."""

    status = 400


class InvalidOperationException(ServiceError):
    """CloudWatch Logs' for what a resource of this kind cannot have."""

    status = 400


class SerializationException(ServiceError):
    """A value of the wrong type, or a body that cannot be read at all."""

    status = 400


class InvalidRequestContentException(ServiceError):
    status = 400


class RequestTooLargeException(ServiceError):
    status = 413


class RequestEntityTooLargeException(ServiceError):
    """A deployment package too large to be sent in the request itself."""

    status = 413


class InvalidRuntimeException(ServiceError):
    """The function can be kept, but nothing here can run it."""

    status = 502


class CapacityProviderLimitExceededException(ServiceError):
    status = 400


class CodeStorageExceededException(ServiceError):
    status = 400


class CodeSigningConfigNotFoundException(ServiceError):
    status = 404


class CodeVerificationFailedException(ServiceError):
    """The code is not signed as its function demands."""

    status = 400


class PolicyLengthExceededException(ServiceError):
    status = 400


class PreconditionFailedException(ServiceError):
    status = 412


class SnapStartException(ServiceError):
    """What follows the restore of a snapshot failed."""

    status = 400


class SnapStartTimeoutException(ServiceError):
    status = 408


class SnapStartNotReadyException(ServiceError):
    status = 409


class TooManyRequestsException(ServiceError):
    status = 429


class AccessDeniedException(ServiceError):
    status = 403


class MissingAuthenticationTokenException(ServiceError):
    status = 403


class ExpiredTokenException(ServiceError):
    """Temporary credentials have come to their end."""

    status = 403

    @property
    def query_code(self) -> str:
        return "ExpiredToken"


class IncompleteSignatureException(ServiceError):
    status = 403


class RecursiveInvocationException(ServiceError):
    """One chain of events has come to a function too often."""

    status = 400


class ServiceException(ServiceError):
    """Our fault, or the machine's: 500."""

    status = 500


class UnknownOperationException(ServiceError):
    status = 404


class NotImplementedException(ServiceError):
    """An operation of AWS's model that Stoker has not built; the message names it."""

    status = 501


class BadRequestException(ServiceError):
    """API Gateway's, as the two below."""

    status = 400


class ConflictException(ServiceError):
    status = 409


class GatewayNotFoundException(ServiceError):
    status = 404

    @property
    def code(self) -> str:
        return "NotFoundException"


class LogsResourceNotFoundException(ServiceError):
    """CloudWatch Logs' own: the code Lambda uses too, with another status."""

    status = 400

    @property
    def code(self) -> str:
        return "ResourceNotFoundException"


class ResourceAlreadyExistsException(ServiceError):
    status = 400


class TooManyTagsException(ServiceError):
    status = 400


class ServiceUnavailableException(ServiceError):
    """A part of ours cannot do its work now (a full disk); asking again later may help."""

    status = 503
