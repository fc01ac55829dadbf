package com.amazonaws.services.lambda.runtime;

/** A function from one JSON value to another, as objects of the types it names. */
public interface RequestHandler<I, O> {
    O handleRequest(I input, Context context);
}
