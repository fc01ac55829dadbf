"""Where a deployment package comes from: the request itself, or an object in S3."""

from typing import Any

from stoker.api.control import Caller, Control
from stoker.api.shapes.lambda_ import FunctionCode, LayerVersionContentInput
from stoker.core import validation
from stoker.core.errors import (
    InvalidParameterValueException,
    NotImplementedException,
    ServiceException,
)
from stoker.neighbours.calls import Refused, call
from stoker.neighbours.neighbours import Unreachable

Source = FunctionCode | LayerVersionContentInput


async def package(
    control: Control, caller: Caller, source: Source, operation: str, *, of: str = "function"
) -> bytes:
    """The zip that `source` means; it has not been looked into. `of`: "function" or "layer"."""
    if isinstance(source, FunctionCode) and source.image_uri:
        raise InvalidParameterValueException(
            "Please don't provide ImageUri when updating a function with packageType Zip."
        )
    other = (source.s3_bucket, source.s3_key, source.s3_object_version)
    if source.zip_file is None:
        if source.s3_bucket and source.s3_key:
            return await _from_s3(control, caller, source, operation)
        raise InvalidParameterValueException(f"Please provide a source for {of} code.")
    if any(other):
        raise InvalidParameterValueException(
            "Please do not provide other FunctionCode parameters when providing a ZipFile."
        )
    if not source.zip_file:
        raise InvalidParameterValueException("Uploaded file must be a non-empty zip")
    validation.check_zip_size(len(source.zip_file), operation, control.settings.quotas)
    return source.zip_file


async def _from_s3(control: Control, caller: Caller, source: Source, operation: str) -> bytes:
    """With AWS's words for what S3 refuses."""
    if control.neighbours is None or not control.neighbours.serves("s3"):
        raise NotImplementedException(
            f"S3Bucket of {operation}: this server was started without an S3 (its options"
            " neighbours and neighbour_endpoints)."
        )
    asked: dict[str, Any] = {"Bucket": source.s3_bucket, "Key": source.s3_key}
    if source.s3_object_version is not None:
        asked["VersionId"] = source.s3_object_version
    try:
        found = await call(
            control.neighbours, "s3", "GetObject", asked,
            account=caller.account, region=caller.region,
            most=control.settings.quotas.unzipped_bytes,
        )  # fmt: skip
    except Refused as error:
        raise InvalidParameterValueException(
            f"Error occurred while GetObject. S3 Error Code: {error.code}."
            f" S3 Error Message: {error.message}"
        ) from error
    except Unreachable as error:
        raise ServiceException(f"S3 does not answer: {error}") from error
    body: bytes = found["Body"]
    if not body:
        raise InvalidParameterValueException("Uploaded file must be a non-empty zip")
    return body
