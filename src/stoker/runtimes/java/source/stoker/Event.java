package stoker;

/** One answer of /invocation/next. What a header did not say is null. */
final class Event {
    final byte[] body;
    String id;
    String arn;
    String traceId;
    String tenantId;
    String clientContext;
    String identity;
    long deadlineMs;

    Event(byte[] body) {
        this.body = body;
    }

    void take(String header, String value) {
        switch (header) {
            case "lambda-runtime-aws-request-id":
                id = value;
                break;
            case "lambda-runtime-invoked-function-arn":
                arn = value;
                break;
            case "lambda-runtime-trace-id":
                traceId = value.isEmpty() ? null : value;
                break;
            case "lambda-runtime-aws-tenant-id":
                tenantId = value;
                break;
            case "lambda-runtime-client-context":
                clientContext = value.isEmpty() ? null : value;
                break;
            case "lambda-runtime-cognito-identity":
                identity = value.isEmpty() ? null : value;
                break;
            case "lambda-runtime-deadline-ms":
                deadlineMs = Long.parseLong(value);
                break;
            default:
                break; // of HTTP's
        }
    }
}
