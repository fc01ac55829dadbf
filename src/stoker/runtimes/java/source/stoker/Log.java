package stoker;

import com.amazonaws.services.lambda.runtime.LambdaLogger;
import com.amazonaws.services.lambda.runtime.logging.LogFormat;
import com.amazonaws.services.lambda.runtime.logging.LogLevel;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.reflect.Constructor;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashMap;
import java.util.Map;
import stoker.json.Writer;

/**
 * LambdaLogger. Each message is one frame on the descriptor that the environment names, which
 * keeps those of several lines whole; without one, it goes to standard output.
 */
public final class Log implements LambdaLogger {
    private static final int FRAME = 0xa55a0002; // with time; 1 more for text
    private static final int HEADER_BYTES = 16;
    private static final Log THE = new Log();

    private final boolean isJson;
    private final LogLevel least;
    private final OutputStream frames; // null if there is no descriptor
    private volatile Event inHand;

    private Log() {
        isJson = LogFormat.fromString(System.getenv("AWS_LAMBDA_LOG_FORMAT")) == LogFormat.JSON;
        least = LogLevel.fromString(System.getenv("AWS_LAMBDA_LOG_LEVEL"));
        frames = open(System.getenv("_LAMBDA_TELEMETRY_LOG_FD"));
    }

    public static Log the() {
        return THE;
    }

    /** Of the event in hand, JSON messages bear the id. */
    void setEvent(Event event) {
        inHand = event;
    }

    /** An error that was not the function's to handle. */
    void failure(String text) {
        log(text, isJson ? LogLevel.ERROR : LogLevel.UNDEFINED);
    }

    @Override
    public void log(String message) {
        log(message, LogLevel.UNDEFINED);
    }

    @Override
    public void log(byte[] message) {
        log(message, LogLevel.UNDEFINED);
    }

    @Override
    public void log(String message, LogLevel level) {
        if (isWanted(level)) {
            String text = isJson ? json(message, level) : text(message, level);
            write(text.getBytes(StandardCharsets.UTF_8), level);
        }
    }

    /** Bytes are taken as they are. */
    @Override
    public void log(byte[] message, LogLevel level) {
        if (isWanted(level)) {
            write(message, level);
        }
    }

    private boolean isWanted(LogLevel level) {
        return level == LogLevel.UNDEFINED || level.compareTo(least) >= 0;
    }

    private static String text(String message, LogLevel level) {
        return level == LogLevel.UNDEFINED ? message : "[" + level + "] " + message;
    }

    private String json(String message, LogLevel level) {
        Map<String, Object> record = new LinkedHashMap<>();
        DateTimeFormatter format = DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'");
        record.put("timestamp", format.withZone(ZoneOffset.UTC).format(Instant.now()));
        record.put("message", message);
        record.put("level", level.name());
        Event event = inHand;
        if (event != null) {
            record.put("AWSRequestId", event.id);
            record.put("tenantId", event.tenantId);
        }
        return new String(Writer.bytes(record), StandardCharsets.UTF_8) + "\n";
    }

    private synchronized void write(byte[] message, LogLevel level) {
        if (frames == null) {
            System.out.write(message, 0, message.length);
            System.out.flush();
            return;
        }
        Instant now = Instant.now();
        ByteBuffer frame = ByteBuffer.allocate(HEADER_BYTES + message.length);
        frame.putInt(FRAME | level.ordinal() << 2 | (isJson ? 0 : 1));
        frame.putInt(message.length);
        frame.putLong(now.getEpochSecond() * 1_000_000 + now.getNano() / 1000);
        frame.put(message);
        try {
            frames.write(frame.array());
        } catch (IOException e) {
            e.printStackTrace(); // the pipe is gone: standard error may be there
        }
    }

    /** Java offers no way from a number to a descriptor but its private constructor. */
    private static OutputStream open(String number) {
        if (number == null || number.isEmpty()) {
            return null;
        }
        try {
            Constructor<FileDescriptor> make =
                    FileDescriptor.class.getDeclaredConstructor(int.class);
            make.setAccessible(true);
            return new FileOutputStream(make.newInstance(Integer.parseInt(number)));
        } catch (ReflectiveOperationException | RuntimeException e) {
            return null; // java.io was not opened to us: a wrapper started another command
        }
    }
}
