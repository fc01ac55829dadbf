"""CloudWatch's refusals. Clients of today read the shorter names from x-amzn-query-error."""

from stoker.core.errors import ServiceError


class MetricError(ServiceError):
    query = ""

    @property
    def query_code(self) -> str:
        return self.query or self.code


class InvalidParameterValueException(MetricError):
    query = "InvalidParameterValue"


class InvalidParameterCombinationException(MetricError):
    query = "InvalidParameterCombination"


class MissingRequiredParameterException(MetricError):
    query = "MissingParameter"


class InvalidByModel(MetricError):
    """What breaks the model."""

    @property
    def code(self) -> str:
        return "ValidationError"


class LimitExceededException(MetricError):
    pass


class InvalidNextToken(MetricError):
    pass


class ResourceNotFound(MetricError):
    status = 404


class ResourceNotFoundException(MetricError):
    status = 404


class InvalidFormat(MetricError):
    pass


class LimitExceeded(MetricError):
    pass


class InternalFault(MetricError):
    status = 500
    query = "InternalServiceError"

    @property
    def code(self) -> str:
        return "InternalServiceFault"
