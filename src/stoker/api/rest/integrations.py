"""What is behind a method of a REST API: a function, as it is or through templates, another server
or service (upstreams.py), or nothing.

AWS_PROXY   event ─► function ─► its answer is the HTTP answer
AWS         request template ─► function ─► selection pattern ─► response template
HTTP, AWS   request template ─► server, service ─► selection pattern ─► response template
HTTP_PROXY  request ─► server ─► its answer is the HTTP answer
MOCK        request template ─► {"statusCode": …} ─► response template
"""

import asyncio
import base64
import binascii
import logging
from collections.abc import Iterable
from typing import Any

import orjson

from stoker.api import gateway_calls
from stoker.api.control import Control
from stoker.api.gateway_calls import Callee, CannotCall, NoTenant, Throttled, TookTooLong
from stoker.api.identifiers import new_request_id
from stoker.api.json_check import complaint
from stoker.api.rest.authorizers import traced
from stoker.api.rest.upstreams import NoAnswer, ask
from stoker.api.rest.working import MATCHING, worked
from stoker.core.function_uris import function_of
from stoker.core.http_proxies import CannotProxy
from stoker.core.limits import ASYNC_PAYLOAD_BYTES, SYNC_PAYLOAD_BYTES
from stoker.core.model import FunctionKey
from stoker.core.rest import answers, mappings, requests, upstreams
from stoker.core.rest.gateway_responses import Refused, failed
from stoker.core.rest.requests import Asked, is_binary, media_type
from stoker.core.rest.serving import ServedStage
from stoker.core.rest.template_words import Conversions, Input
from stoker.core.rest.upstreams import Upstream
from stoker.core.rest.velocity import bare, render
from stoker.core.rest.velocity_words import BadTemplate
from stoker.core.tenancy import HEADER as TENANT
from stoker.core.url_answers import JSON, BadAnswer, Head
from stoker.store.event_queue import Content

log = logging.getLogger(__name__)
Answer = tuple[Head, bytes]
Doc = dict[str, Any]
Headers = Iterable[tuple[str, str]]


async def answer(control: Control, served: ServedStage, asked: Asked) -> Answer:
    """Raise Refused; the reasons are in its __cause__."""
    integration: Doc = asked.route.method["methodIntegration"]
    try:
        match integration["type"]:
            case "AWS_PROXY":
                return await _proxied(control, served, asked, integration)
            case "AWS" if ":lambda:path/" in integration["uri"]:
                return await _mapped(control, served, asked, integration)
            case "AWS" if upstreams.of_aws(integration["uri"]) in upstreams.SERVICES:
                return await _asked_of_aws(control, served, asked, integration)
            case "HTTP" | "HTTP_PROXY" if not _beyond(integration):
                return await _asked_of_server(control, served, asked, integration)
            case "MOCK":
                return await _mocked(served, asked, integration)
    except NoTenant as reason:  # what Invoke refuses
        raise Refused("DEFAULT_4XX", str(reason), "InvalidParameterValueException", 400) from reason
    except (TookTooLong, NoAnswer) as reason:
        raise Refused(
            "INTEGRATION_TIMEOUT", "Endpoint request timed out", "InternalServerErrorException"
        ) from reason
    except (CannotCall, CannotProxy, Throttled, BadTemplate, BadAnswer) as reason:
        raise failed() from reason
    raise _unbuilt(integration)


def _beyond(integration: Doc) -> str:
    """What it asks for that is not built."""
    if integration.get("connectionType") == "VPC_LINK":
        return "VPC_LINK"
    insecure = (integration.get("tlsConfig") or {}).get("insecureSkipVerification")
    return "insecureSkipVerification" if insecure else ""


def _unbuilt(integration: Doc) -> Refused:
    service = upstreams.of_aws(integration.get("uri") or "")
    what = _beyond(integration) or service or str(integration.get("uri"))[:200]
    message = (
        f"Stoker has not built integrations of type {integration['type']}"
        f" with {what}: see docs/COMPATIBILITY.md."
    )
    return Refused("API_CONFIGURATION_ERROR", message, "NotImplementedException", 501)


def _callee(control: Control, asked: Asked, integration: Doc) -> Callee:
    stage, role = asked.stage, integration.get("credentials")
    if role is not None and role.endswith(":user/*"):
        role = f"arn:aws:iam::{stage.account}:root"  # the caller's own, who is of the account
    return gateway_calls.callee(
        control,
        function_of(integration["uri"], stage.variables),
        account=stage.account,
        role=role,
        sources=asked.sources,
        trace=asked.incoming.trace or None,
    )


def _maps_tenant(integration: Doc) -> bool:
    mapped = integration.get("requestParameters") or {}
    return any(name.lower() == f"integration.request.header.{TENANT}" for name in mapped)


