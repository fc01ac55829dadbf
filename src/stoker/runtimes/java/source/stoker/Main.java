package stoker;

import com.amazonaws.services.lambda.crac.Core;
import com.amazonaws.services.lambda.crac.Resource;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOError;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URLClassLoader;

/**
 * The Java runtime client: load what the function's Handler names, then ask for an event, call it,
 * post what came of it, for ever.
 *
 * <p>Written to start fast: few classes, no lambdas, no streams, no string formats.
 */
public final class Main {
    private static final String TRACE_PROPERTY = "com.amazonaws.xray.traceHeader";
    private static final int INIT_FAILED = 1;
    private static final int HOOK_FAILED = 64;

    private Main() {}

    public static void main(String[] arguments) throws Exception {
        System.setOut(unbuffered(FileDescriptor.out));
        System.setErr(unbuffered(FileDescriptor.err));
        run(Settings.ofEnvironment());
        System.exit(0); // threads of the function's, if it left any, end with it
    }

    static void run(Settings settings) throws IOException {
        try (Wire wire = new Wire(settings.api)) {
            URLClassLoader loader = Paths.loader(settings);
            Thread.currentThread().setContextClassLoader(loader);
            long began = System.nanoTime();
            Call function = load(settings, loader, wire);
            wire.tellLoaded((System.nanoTime() - began) / 1e6);
            if (settings.hasSnapshot) {
                passThroughSnapshot(wire);
            }
            serve(function, wire);
        }
    }

    /** A write at a time, whole: what is printed before a crash is printed. */
    private static PrintStream unbuffered(FileDescriptor descriptor) throws IOException {
        return new PrintStream(new FileOutputStream(descriptor), false, "UTF-8");
    }

    private static Call load(Settings settings, ClassLoader loader, Wire wire) throws IOException {
        try {
            return Loading.load(settings, loader);
        } catch (Fault fault) {
            Log.the().failure(fault.logged());
            wire.postError("/init/error", fault.payload(), "Runtime.BadFunctionCode", null);
            System.exit(INIT_FAILED);
            throw fault;
        }
    }

    private static void passThroughSnapshot(Wire wire) throws IOException {
        String failed = "Runtime.BeforeCheckpointError";
        String path = "/init/error";
        try {
            com.amazonaws.services.lambda.crac.Context<Resource> hooks = Core.getGlobalContext();
            hooks.beforeCheckpoint(null);
            wire.awaitRestore();
            failed = "Runtime.AfterRestoreError";
            path = "/restore/error";
            hooks.afterRestore(null);
        } catch (Exception e) {
            Fault fault = Fault.of(e, true);
            Log.the().failure(fault.logged());
            wire.postError(path, Fault.payload(e), failed, null);
            System.exit(HOOK_FAILED);
        }
    }

    private static void serve(Call function, Wire wire) throws IOException {
        while (true) {
            Event event = wire.next();
            if (event.traceId == null) {
                System.clearProperty(TRACE_PROPERTY);
            } else {
                System.setProperty(TRACE_PROPERTY, event.traceId);
            }
            if (!one(function, event, wire)) {
                return;
            }
        }
    }

    /** False if this process is not fit for another event. */
    private static boolean one(Call function, Event event, Wire wire) throws IOException {
        String path = "/invocation/" + event.id;
        Fault fault;
        boolean goesOn = true;
        try {
            Output output = function.on(event);
            Thread.interrupted(); // the function's own flag is not the next event's
            wire.answer(path + "/response", output);
            return true;
        } catch (Fault theirs) {
            fault = theirs;
            goesOn = !fault.isFatal;
            wire.postError(path + "/error", fault.payload(), "Runtime.BadFunctionCode", null);
        } catch (Wire.Lost lost) {
            throw lost;
        } catch (Throwable thrown) {
            goesOn = !(thrown instanceof VirtualMachineError || thrown instanceof IOError);
            fault = Fault.of(thrown, false);
            byte[] payload = Fault.payload(thrown);
            wire.postError(path + "/error", payload, "Runtime.UserException", Fault.cause(thrown));
        }
        Log.the().failure(fault.logged());
        return goesOn;
    }

    /** What a Handler leads to. */
    interface Call {
        Output on(Event event) throws Throwable;
    }
}
