package com.amazonaws.services.lambda.crac;

/** What resources threw after a snapshot was restored, as suppressed exceptions. */
public class RestoreException extends Exception {
    private static final long serialVersionUID = 1;
}
