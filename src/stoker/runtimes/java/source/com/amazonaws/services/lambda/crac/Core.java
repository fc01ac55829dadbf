package com.amazonaws.services.lambda.crac;

/**
 * The implementation that org.crac finds here by the system property org.crac.Core.Compat, as on
 * AWS. Hooks run with SnapStart only, on AWS too.
 */
public final class Core {
    private static final Context<Resource> GLOBAL = new Registered();

    private Core() {}

    public static Context<Resource> getGlobalContext() {
        return GLOBAL;
    }

    /** A function cannot ask for its own snapshot. */
    public static void checkpointRestore() {
        throw new UnsupportedOperationException();
    }
}
