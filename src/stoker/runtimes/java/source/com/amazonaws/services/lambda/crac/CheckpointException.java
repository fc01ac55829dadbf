package com.amazonaws.services.lambda.crac;

/** What resources threw before a snapshot, as suppressed exceptions. */
public class CheckpointException extends Exception {
    private static final long serialVersionUID = 1;
}