def _for_tenant(to: Callee, headers: Doc) -> Callee:
    """`headers`: of the request to Lambda, as they are mapped; of these Invoke reads this one."""
    tenant = next((one for name, one in headers.items() if name.lower() == TENANT), "")
    return gateway_calls.for_tenant(to, str(tenant))


def _timeout_s(integration: Doc) -> float:
    return float(integration.get("timeoutInMillis", 29_000)) / 1000


def _check_size(event: bytes, most: int = SYNC_PAYLOAD_BYTES) -> None:
    if len(event) > most:
        raise Refused("REQUEST_TOO_LARGE", "Request Too Long", "RequestEntityTooLargeException")


# ---- as it is ----


async def _proxied(control: Control, served: ServedStage, asked: Asked, integration: Doc) -> Answer:
    to = _callee(control, asked, integration)
    if to.target.per_tenant or _maps_tenant(integration):
        headers = mappings.requested(integration, "header", _known(asked, _variables(asked)))
        to = _for_tenant(to, headers)
    binary = _is_binary_request(served, asked)
    size = len(asked.incoming.body)
    event = await worked(
        lambda: orjson.dumps(requests.proxy_event(traced(asked, to.root), binary=binary)), size
    )
    _check_size(event)
    result = await gateway_calls.call(control, to, event, _timeout_s(integration))
    payload, types = result.payload, served.binary_types
    accept = media_type(asked.incoming.headers.get("accept", "*/*"))
    try:
        if result.function_error:
            raise BadAnswer(f"the function failed: {result.function_error}")
        head, body = await worked(
            lambda: answers.proxied(payload, decode=is_binary(accept, types)), len(payload)
        )
    except BadAnswer as reason:
        raise failed(502) from reason
    head.headers.append(("X-Amzn-Trace-Id", to.root))
    return head, body


def _is_binary_request(served: ServedStage, asked: Asked) -> bool:
    kind = media_type(asked.incoming.headers.get("content-type", ""))
    return is_binary(kind, served.binary_types)


# ---- through templates ----


async def _mapped(control: Control, served: ServedStage, asked: Asked, integration: Doc) -> Answer:
    to = _callee(control, asked, integration)
    asked = traced(asked, to.root)
    variables = _variables(asked)
    mapped = mappings.requested(integration, "header", _known(asked, variables))
    headers = {name.lower(): value for name, value in mapped.items()}
    event = await _request_body(served, asked, integration, variables)
    if fault := await worked(lambda: complaint(event), len(event)):
        payload = orjson.dumps({"Type": "User", "message": fault})
        return await _response(served, asked, integration, variables, payload, "400")
    override = bare(variables["context"]["requestOverride"])
    headers |= {name.lower(): str(one) for name, one in bare(override.get("header")).items()}
    to = _for_tenant(to, headers)
    if headers.get("x-amz-invocation-type") == "Event":
        _check_size(event, ASYNC_PAYLOAD_BYTES)
        await _queued(control, to, event)
        return await _response(served, asked, integration, variables, b"", "202")
    _check_size(event)
    result = await gateway_calls.call(control, to, event, _timeout_s(integration))
    said = _error_message(result.payload) or "200"
    return await _response(served, asked, integration, variables, result.payload, said)


async def _asked_of_aws(
    control: Control, served: ServedStage, asked: Asked, integration: Doc
) -> Answer:
    variables = _variables(asked)
    body = await _request_body(served, asked, integration, variables)
    to = upstreams.to_aws(asked, integration, _known(asked, variables))
    to = _overridden(to, variables)
    account = upstreams.account_of(asked, integration)
    reply = await ask(control, to, account, body, _timeout_s(integration))
    return await _response(
        served, asked, integration, variables, reply.body, str(reply.status), reply.headers
    )


async def _asked_of_server(
    control: Control, served: ServedStage, asked: Asked, integration: Doc
) -> Answer:
    variables, account = _variables(asked), asked.stage.account
    known, timeout_s = _known(asked, variables), _timeout_s(integration)
    if integration["type"] == "HTTP_PROXY":
        to = upstreams.to_server(asked, integration, known, proxy=True)
        reply = await ask(control, to, account, asked.incoming.body, timeout_s)
        return Head(reply.status, reply.headers), reply.body
    body = await _request_body(served, asked, integration, variables)
    to = upstreams.to_server(asked, integration, known, proxy=False)
    to.headers.setdefault("content-type", _kind(asked))
    reply = await ask(control, _overridden(to, variables), account, body, timeout_s)
    return await _response(
        served, asked, integration, variables, reply.body, str(reply.status), reply.headers
    )


