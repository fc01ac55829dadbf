package stoker;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import com.amazonaws.services.lambda.runtime.RequestStreamHandler;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** A plain method as one of the two interfaces. What it throws comes out as it is. */
final class Reflected {
    private final Method method;
    private final Object target; // null if the method is static
    private final boolean takesContext;

    private Reflected(Method method, Object target, boolean takesContext) {
        this.method = method;
        this.target = target;
        this.takesContext = takesContext;
    }

    private Object call(List<Object> arguments, Context context) {
        if (takesContext) {
            arguments.add(context);
        }
        try {
            return method.invoke(target, arguments.toArray());
        } catch (InvocationTargetException e) {
            throw Reflected.<RuntimeException>any(e.getCause() == null ? e : e.getCause());
        } catch (IllegalAccessException e) {
            throw Reflected.<RuntimeException>any(e);
        }
    }

    /** Throw what may not be declared. */
    @SuppressWarnings("unchecked")
    static <T extends Throwable> T any(Throwable thrown) throws T {
        throw (T) thrown;
    }

    static final class Objects implements RequestHandler<Object, Object> {
        private final Reflected reflected;
        private final boolean takesInput;

        Objects(Method method, Object target, boolean takesInput, boolean takesContext) {
            this.takesInput = takesInput;
            reflected = new Reflected(method, target, takesContext);
        }

        @Override
        public Object handleRequest(Object input, Context context) {
            List<Object> arguments = new ArrayList<>();
            if (takesInput) {
                arguments.add(input);
            }
            return reflected.call(arguments, context);
        }
    }

    static final class Streams implements RequestStreamHandler {
        private final Reflected reflected;
        private final boolean takesInput;
        private final boolean takesOutput;

        Streams(Method method, Object target, boolean takesInput, boolean takesOutput,
                boolean takesContext) {
            this.takesInput = takesInput;
            this.takesOutput = takesOutput;
            reflected = new Reflected(method, target, takesContext);
        }

        @Override
        public void handleRequest(InputStream input, OutputStream output, Context context)
                throws IOException {
            List<Object> arguments = new ArrayList<>();
            if (takesInput) {
                arguments.add(input);
            }
            if (takesOutput) {
                arguments.add(output);
            }
            reflected.call(arguments, context);
            if (!takesOutput) {
                output.write("null".getBytes(StandardCharsets.US_ASCII));
            }
        }
    }
}
