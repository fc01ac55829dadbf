package stoker;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/**
 * One event against a Runtime API of our own: what every function loads is loaded then, and the
 * JVM that was told to (-XX:ArchiveClassesAtExit) keeps it, so that later ones need not read it.
 */
public final class Rehearsal {
    private static final String EVENT = "{\"text\":\"\\u00e4\",\"number\":1.5,\"list\":[1,null]}";

    private Rehearsal() {}

    /** A handler of the most usual kind. */
    public static final class Echo implements RequestHandler<Map<String, Object>, Object> {
        @Override
        public Object handleRequest(Map<String, Object> input, Context context) {
            context.getLogger().log("");
            return input;
        }
    }

    public static void main(String[] arguments) throws Exception {
        try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            Thread api = new Thread() {
                @Override
                public void run() {
                    try (Socket socket = server.accept()) {
                        answer(socket);
                    } catch (IOException e) {
                        throw new IllegalStateException(e);
                    }
                }
            };
            api.start();
            Settings settings =
                    Settings.of("127.0.0.1:" + server.getLocalPort(), Echo.class.getName());
            try {
                Main.run(settings);
            } catch (Wire.Lost end) {
                api.join();
            }
        }
    }

    private static void answer(Socket socket) throws IOException {
        byte[] body = EVENT.getBytes(StandardCharsets.UTF_8);
        String head = "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: 1\r\n"
                + "Lambda-Runtime-Deadline-Ms: 0\r\nContent-Length: " + body.length + "\r\n\r\n";
        byte[] taken = new byte[1 << 12];
        InputStream in = socket.getInputStream();
        in.read(taken);
        socket.getOutputStream().write(head.getBytes(StandardCharsets.UTF_8));
        socket.getOutputStream().write(body);
        in.read(taken);
    }
}
