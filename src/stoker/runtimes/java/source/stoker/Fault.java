package stoker;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import stoker.json.Writer;

/** An error as AWS's client posts and logs it; thrown where the function's Handler is at fault. */
final class Fault extends RuntimeException {
    private static final long serialVersionUID = 1;
    private static final String OURS = "stoker.";

    final boolean isFatal;
    private final String message;
    private final String type; // null if no exception is behind it
    private final String trace;

    private Fault(String message, String type, String trace, boolean isFatal) {
        super(message);
        this.message = message;
        this.type = type;
        this.trace = trace;
        this.isFatal = isFatal;
    }

    static Fault saying(String message) {
        return new Fault(message, null, null, false);
    }

    static Fault of(Throwable thrown, boolean isFatal) {
        return new Fault(words(thrown), thrown.getClass().getName(), trace(thrown), isFatal);
    }

    static Fault of(Throwable thrown, String message, boolean isFatal) {
        return new Fault(message, thrown.getClass().getName(), trace(thrown), isFatal);
    }

    /** For the log: one event, of many lines. */
    String logged() {
        if (type == null) {
            return message + "\n";
        }
        return message + ": " + type + "\n" + trace + "\n";
    }

    byte[] payload() {
        Map<String, Object> it = new LinkedHashMap<>();
        it.put("errorMessage", message);
        it.put("errorType", type);
        return Writer.bytes(it);
    }

    /** What the caller gets of an exception of the function's. */
    static byte[] payload(Throwable thrown) {
        Map<String, Object> it = new LinkedHashMap<>();
        it.put("errorMessage", words(thrown));
        it.put("errorType", thrown.getClass().getName());
        List<String> lines = new ArrayList<>();
        for (StackTraceElement element : trim(thrown).getStackTrace()) {
            lines.add(element.toString());
        }
        it.put("stackTrace", lines);
        return Writer.bytes(it);
    }

    /** What X-Ray is told; ASCII, for a header. */
    static byte[] cause(Throwable thrown) {
        Set<String> paths = new LinkedHashSet<>();
        List<Object> stack = new ArrayList<>();
        for (StackTraceElement element : thrown.getStackTrace()) {
            String path = path(element);
            paths.add(path);
            Map<String, Object> frame = new LinkedHashMap<>();
            frame.put("label", element.getMethodName());
            frame.put("path", path);
            frame.put("line", element.getLineNumber());
            stack.add(frame);
        }
        Map<String, Object> exception = new LinkedHashMap<>();
        exception.put("message", thrown.getMessage());
        exception.put("type", thrown.getClass().getName());
        exception.put("stack", stack);
        Map<String, Object> it = new LinkedHashMap<>();
        it.put("working_directory", System.getProperty("user.dir"));
        it.put("exceptions", Collections.singletonList(exception));
        it.put("paths", paths);
        return Writer.asciiBytes(it);
    }

    private static String path(StackTraceElement element) {
        if (element.getFileName() != null) {
            return element.getFileName();
        }
        String name = element.getClassName();
        return name.substring(name.lastIndexOf('.') + 1) + ".java";
    }

    private static String words(Throwable thrown) {
        String words = thrown.getLocalizedMessage();
        return words == null ? thrown.getClass().getName() : words;
    }

    private static String trace(Throwable thrown) {
        StringWriter text = new StringWriter();
        trim(thrown).printStackTrace(new PrintWriter(text));
        return text.toString();
    }

    /** From our first frame on nothing is the function's. Causes and suppressed ones likewise. */
    static <T extends Throwable> T trim(T thrown) {
        trim(thrown, Collections.newSetFromMap(new IdentityHashMap<Throwable, Boolean>()));
        return thrown;
    }

    private static void trim(Throwable thrown, Set<Throwable> seen) {
        if (thrown == null || !seen.add(thrown)) {
            return;
        }
        StackTraceElement[] frames = thrown.getStackTrace();
        for (int i = 0; i < frames.length; i++) {
            if (frames[i].getClassName().startsWith(OURS)) {
                StackTraceElement[] theirs = new StackTraceElement[i];
                System.arraycopy(frames, 0, theirs, 0, i);
                thrown.setStackTrace(theirs);
                break;
            }
        }
        trim(thrown.getCause(), seen);
        for (Throwable suppressed : thrown.getSuppressed()) {
            trim(suppressed, seen);
        }
    }
}
