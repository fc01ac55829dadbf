import com.amazonaws.services.lambda.runtime.ClientContext;
import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import java.util.LinkedHashMap;
import java.util.Map;

/** One function with a part per case, for AWS's own Java client. The event's "do" chooses. */
public class Main implements RequestHandler<Map<String, Object>, Object> {
    static {
        if ("exit".equals(System.getenv("INIT"))) {
            Runtime.getRuntime().halt(7);
        }
    }

    private int count;

    public static class Refused extends RuntimeException {
        private static final long serialVersionUID = 1;

        Refused(String message) {
            super(message);
        }
    }

    @Override
    public Object handleRequest(Map<String, Object> event, Context context) {
        String what = (String) event.get("do");
        System.out.println("asked to " + what);
        switch (what) {
            case "echo":
                return event.get("value");
            case "count":
                return ++count;
            case "error":
                throw new Refused("not today");
            case "bench":
                Map<String, Object> answer = new LinkedHashMap<>();
                answer.put("count", ++count);
                answer.put("data", event.get("data"));
                return answer;
            case "panic":
                throw new StackOverflowError("out of luck");
            case "exit":
                Runtime.getRuntime().halt(7);
                return null;
            case "sleep":
                sleep();
                return null;
            case "length":
                return ((String) event.get("data")).length();
            case "large":
                return "x".repeat((Integer) event.get("size"));
            case "context":
                return describe(context);
            default:
                throw new Refused("unknown: " + what);
        }
    }

    private static void sleep() {
        try {
            Thread.sleep(3_600_000);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static Map<String, Object> describe(Context context) {
        ClientContext client = context.getClientContext();
        Map<String, Object> said = new LinkedHashMap<>();
        said.put("request_id", context.getAwsRequestId());
        said.put("arn", context.getInvokedFunctionArn());
        said.put("trace", System.getProperty("com.amazonaws.xray.traceHeader"));
        said.put("remaining_ms", context.getRemainingTimeInMillis());
        said.put("app_title", client == null ? "" : client.getClient().getAppTitle());
        said.put("custom", client == null ? Map.of() : client.getCustom());
        said.put("function", context.getFunctionName());
        said.put("memory_mb", context.getMemoryLimitInMB());
        return said;
    }
}
