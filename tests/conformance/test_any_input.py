"""Whatever is asked, every operation answers what botocore can read, and never a 500."""

import http.client
from contextlib import closing
from typing import Any
from urllib.parse import urlencode

import pytest
from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stoker.api.operations import OPERATIONS
from tests.conformance.model_inputs import inputs
from tests.running import REGION, StokerProcess, deploy

pytestmark = pytest.mark.root
EXAMPLES = max(5, 1400 // len(OPERATIONS))  # of each, so that all take the same time
ACCOUNT = "555555555555"  # whose things nobody else needs
KEPT = "kept"
AUTHORIZATION = (
    f"AWS4-HMAC-SHA256 Credential={ACCOUNT}/20260101/{REGION}/%s/aws4_request, "
    "SignedHeaders=host, Signature=0"
)


def model(service: str) -> ServiceModel:
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


MODELS = {row.service: model(row.service) for row in OPERATIONS}


@pytest.fixture
def kept(server: StokerProcess) -> str:
    """A function that the fuzz may use; it may also delete it."""
    with closing(server.client("lambda", aws_access_key_id=ACCOUNT)) as functions:
        try:
            functions.get_function(FunctionName=KEPT)
        except functions.exceptions.ResourceNotFoundException:
            deploy(functions, "def handler(event, context): return event", FunctionName=KEPT)
    return KEPT


def api_of(server: StokerProcess) -> tuple[str, ...]:
    """An HTTP API that the fuzz may use, and delete: its ID, its parts', its ARN."""
    target = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{KEPT}"
    with closing(server.client("apigatewayv2", aws_access_key_id=ACCOUNT)) as apis:
        there = apis.get_apis(MaxResults="1")["Items"]
        if not there:
            there = [apis.create_api(Name="kept", ProtocolType="HTTP", Target=target)]
        id = there[0]["ApiId"]
        routes = [one["RouteId"] for one in apis.get_routes(ApiId=id)["Items"][:1]]
        behind = [one["IntegrationId"] for one in apis.get_integrations(ApiId=id)["Items"][:1]]
    names = ("$default", "HTTP", "GET /{x}", f"arn:aws:apigateway:{REGION}::/apis/{id}")
    return (id, *routes, *behind, *(f"integrations/{one}" for one in behind), *names)


@pytest.mark.parametrize("row", OPERATIONS, ids=lambda row: f"{row.service}:{row.name}")
def test_any_input_gets_an_answer_that_botocore_reads(
    row: Any, server: StokerProcess, kept: str
) -> None:
    operation: OperationModel = MODELS[row.service].operation_model(row.name)
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{kept}"
    known = (kept, arn, f"/aws/lambda/{kept}")
    if row.service == "apigatewayv2":
        known += api_of(server)

    @settings(
        max_examples=EXAMPLES, deadline=None, derandomize=True, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(st.data())
    def ask(data: st.DataObject) -> None:
        asked = data.draw(inputs(operation.input_shape, known))
        status, answer = call(server, operation, asked)
        assert status < 500 or status == 501, (status, asked, answer)
        if status >= 300:
            assert answer["Error"]["Code"], (status, asked, answer)
            assert status == 501 or answer["Error"]["Code"] != "InternalFailure", answer

    ask()


def call(
    server: StokerProcess, operation: OperationModel, asked: dict[str, Any]
) -> tuple[int, dict[str, Any]]:
    """Ask as botocore would that checks nothing itself: (status, what its parser reads)."""
    service = operation.service_model
    serializer = create_serializer(service.protocol, include_validation=False)
    request = serializer.serialize_to_request(asked, operation)
    path = request["url_path"]
    if query := request["query_string"]:
        path += ("&" if "?" in path else "?") + urlencode(query, doseq=True)
    headers = {**request["headers"], "Authorization": AUTHORIZATION % service.signing_name}
    sent = {name: str(value).encode("utf-8") for name, value in headers.items()}
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)) as connection:
        body = request["body"] or b""
        if isinstance(body, dict):  # a form
            body = urlencode(body)
        connection.request(request["method"], path, body, sent)
        response = connection.getresponse()
        whole = {"headers": response.headers, "status_code": response.status, "body": b""}
        body = response.read()
    shape = operation.output_shape
    streams = shape is not None and (
        operation.has_streaming_output or operation.has_event_stream_output
    )
    if streams and response.status < 300:
        return response.status, {}
    read = create_parser(service.protocol).parse({**whole, "body": body}, shape)
    return response.status, read
