package com.amazonaws.services.lambda.runtime;

import java.util.Map;

/** What a caller said about itself, in the ClientContext of its Invoke. */
public interface ClientContext {
    Client getClient();

    Map<String, String> getCustom();

    Map<String, String> getEnvironment();
}
