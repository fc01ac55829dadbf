package stoker.json;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.reflect.Array;
import java.nio.ByteBuffer;
import java.util.Base64;
import java.util.Iterator;
import java.util.Map;
import java.util.Optional;

/** From values to JSON, in UTF-8. Members that are null are left out. */
public final class Writer {
    private static final String HEX = "0123456789ABCDEF";

    private final OutputStream out;
    private final boolean isAscii;
    private final byte[] buffer = new byte[1 << 12];
    private int size;

    private Writer(OutputStream out, boolean isAscii) {
        this.out = out;
        this.isAscii = isAscii;
    }

    public static void write(Object value, OutputStream out) throws IOException {
        Writer writer = new Writer(out, false);
        writer.value(value, false);
        writer.flush();
    }

    public static byte[] bytes(Object value) {
        return bytes(value, false);
    }

    /** All else escaped. */
    public static byte[] asciiBytes(Object value) {
        return bytes(value, true);
    }

    private static byte[] bytes(Object value, boolean isAscii) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try {
            Writer writer = new Writer(bytes, isAscii);
            writer.value(value, false);
            writer.flush();
        } catch (IOException e) {
            throw new IllegalStateException(e); // memory does not fail so
        }
        return bytes.toByteArray();
    }

    private void value(Object value, boolean seconds) throws IOException {
        if (value == null) {
            raw("null");
        } else if (value instanceof CharSequence || value instanceof Character) {
            string(value.toString());
        } else if (value instanceof Number) {
            number((Number) value);
        } else if (value instanceof Boolean) {
            raw(value.toString());
        } else if (value instanceof Enum) {
            string(((Enum<?>) value).name());
        } else if (value instanceof Map) {
            map((Map<?, ?>) value, seconds);
        } else if (value instanceof Iterable && !(value instanceof java.nio.file.Path)) {
            items(((Iterable<?>) value).iterator(), seconds);
        } else if (value instanceof Iterator) {
            items((Iterator<?>) value, seconds);
        } else if (value.getClass().isArray()) {
            array(value, seconds);
        } else if (value instanceof Optional) {
            value(((Optional<?>) value).orElse(null), seconds);
        } else {
            other(value, seconds);
        }
    }

    private void other(Object value, boolean seconds) throws IOException {
        Object time = Times.plain(value, seconds);
        if (time != null) {
            value(time, false);
        } else if (value instanceof ByteBuffer) {
            ByteBuffer bytes = ((ByteBuffer) value).duplicate();
            byte[] copy = new byte[bytes.remaining()];
            bytes.get(copy);
            string(Base64.getEncoder().encodeToString(copy));
        } else if (value instanceof Class) {
            string(((Class<?>) value).getName());
        } else if (value.getClass().getName().startsWith("java.")
                && !(value instanceof Throwable)) {
            string(value.toString()); // UUID, URI, Path, Locale, ZoneId, AtomicBoolean …
        } else {
            bean(value);
        }
    }

    private void bean(Object value) throws IOException {
        Bean bean = Bean.of(value.getClass());
        char before = '{';
        for (Bean.Property property : bean.properties()) {
            Object member = property.isReadable() ? property.get(value) : null;
            if (member != null) {
                put(before);
                string(property.member);
                put(':');
                value(member, bean.hasSeconds);
                before = ',';
            }
        }
        raw(before == '{' ? "{}" : "}");
    }

    private void map(Map<?, ?> map, boolean seconds) throws IOException {
        char before = '{';
        for (Map.Entry<?, ?> member : map.entrySet()) {
            if (member.getValue() == null) {
                continue;
            }
            put(before);
            Object key = member.getKey();
            string(key instanceof Enum ? ((Enum<?>) key).name() : String.valueOf(key));
            put(':');
            value(member.getValue(), seconds);
            before = ',';
        }
        raw(before == '{' ? "{}" : "}");
    }

    private void items(Iterator<?> items, boolean seconds) throws IOException {
        char before = '[';
        while (items.hasNext()) {
            put(before);
            value(items.next(), seconds);
            before = ',';
        }
        raw(before == '[' ? "[]" : "]");
    }

    private void array(Object array, boolean seconds) throws IOException {
        if (array instanceof byte[]) {
            string(Base64.getEncoder().encodeToString((byte[]) array));
            return;
        }
        if (array instanceof char[]) {
            string(new String((char[]) array));
            return;
        }
        put('[');
        int length = Array.getLength(array);
        for (int i = 0; i < length; i++) {
            if (i > 0) {
                put(',');
            }
            value(Array.get(array, i), seconds);
        }
        put(']');
    }

    private void number(Number value) throws IOException {
        boolean isFloating = value instanceof Double || value instanceof Float;
        double rough = isFloating ? value.doubleValue() : 0;
        if (Double.isNaN(rough) || Double.isInfinite(rough)) {
            string(value.toString());
        } else {
            raw(value.toString());
        }
    }

    private void string(String text) throws IOException {
        put('"');
        int length = text.length();
        for (int i = 0; i < length; i++) {
            char c = text.charAt(i);
            if (c < 0x20 || c == '"' || c == '\\') {
                escape(c);
            } else if (c < 0x7f) {
                put(c);
            } else if (isAscii || Character.isSurrogate(c)) {
                unicode(c); // as Jackson does beyond the basic plane
            } else {
                utf8(c);
            }
        }
        put('"');
    }

    private void escape(char c) throws IOException {
        int place = "\"\\\b\f\n\r\t".indexOf(c);
        if (place < 0) {
            unicode(c);
        } else {
            put('\\');
            put("\"\\bfnrt".charAt(place));
        }
    }

    private void unicode(char c) throws IOException {
        raw("\\u");
        for (int shift = 12; shift >= 0; shift -= 4) {
            put(HEX.charAt(c >> shift & 15));
        }
    }

    private void utf8(char c) throws IOException {
        if (c < 0x80) {
            put(c);
        } else if (c < 0x800) {
            octet(0xc0 | c >> 6);
            octet(0x80 | c & 0x3f);
        } else {
            octet(0xe0 | c >> 12);
            octet(0x80 | c >> 6 & 0x3f);
            octet(0x80 | c & 0x3f);
        }
    }

    private void raw(String ascii) throws IOException {
        for (int i = 0; i < ascii.length(); i++) {
            put(ascii.charAt(i));
        }
    }

    private void put(char ascii) throws IOException {
        octet(ascii);
    }

    private void octet(int octet) throws IOException {
        if (size == buffer.length) {
            flush();
        }
        buffer[size++] = (byte) octet;
    }

    private void flush() throws IOException {
        out.write(buffer, 0, size);
        size = 0;
    }
}
