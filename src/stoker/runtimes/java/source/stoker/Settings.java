package stoker;

/** What the environment says. */
final class Settings {
    final String api;
    final String handler;
    final String taskRoot;
    final String layerRoot;
    final String name;
    final String version;
    final String logGroup;
    final String logStream;
    final int memoryMb;
    final boolean hasSnapshot;

    private Settings(String api, String handler) {
        this.api = api;
        this.handler = handler;
        taskRoot = or(System.getenv("LAMBDA_TASK_ROOT"), "/var/task");
        layerRoot = or(System.getenv("_STOKER_LAYER_ROOT"), "/opt");
        name = System.getenv("AWS_LAMBDA_FUNCTION_NAME");
        version = System.getenv("AWS_LAMBDA_FUNCTION_VERSION");
        logGroup = System.getenv("AWS_LAMBDA_LOG_GROUP_NAME");
        logStream = System.getenv("AWS_LAMBDA_LOG_STREAM_NAME");
        memoryMb = Integer.parseInt(or(System.getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"), "128"));
        hasSnapshot = "snap-start".equals(System.getenv("AWS_LAMBDA_INITIALIZATION_TYPE"));
    }

    static Settings ofEnvironment() {
        return of(System.getenv("AWS_LAMBDA_RUNTIME_API"), System.getenv("_HANDLER"));
    }

    /** All else is the environment's. */
    static Settings of(String api, String handler) {
        return new Settings(api, handler);
    }

    private static String or(String value, String instead) {
        return value == null ? instead : value;
    }
}
