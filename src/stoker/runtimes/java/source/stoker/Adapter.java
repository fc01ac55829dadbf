package stoker;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.CustomPojoSerializer;
import com.amazonaws.services.lambda.runtime.LambdaRuntimeInternal;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import com.amazonaws.services.lambda.runtime.RequestStreamHandler;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.reflect.Method;
import java.lang.reflect.Type;
import java.util.Iterator;
import java.util.ServiceLoader;
import stoker.json.Binding;
import stoker.json.Writer;

/** Handlers as the loop calls them: from an event's bytes to the answer's. */
final class Adapter {
    private final Settings settings;
    private final ClassLoader loader;
    private final CustomPojoSerializer custom; // null unless the package brings its own
    private Output output = new Output();

    Adapter(Settings settings, ClassLoader loader) {
        this.settings = settings;
        this.loader = loader;
        custom = custom(loader);
    }

    Main.Call streaming(final RequestStreamHandler handler) {
        return new Main.Call() {
            @Override
            public Output on(Event event) throws Throwable {
                Context context = begin(event);
                handler.handleRequest(new ByteArrayInputStream(event.body), output, context);
                return output;
            }
        };
    }

    /** input: null if the handler takes none. */
    Main.Call objects(final RequestHandler<Object, Object> handler, final Type input,
            final Type result) {
        final boolean isVoid = result == void.class || result == Void.class;
        return new Main.Call() {
            @Override
            public Output on(Event event) throws Throwable {
                Context context = begin(event);
                Object value = input == null ? null : read(event.body, input);
                Object answer = handler.handleRequest(value, context);
                write(isVoid ? null : answer, result);
                return output;
            }
        };
    }

    private Context begin(Event event) {
        output.reset();
        Log.the().setEvent(event);
        if (LambdaRuntimeInternal.getUseLog4jAppender()) {
            tellLog4j(event.id);
        }
        return new InvocationContext(settings, event);
    }

    private Object read(byte[] body, Type type) {
        try {
            if (custom != null) {
                return custom.<Object>fromJson(new ByteArrayInputStream(body), type);
            }
            return Binding.read(body, type);
        } catch (Throwable thrown) {
            throw new RuntimeException("An error occurred during JSON parsing", Fault.trim(thrown));
        }
    }

    private void write(Object value, Type type) {
        try {
            if (custom != null && value != null) {
                custom.toJson(value, (OutputStream) output, type);
            } else {
                Writer.write(value, output);
            }
        } catch (Throwable thrown) {
            String words = "An error occurred during JSON serialization of response";
            throw new RuntimeException(words, thrown);
        }
    }

    private static CustomPojoSerializer custom(ClassLoader loader) {
        Iterator<CustomPojoSerializer> found =
                ServiceLoader.load(CustomPojoSerializer.class, loader).iterator();
        CustomPojoSerializer one = found.hasNext() ? found.next() : null;
        if (found.hasNext()) {
            throw Fault.of(
                    new IllegalStateException("Too many serializers provided, expected at most 1"),
                    true);
        }
        return one;
    }

    /** Where the function's log4j, of either generation, finds the id of the request. */
    private void tellLog4j(String id) {
        if (!put("org.apache.log4j.MDC", Object.class, id)
                & !put("org.apache.logging.log4j.ThreadContext", String.class, id)) {
            System.err.println("Customer using log4j appender but unable to load either "
                    + "org.apache.log4j.MDC or org.apache.logging.log4j.ThreadContext. "
                    + "Customer cannot see RequestId in log4j log lines.");
        }
    }

    private boolean put(String className, Class<?> valueType, String id) {
        try {
            Class<?> type = Class.forName(className, true, loader);
            Method method = type.getMethod("put", String.class, valueType);
            method.invoke(null, "AWSRequestId", id);
            return true;
        } catch (ReflectiveOperationException | LinkageError e) {
            return false; // the function has the other one
        }
    }
}