def _overridden(to: Upstream, variables: Doc) -> Upstream:
    """With the headers that a template has set at $context.requestOverride."""
    told = bare(variables["context"]["requestOverride"]).get("header")
    return upstreams.overridden(to, bare(told))


def _kind(asked: Asked) -> str:
    return media_type(asked.incoming.headers.get("content-type", "")) or "application/json"


async def _queued(control: Control, to: Callee, event: bytes) -> None:
    """Have it run later; the answer goes out once it is on the disk."""
    target = to.target
    key = FunctionKey(target.account, target.region, target.name)
    qualifier = to.arn.removeprefix(target.arn).removeprefix(":") or None
    content = Content(
        new_request_id(), to.arn, "application/json", to.trace, to.ancestor, event, target.tenant
    )
    await control.events.keep(key, qualifier, content)


async def _request_body(
    served: ServedStage, asked: Asked, integration: Doc, variables: Doc
) -> bytes:
    body = asked.incoming.body
    binary = _is_binary_request(served, asked)
    handling = integration.get("contentHandling")
    template = mappings.request_template(integration, _kind(asked))
    if binary and handling == "CONVERT_TO_TEXT":
        body = base64.b64encode(body)
    if template is None:
        return body or b"{}"
    text = body.decode("utf-8", "replace")
    variables["input"] = Input(text, asked.parameters)
    nodes = served.template(template)
    rendered = await asyncio.to_thread(render, nodes, variables)
    return rendered.encode("utf-8", "replace")


def _error_message(payload: bytes) -> str:
    try:
        said = orjson.loads(payload) if b'"errorMessage"' in payload else None
    except orjson.JSONDecodeError:
        return ""
    found = said.get("errorMessage") if isinstance(said, dict) else None
    return found if isinstance(found, str) else ""


async def _mocked(served: ServedStage, asked: Asked, integration: Doc) -> Answer:
    variables = _variables(asked)
    told = await _request_body(served, asked, integration, variables)
    try:
        status = orjson.loads(told).get("statusCode")
    except (orjson.JSONDecodeError, AttributeError):
        status = None
    if not isinstance(status, int):
        raise BadTemplate("the request template of a MOCK says no statusCode")
    return await _response(served, asked, integration, variables, b"", str(status))


async def _response(
    served: ServedStage, asked: Asked, integration: Doc, variables: Doc, payload: bytes, said: str,
    told: Headers = (JSON,),
) -> Answer:  # fmt: skip
    """`said`: what selection patterns are held against. `told`: the integration's headers."""
    responses = integration.get("integrationResponses") or {}
    response = await worked(lambda: mappings.chosen(responses, said), len(said) * MATCHING)
    if response is None:
        raise BadTemplate(f"no integration response is for {said[:100]!r}")
    status = response["statusCode"]
    if status not in (asked.route.method.get("methodResponses") or {}):
        raise BadTemplate(f"output mapping refers to an invalid method response: {status}")
    text = payload.decode("utf-8", "replace")
    known = {
        **_known(asked, variables),
        "integration.response.body": text,
        "integration.response": {"header": dict(told)},
    }
    headers = mappings.response_headers(response, known)
    accept = asked.incoming.headers.get("accept", "")
    template = mappings.response_template(response, accept)
    kind = next((value for name, value in told if name.lower() == "content-type"), JSON[1])
    body = payload
    if response.get("contentHandling") == "CONVERT_TO_BINARY":
        body = _decoded(payload)
    elif template is not None:
        kind = template[0]
        variables["input"] = Input(text, asked.parameters)
        nodes = served.template(template[1])
        body = (await asyncio.to_thread(render, nodes, variables)).encode("utf-8", "replace")
    override = bare(variables["context"]).get("responseOverride")
    code, headers = mappings.overridden(int(status), headers, override)
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", kind))
    return Head(code, headers), body


def _decoded(payload: bytes) -> bytes:
    """Without what is not of base64's alphabet, as the quotes of JSON."""
    try:
        return base64.b64decode(payload)
    except binascii.Error:
        raise BadAnswer("what is to be binary is not base64") from None


def _variables(asked: Asked) -> Doc:
    context = requests.context(asked)
    context["requestOverride"] = {"header": {}, "path": {}, "querystring": {}}
    context["responseOverride"] = {"header": {}, "status": None}
    context["xrayTraceId"] = asked.incoming.trace
    return {
        "context": context,
        "stageVariables": dict(asked.stage.variables),
        "util": Conversions(),
    }


def _known(asked: Asked, variables: Doc) -> Doc:
    """What parameter mappings can name."""
    return {
        "context": variables["context"],
        "stageVariables": variables["stageVariables"],
        "method.request": asked.parameters,
        "method.request.body": asked.incoming.body.decode("utf-8", "replace"),
    }
