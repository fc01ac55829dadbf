package com.amazonaws.services.lambda.crac;

import java.util.ArrayList;
import java.util.List;

/** The one context: the last that registered is told first of a snapshot, and last of its end. */
final class Registered extends Context<Resource> {
    private final List<Resource> resources = new ArrayList<>();

    @Override
    public synchronized void register(Resource resource) {
        resources.remove(resource);
        resources.add(resource);
    }

    @Override
    public synchronized void beforeCheckpoint(Context<? extends Resource> context)
            throws CheckpointException {
        CheckpointException thrown = new CheckpointException();
        for (int i = resources.size() - 1; i >= 0; i--) {
            try {
                resources.get(i).beforeCheckpoint(this);
            } catch (Exception e) {
                gather(e, e instanceof CheckpointException, thrown);
            }
        }
        if (thrown.getSuppressed().length > 0) {
            throw thrown;
        }
    }

    @Override
    public synchronized void afterRestore(Context<? extends Resource> context)
            throws RestoreException {
        RestoreException thrown = new RestoreException();
        for (Resource resource : resources) {
            try {
                resource.afterRestore(this);
            } catch (Exception e) {
                gather(e, e instanceof RestoreException, thrown);
            }
        }
        if (thrown.getSuppressed().length > 0) {
            throw thrown;
        }
    }

    /** A context inside this one has gathered already. */
    private static void gather(Exception e, boolean isGathering, Exception into) {
        if (!isGathering) {
            into.addSuppressed(e);
            return;
        }
        for (Throwable each : e.getSuppressed()) {
            into.addSuppressed(each);
        }
    }
}
