package com.amazonaws.services.lambda.runtime;

/** The logger, for code that has no Context at hand. */
public final class LambdaRuntime {
    private static volatile LambdaLogger logger = stoker.Log.the();

    private LambdaRuntime() {}

    public static LambdaLogger getLogger() {
        return logger;
    }
}
