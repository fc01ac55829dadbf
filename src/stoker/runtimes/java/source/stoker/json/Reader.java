package stoker.json;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * JSON as plain values: LinkedHashMap, ArrayList, String, Boolean, null; Integer, Long or
 * BigInteger as the number needs. Other numbers stay BigDecimal until their type is known.
 */
public final class Reader {
    private static final int DEEPEST = 1000; // as Jackson's; the stack bears it

    private final String text;
    private int at;

    private Reader(String text) {
        this.text = text;
    }

    public static Object read(byte[] json) {
        Reader reader = new Reader(new String(json, StandardCharsets.UTF_8));
        reader.skip();
        if (reader.at == reader.text.length()) {
            return null; // an event without a body
        }
        Object value = reader.value(0);
        reader.skip();
        if (reader.at < reader.text.length()) {
            throw reader.unexpected();
        }
        return value;
    }

    private Object value(int depth) {
        if (depth > DEEPEST) {
            throw new Malformed("JSON is nested deeper than " + DEEPEST);
        }
        switch (peek()) {
            case '{':
                return object(depth);
            case '[':
                return array(depth);
            case '"':
                return string();
            case 't':
                return word("true", Boolean.TRUE);
            case 'f':
                return word("false", Boolean.FALSE);
            case 'n':
                return word("null", null);
            default:
                return number();
        }
    }

    private Map<String, Object> object(int depth) {
        Map<String, Object> members = new LinkedHashMap<>();
        at++;
        skip();
        if (peek() == '}') {
            at++;
            return members;
        }
        while (true) {
            skip();
            if (peek() != '"') {
                throw unexpected();
            }
            String name = string();
            skip();
            take(':');
            skip();
            members.put(name, value(depth + 1));
            skip();
            if (peek() == '}') {
                at++;
                return members;
            }
            take(',');
        }
    }

    private List<Object> array(int depth) {
        List<Object> items = new ArrayList<>();
        at++;
        skip();
        if (peek() == ']') {
            at++;
            return items;
        }
        while (true) {
            skip();
            items.add(value(depth + 1));
            skip();
            if (peek() == ']') {
                at++;
                return items;
            }
            take(',');
        }
    }

    private String string() {
        int from = ++at;
        while (at < text.length()) {
            char c = text.charAt(at);
            if (c == '"') {
                return text.substring(from, at++);
            }
            if (c == '\\') {
                return escaped(from);
            }
            at++;
        }
        throw unexpected();
    }

    private String escaped(int from) {
        StringBuilder built = new StringBuilder(text.length() < from + 64 ? 64 : at - from + 64);
        built.append(text, from, at);
        while (at < text.length()) {
            char c = text.charAt(at++);
            if (c == '"') {
                return built.toString();
            }
            built.append(c == '\\' ? escape() : c);
        }
        throw unexpected();
    }

    private char escape() {
        char c = peek();
        at++;
        switch (c) {
            case 'b':
                return '\b';
            case 'f':
                return '\f';
            case 'n':
                return '\n';
            case 'r':
                return '\r';
            case 't':
                return '\t';
            case 'u':
                if (at + 4 > text.length()) {
                    throw unexpected();
                }
                at += 4;
                return (char) Integer.parseInt(text.substring(at - 4, at), 16);
            default:
                return c; // the quote, the slashes
        }
    }

    private Object number() {
        int from = at;
        boolean isWhole = true;
        while (at < text.length()) {
            char c = text.charAt(at);
            if (c == '.' || c == 'e' || c == 'E') {
                isWhole = false;
            } else if (c != '-' && c != '+' && (c < '0' || c > '9')) {
                break;
            }
            at++;
        }
        String digits = text.substring(from, at);
        try {
            if (isWhole) {
                return whole(digits);
            }
            BigDecimal value = new BigDecimal(digits);
            return value.signum() == 0 && digits.charAt(0) == '-' ? (Object) (-0.0) : value;
        } catch (NumberFormatException e) {
            at = from;
            throw unexpected();
        }
    }

    private static Object whole(String digits) {
        if (digits.length() < 19) {
            long value = Long.parseLong(digits);
            if (value == (int) value) {
                return (int) value;
            }
            return value;
        }
        BigInteger value = new BigInteger(digits);
        return value.bitLength() < Long.SIZE ? (Object) value.longValue() : value;
    }

    private Object word(String word, Object value) {
        if (!text.startsWith(word, at)) {
            throw unexpected();
        }
        at += word.length();
        return value;
    }

    private void skip() {
        while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
    }

    private void take(char c) {
        if (peek() != c) {
            throw unexpected();
        }
        at++;
    }

    private char peek() {
        if (at >= text.length()) {
            throw unexpected();
        }
        return text.charAt(at);
    }

    private Malformed unexpected() {
        String what = at < text.length() ? "character '" + text.charAt(at) + "'" : "end of input";
        return new Malformed("Unexpected " + what + " at offset " + at);
    }
}
