"""AWS's protocol rpc-v2-cbor: the operation is in the path, input and output are CBOR.

https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html
"""

from typing import Any

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from stoker.api import codec
from stoker.api.codec import Request, Response
from stoker.core.cbor import BadCbor, Moment, decode, encode
from stoker.core.errors import SerializationException

TYPE = "application/cbor"


def parse(operation: OperationModel, request: Request) -> Any:
    """The typed input."""
    try:
        raw = decode(request.body) if request.body else {}
    except BadCbor as error:
        raise SerializationException(f"cannot read the request body as CBOR: {error}") from None
    return codec.parse_value(operation, raw)


def serialise(operation: OperationModel, output: Any) -> Response:
    shape = operation.output_shape
    body = b"" if shape is None else encode(_marked(shape, codec.plain(shape, output)))
    return Response(200, [("Content-Type", TYPE), ("smithy-protocol", "rpc-v2-cbor")], body)


def _marked(shape: Shape, plain: Any) -> Any:
    """With what JSON cannot tell from a number."""
    match shape:
        case StructureShape():
            return {name: _marked(shape.members[name], value) for name, value in plain.items()}
        case ListShape():
            return [_marked(shape.member, value) for value in plain]
        case MapShape():
            return {key: _marked(shape.value, value) for key, value in plain.items()}
        case _ if shape.type_name == "timestamp":
            return Moment(plain)
        case _ if shape.type_name in ("float", "double"):
            return float(plain)
        case _:
            return plain
