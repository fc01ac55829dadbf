"""SQS's refusals. Each has two names: of today's JSON protocol, and of the older query protocol,
which clients of today read from the header x-amzn-query-error."""

from stoker.core.errors import ServiceError

_SQS = "AWS.SimpleQueueService."


class QueueError(ServiceError):
    query = ""  # the older name, where it is another

    @property
    def query_code(self) -> str:
        return self.query or self.code


class QueueDoesNotExist(QueueError):
    query = _SQS + "NonExistentQueue"


class QueueNameExists(QueueError):
    query = "QueueAlreadyExists"


class InvalidAttributeName(QueueError):
    pass


class InvalidAttributeValue(QueueError):
    pass


class InvalidMessageContents(QueueError):
    pass


class InvalidAddress(QueueError):
    pass


class OverLimit(QueueError):
    pass


class RequestThrottled(QueueError):
    pass


class ReceiptHandleIsInvalid(QueueError):
    pass


class MessageNotInflight(QueueError):
    query = _SQS + "MessageNotInflight"


class PurgeQueueInProgress(QueueError):
    query = _SQS + "PurgeQueueInProgress"


class EmptyBatchRequest(QueueError):
    query = _SQS + "EmptyBatchRequest"


class TooManyEntriesInBatchRequest(QueueError):
    query = _SQS + "TooManyEntriesInBatchRequest"


class BatchEntryIdsNotDistinct(QueueError):
    query = _SQS + "BatchEntryIdsNotDistinct"


class InvalidBatchEntryId(QueueError):
    query = _SQS + "InvalidBatchEntryId"


class BatchRequestTooLong(QueueError):
    query = _SQS + "BatchRequestTooLong"


class InvalidParameterValue(QueueError):
    """A value that SQS itself does not like; in the JSON protocol the code ends otherwise."""

    query = "InvalidParameterValue"

    @property
    def code(self) -> str:
        return "InvalidParameterValueException"


class MissingParameter(QueueError):
    query = "MissingParameter"

    @property
    def code(self) -> str:
        return "MissingRequiredParameterException"
