package stoker;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import com.amazonaws.services.lambda.runtime.RequestStreamHandler;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.util.ArrayList;
import java.util.List;
import stoker.json.Types;

/**
 * From "pkg.Class" or "pkg.Class::method" to something that can be called, with the rules and the
 * errors of AWS's client. What is wrong with the class itself ends the init; what is wrong with
 * the name is told to the first event.
 */
final class Loading {
    private Loading() {}

    static Main.Call load(Settings settings, ClassLoader loader) {
        String text = settings.handler;
        int colons = text.lastIndexOf("::");
        String className = colons < 0 ? text : text.substring(0, colons);
        String methodName = colons < 0 ? null : text.substring(colons + 2);
        if (className.isEmpty() || (methodName != null && methodName.isEmpty())) {
            return failing(Fault.saying("Invalid handler: `" + text + "'"));
        }
        Class<?> type;
        try {
            type = Class.forName(className, true, loader);
        } catch (ClassNotFoundException e) {
            return failing(Fault.of(e, "Class not found: " + className, false));
        } catch (NoClassDefFoundError e) {
            return failing(notLoaded(className, e)); // AWS: each event says so, and ends the process
        } catch (Throwable e) {
            throw notLoaded(className, e);
        }
        try {
            Adapter adapter = new Adapter(settings, loader);
            return methodName == null ? ofClass(type, adapter) : ofMethod(type, methodName, adapter);
        } catch (Fault fault) {
            return told(fault);
        }
    }

    private static Fault notLoaded(String className, Throwable e) {
        String words = e.getMessage() == null ? "" : ": " + e.getMessage();
        return Fault.of(e, "Error loading class " + className + words, true);
    }

    /** Fatal ones end the init. */
    private static Main.Call told(Fault fault) {
        if (fault.isFatal) {
            throw fault;
        }
        return failing(fault);
    }

    private static Main.Call failing(final Fault fault) {
        return new Main.Call() {
            @Override
            public Output on(Event event) {
                throw fault;
            }
        };
    }

    // -- a class that is a handler

    private static Main.Call ofClass(Class<?> type, Adapter adapter) {
        if (RequestStreamHandler.class.isAssignableFrom(type)) {
            return adapter.streaming((RequestStreamHandler) instance(type));
        }
        if (!RequestHandler.class.isAssignableFrom(type)) {
            throw Fault.saying(
                    "Class does not implement an appropriate handler interface: " + type.getName());
        }
        Type[] types = Types.argumentsOf(type, RequestHandler.class);
        String untyped = "Class " + type.getName()
                + " does not implement RequestHandler with concrete type parameters";
        if (types == null) {
            throw Fault.saying(untyped);
        }
        for (Type each : types) {
            if (each instanceof TypeVariable && Types.bound(each) == Object.class) {
                throw Fault.saying(untyped + ": parameter " + each + " has no upper bound.");
            }
        }
        @SuppressWarnings("unchecked")
        RequestHandler<Object, Object> handler = (RequestHandler<Object, Object>) instance(type);
        return adapter.objects(handler, types[0], types[1]);
    }

    private static Object instance(Class<?> type) {
        Constructor<?> constructor;
        try {
            constructor = type.getConstructor();
        } catch (NoSuchMethodException e) {
            boolean isInner =
                    type.getEnclosingClass() != null && !Modifier.isStatic(type.getModifiers());
            String why = isInner
                    ? " cannot be instantiated because it is a non-static inner class"
                    : " has no public zero-argument constructor";
            throw Fault.of(new Exception("Class " + type.getName() + why, e), false);
        }
        try {
            return constructor.newInstance();
        } catch (InvocationTargetException e) {
            throw Fault.of(e.getCause() == null ? e : e.getCause(), true);
        } catch (ReflectiveOperationException | LinkageError e) {
            throw Fault.of(e, false);
        }
    }

    // -- a method of a class

    private static Main.Call ofMethod(Class<?> type, String name, Adapter adapter) {
        Method[] all;
        try {
            all = type.getMethods();
        } catch (NoClassDefFoundError e) {
            String words = "Error loading method " + name + " on class " + type.getName();
            throw Fault.of(e, words, false);
        }
        List<Method> methods = new ArrayList<>();
        for (Method method : all) {
            if (method.getName().equals(name)) {
                insert(method, methods);
            }
        }
        for (Method method : methods) {
            Main.Call call = suited(type, method, adapter);
            if (call != null) {
                return call;
            }
        }
        throw Fault.saying("No public method named " + name
                + " with appropriate method signature found on class " + type.getName());
    }

    /** Best first: not the compiler's bridges, then the one with most parameters. */
    private static void insert(Method method, List<Method> methods) {
        int at = 0;
        while (at < methods.size() && !isBetter(method, methods.get(at))) {
            at++;
        }
        methods.add(at, method);
    }

    private static boolean isBetter(Method one, Method other) {
        if (one.isBridge() != other.isBridge()) {
            return !one.isBridge();
        }
        return weight(one) > weight(other);
    }

    /** AWS counts a Context at the end twice. */
    private static int weight(Method method) {
        Class<?>[] types = method.getParameterTypes();
        boolean hasContext = types.length > 0 && types[types.length - 1] == Context.class;
        return types.length + (hasContext ? 1 : 0);
    }

    /** Null, and a word in the log, if the method has not the form of a handler. */
    private static Main.Call suited(Class<?> type, Method method, Adapter adapter) {
        Class<?>[] types = method.getParameterTypes();
        int count = types.length;
        boolean hasContext = count > 0 && types[count - 1] == Context.class;
        int own = hasContext ? count - 1 : count;
        boolean takesInput = own > 0 && types[0] == InputStream.class;
        boolean takesOutput = own > 0 && types[own - 1] == OutputStream.class;
        boolean isStreaming = takesInput || takesOutput;
        int streams = (takesInput ? 1 : 0) + (takesOutput ? 1 : 0);
        if (isStreaming ? own != streams : own > 1 || (own == 1 && types[0] == Context.class)) {
            System.err.println("Ignoring an overload of method " + method.getName()
                    + ": its parameters are not those of a handler");
            return null;
        }
        Object target = Modifier.isStatic(method.getModifiers()) ? null : instance(type);
        if (isStreaming) {
            if (method.getReturnType() != void.class && method.getReturnType() != Void.class) {
                System.err.println("Will ignore return type " + method.getReturnType()
                        + " on byte stream handler");
            }
            return adapter.streaming(
                    new Reflected.Streams(method, target, takesInput, takesOutput, hasContext));
        }
        Type input = own == 0 ? null : method.getGenericParameterTypes()[0];
        return adapter.objects(
                new Reflected.Objects(method, target, input != null, hasContext), input,
                method.getGenericReturnType());
    }
}
