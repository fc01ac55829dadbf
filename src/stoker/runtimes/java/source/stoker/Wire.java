package stoker;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** The Runtime API over one connection, by hand: a tenth of what HttpURLConnection loads. */
final class Wire implements Closeable {
    private static final String BASE = "/2018-06-01/runtime";
    private static final int LONGEST_LINE = 1 << 20; // of a head; the Runtime API's are far below
    private static final int LONGEST_CAUSE = 64 << 10;

    private final String address;
    private Socket socket;
    private InputStream in;
    private OutputStream out;
    private boolean hasAsked; // for the next event
    private String loaded = "";

    Wire(String address) {
        this.address = address;
    }

    /** The Runtime API is gone: nothing can be told any more. */
    static final class Lost extends IOException {
        private static final long serialVersionUID = 1;

        Lost(String message) {
            super(message);
        }
    }

    Event next() throws IOException {
        if (!hasAsked) {
            send(question("/invocation/next", loaded), null, "");
            loaded = "";
        }
        hasAsked = false;
        return receive();
    }

    /** How long the function's own code took to load: said with the first question. */
    void tellLoaded(double ms) {
        loaded = "Stoker-Function-Init-Ms: " + ms + "\r\n";
    }

    /**
     * Answered once the process goes on from a snapshot: in a copy of this process, whose connection
     * leads nowhere, so that it asks again on one of its own.
     */
    void awaitRestore() throws IOException {
        try {
            send(question("/restore/next", ""), null, "");
            receive();
        } catch (IOException lost) {
            close();
            socket = null;
            send(question("/restore/next", ""), null, "");
            receive();
        }
    }

    /** The answer to an event; the question for the next one travels with it. */
    void answer(String path, Output body) throws IOException {
        send(head(path, "", body.size()), body, question("/invocation/next", ""));
        hasAsked = true;
        receive();
    }

    /** type: one of AWS's names. cause: what X-Ray is told; may be null. */
    void postError(String path, byte[] body, String type, byte[] cause) throws IOException {
        StringBuilder headers = new StringBuilder();
        headers.append("Lambda-Runtime-Function-Error-Type: ").append(type).append("\r\n");
        if (cause != null && cause.length <= LONGEST_CAUSE) {
            headers.append("Lambda-Runtime-Function-XRay-Error-Cause: ");
            headers.append(new String(cause, StandardCharsets.ISO_8859_1)).append("\r\n");
        }
        Output output = new Output();
        output.write(body);
        send(head(path, headers.toString(), body.length), output, "");
        receive();
    }

    private String question(String path, String header) {
        return "GET " + BASE + path + " HTTP/1.1\r\nHost: " + address + "\r\n" + header + "\r\n";
    }

    private String head(String path, String headers, int length) {
        return "POST " + BASE + path + " HTTP/1.1\r\nHost: " + address
                + "\r\nContent-Type: application/json\r\n" + headers
                + "Content-Length: " + length + "\r\n\r\n";
    }

    private void send(String head, Output body, String next) throws IOException {
        if (socket == null) {
            int colon = address.lastIndexOf(':');
            int port = Integer.parseInt(address.substring(colon + 1));
            socket = new Socket();
            socket.setTcpNoDelay(true);
            socket.connect(new InetSocketAddress(address.substring(0, colon), port));
            in = new BufferedInputStream(socket.getInputStream(), 1 << 16);
            out = new BufferedOutputStream(socket.getOutputStream(), 1 << 13);
        }
        out.write(head.getBytes(StandardCharsets.ISO_8859_1));
        if (body != null) {
            body.sendTo(out);
        }
        out.write(next.getBytes(StandardCharsets.ISO_8859_1));
        out.flush();
    }

    private Event receive() throws IOException {
        int status = Integer.parseInt(line().split(" ", 3)[1]);
        List<String> headers = new ArrayList<>();
        int length = 0;
        boolean isChunked = false;
        for (String line = line(); !line.isEmpty(); line = line()) {
            int colon = line.indexOf(':');
            String name = line.substring(0, colon).toLowerCase(Locale.ROOT);
            String value = line.substring(colon + 1).trim();
            if (name.equals("content-length")) {
                length = Integer.parseInt(value);
            } else if (name.equals("transfer-encoding")) {
                isChunked = value.equalsIgnoreCase("chunked");
            }
            headers.add(name);
            headers.add(value);
        }
        Event event = new Event(isChunked ? chunks() : exactly(length));
        if (status == 403) { // the environment was reset: another process has its place
            throw new Lost("the Runtime API refuses this process");
        }
        for (int i = 0; i < headers.size(); i += 2) {
            event.take(headers.get(i), headers.get(i + 1));
        }
        return event;
    }

    private byte[] chunks() throws IOException {
        Output whole = new Output();
        while (true) {
            byte[] chunk = exactly(Integer.parseInt(line(), 16));
            line();
            if (chunk.length == 0) {
                return whole.toByteArray();
            }
            whole.write(chunk);
        }
    }

    private byte[] exactly(int length) throws IOException {
        byte[] bytes = new byte[length];
        int have = 0;
        while (have < length) {
            int size = in.read(bytes, have, length - have);
            if (size < 0) {
                throw new Lost("the Runtime API closed the connection");
            }
            have += size;
        }
        return bytes;
    }

    /** Up to \r\n, as Latin-1 unless it is UTF-8: header values of clients may be. */
    private String line() throws IOException {
        byte[] bytes = new byte[256];
        int size = 0;
        for (int c = in.read(); c != '\n'; c = in.read()) {
            if (c < 0 || size == LONGEST_LINE) {
                throw new Lost("the Runtime API closed the connection");
            }
            if (size == bytes.length) {
                bytes = Arrays.copyOf(bytes, 2 * size);
            }
            bytes[size++] = (byte) c;
        }
        return new String(bytes, 0, size > 0 ? size - 1 : 0, StandardCharsets.UTF_8);
    }

    @Override
    public void close() throws IOException {
        if (socket != null) {
            socket.close();
        }
    }
}
