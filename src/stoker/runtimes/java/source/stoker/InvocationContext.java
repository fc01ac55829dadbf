package stoker;

import com.amazonaws.services.lambda.runtime.Client;
import com.amazonaws.services.lambda.runtime.ClientContext;
import com.amazonaws.services.lambda.runtime.CognitoIdentity;
import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.LambdaLogger;
import com.amazonaws.services.lambda.runtime.LambdaRuntime;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import stoker.json.Reader;

/** The Context of one event. */
final class InvocationContext implements Context {
    private final Settings settings;
    private final Event event;
    private final ClientContext client;
    private final CognitoIdentity identity;

    InvocationContext(Settings settings, Event event) {
        this.settings = settings;
        this.event = event;
        client = event.clientContext == null ? null : new Caller(members(event.clientContext));
        identity = event.identity == null ? null : new Identity(members(event.identity));
    }

    @Override
    public String getAwsRequestId() {
        return event.id;
    }

    @Override
    public String getLogGroupName() {
        return settings.logGroup;
    }

    @Override
    public String getLogStreamName() {
        return settings.logStream;
    }

    @Override
    public String getFunctionName() {
        return settings.name;
    }

    @Override
    public String getFunctionVersion() {
        return settings.version;
    }

    @Override
    public String getInvokedFunctionArn() {
        return event.arn;
    }

    @Override
    public CognitoIdentity getIdentity() {
        return identity;
    }

    @Override
    public ClientContext getClientContext() {
        return client;
    }

    @Override
    public int getRemainingTimeInMillis() {
        return (int) Math.max(0, event.deadlineMs - System.currentTimeMillis());
    }

    @Override
    public int getMemoryLimitInMB() {
        return settings.memoryMb;
    }

    @Override
    public LambdaLogger getLogger() {
        return LambdaRuntime.getLogger();
    }

    @Override
    public String getTenantId() {
        return event.tenantId;
    }

    @Override
    public String getXrayTraceId() {
        return event.traceId;
    }

    private static Map<?, ?> members(String json) {
        Object value = Reader.read(json.getBytes(StandardCharsets.UTF_8));
        if (value instanceof Map) {
            return (Map<?, ?>) value;
        }
        throw new IllegalArgumentException("Expected a JSON object in a header of the event");
    }

    private static String text(Map<?, ?> members, String name) {
        Object value = members.get(name);
        return value == null ? null : value.toString();
    }

    private static Map<String, String> texts(Map<?, ?> members, String name) {
        Object value = members.get(name);
        if (!(value instanceof Map)) {
            return null;
        }
        Map<String, String> texts = new LinkedHashMap<>();
        for (Map.Entry<?, ?> entry : ((Map<?, ?>) value).entrySet()) {
            Object text = entry.getValue();
            texts.put(entry.getKey().toString(), text == null ? null : text.toString());
        }
        return texts;
    }

    private static final class Identity implements CognitoIdentity {
        private final String id;
        private final String pool;

        Identity(Map<?, ?> members) {
            id = text(members, "cognitoIdentityId");
            pool = text(members, "cognitoIdentityPoolId");
        }

        @Override
        public String getIdentityId() {
            return id;
        }

        @Override
        public String getIdentityPoolId() {
            return pool;
        }
    }

    private static final class Caller implements ClientContext {
        private final Client client;
        private final Map<String, String> custom;
        private final Map<String, String> environment;

        Caller(Map<?, ?> members) {
            Object application = members.get("client");
            client = application instanceof Map ? new Application((Map<?, ?>) application) : null;
            custom = texts(members, "custom");
            environment = texts(members, "env");
        }

        @Override
        public Client getClient() {
            return client;
        }

        @Override
        public Map<String, String> getCustom() {
            return custom;
        }

        @Override
        public Map<String, String> getEnvironment() {
            return environment;
        }
    }

    private static final class Application implements Client {
        private final Map<?, ?> members;

        Application(Map<?, ?> members) {
            this.members = members;
        }

        @Override
        public String getInstallationId() {
            return text(members, "installation_id");
        }

        @Override
        public String getAppTitle() {
            return text(members, "app_title");
        }

        @Override
        public String getAppVersionName() {
            return text(members, "app_version_name");
        }

        @Override
        public String getAppVersionCode() {
            return text(members, "app_version_code");
        }

        @Override
        public String getAppPackageName() {
            return text(members, "app_package_name");
        }
    }
}
