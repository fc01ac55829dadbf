"""What differs from AWS in the APIs of API Gateway: rows of docs/COMPATIBILITY.md."""

GATEWAYS = (
    (
        "HTTP APIs",
        "are `http://ID.execute-api.REGION.localhost:PORT/`, AWS's own name where it leads "
        "here, or `/_aws/execute-api/ID/STAGE/` by path. Integrations are functions "
        "and HTTP_PROXY, whose requests carry Via, and are a 500 if they come around again; "
        "IntegrationSubtype, VPC links, parameter mapping, WebSocket APIs, custom "
        "domains and ExportApi are refused by name; ImportApi takes OpenAPI 3 as "
        "JSON, or as YAML of up to 1 MiB without aliases, and basepath ignore. Throttling, "
        "access logs, metrics and "
        "client certificates are kept and shown, without effect. Signatures for AWS_IAM are "
        "parsed, not verified: the API's own account may, web pages only if CORS or "
        "`allowed_origins` names them. Issuers may be http, and have ten seconds to answer "
        "(AWS: https, 1.5). A policy of a function may name a route as it is written or the "
        "path that is asked for. The path is as it came, percent-encoded; an event has 6 MB "
        "with all around the body; a throttled function is a 503. Of deployments that no stage "
        "serves, automatic ones go; an API has 100 at most",
    ),
    (
        "REST APIs",
        "answer at the same addresses as HTTP APIs, and at "
        "`/restapis/ID/STAGE/_user_request_/`. Of services' integrations those in the guide "
        "are served, the rest is kept and answered 501, as are VPC links and "
        "insecureSkipVerification; bodies go through HTTP_PROXY as bytes. What an integration "
        "asks of this server's own API is refused. Domain names, "
        "documentation, SDKs, exports, test "
        "invocations and canary releases are refused by name; definitions in YAML have 1 MB "
        "and no aliases. Caches, throttles, quotas, logs, method settings, client "
        "certificates, minimumCompressionSize and resource policies of APIs are kept and "
        "shown, without effect; API keys are enforced. Signatures for AWS_IAM are parsed, "
        "not verified: the API's own account may, web pages only if `allowed_origins` names "
        "them. Headers reach the function Written-So, whatever the client wrote, and "
        "repeated ones as one value; paths percent-encoded, path parameters decoded. The "
        "first resource in order of precision that has the method answers. A mapping "
        "template that cannot be read is refused when it is put; it has no #macro, #define, "
        "#parse and #evaluate, JSONPath no filters, and regular expressions no groups that "
        "look around and no backward references. An Allow of an authorizer with a Condition "
        "admits nobody, a Deny with it shuts out. Authorizers' answers have 64 KB at most. "
        "An API has 100 deployments and 8 MB at most",
    ),
)
