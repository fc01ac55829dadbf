package com.amazonaws.services.lambda.runtime.logging;

/** How a function's log events are written: LoggingConfig.LogFormat. */
public enum LogFormat {
    JSON,
    TEXT;

    /** TEXT for what is no format's name. */
    public static LogFormat fromString(String name) {
        return JSON.name().equalsIgnoreCase(name) ? JSON : TEXT;
    }
}
