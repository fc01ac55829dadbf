package com.amazonaws.services.lambda.crac;

/** Who wants to know of snapshots: org.crac hands its resources on to here. */
public interface Resource {
    void afterRestore(Context<? extends Resource> context) throws Exception;

    void beforeCheckpoint(Context<? extends Resource> context) throws Exception;
}
