package com.amazonaws.services.lambda.runtime.logging;

/** In rising order; the places are those of a log frame's level. */
public enum LogLevel {
    UNDEFINED,
    TRACE,
    DEBUG,
    INFO,
    WARN,
    ERROR,
    FATAL;

    /** UNDEFINED for what is no level's name. */
    public static LogLevel fromString(String name) {
        for (LogLevel level : values()) {
            if (level.name().equalsIgnoreCase(name)) {
                return level;
            }
        }
        return UNDEFINED;
    }
}
