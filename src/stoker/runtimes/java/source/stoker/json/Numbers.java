package stoker.json;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** Numbers, booleans and characters. What has a fraction is cut off where a whole is asked for. */
final class Numbers {
    private Numbers() {}

    static Object bind(Object value, Class<?> raw) {
        if (raw == boolean.class || raw == Boolean.class) {
            return truth(value, raw);
        }
        if (raw == char.class || raw == Character.class) {
            return character(value, raw);
        }
        Object number = value;
        if (value instanceof String) {
            String text = ((String) value).trim();
            if (text.isEmpty()) {
                return raw.isPrimitive() ? bind(0, raw) : null;
            }
            if (isSpecial(text) && isFloating(raw)) {
                return floating(Double.valueOf(text), raw);
            }
            number = parsed(text, raw);
        }
        if (!(number instanceof Number)) {
            throw Binding.unfit(value, raw);
        }
        return ofNumber((Number) number, raw);
    }

    private static Object ofNumber(Number number, Class<?> raw) {
        if (isFloating(raw)) {
            return floating(number.doubleValue(), raw);
        }
        if (raw == BigDecimal.class) {
            return number instanceof BigDecimal ? number : new BigDecimal(number.toString());
        }
        if (raw == BigInteger.class) {
            return number instanceof BigDecimal ? ((BigDecimal) number).toBigInteger()
                    : new BigInteger(number.toString());
        }
        if (raw == Number.class) {
            return number instanceof BigDecimal ? (Object) number.doubleValue() : number;
        }
        if (raw == int.class || raw == Integer.class) {
            return (int) whole(number, Integer.MIN_VALUE, Integer.MAX_VALUE, raw);
        }
        if (raw == long.class || raw == Long.class) {
            return whole(number, Long.MIN_VALUE, Long.MAX_VALUE, raw);
        }
        if (raw == short.class || raw == Short.class) {
            return (short) whole(number, Short.MIN_VALUE, Short.MAX_VALUE, raw);
        }
        if (raw == byte.class || raw == Byte.class) {
            return (byte) whole(number, Byte.MIN_VALUE, 255, raw);
        }
        if (raw == AtomicInteger.class) {
            return new AtomicInteger(
                    (int) whole(number, Integer.MIN_VALUE, Integer.MAX_VALUE, raw));
        }
        if (raw == AtomicLong.class) {
            return new AtomicLong(whole(number, Long.MIN_VALUE, Long.MAX_VALUE, raw));
        }
        throw Binding.unfit(number, raw);
    }

    private static long whole(Number number, long least, long most, Class<?> raw) {
        double rough = number.doubleValue();
        long value = number instanceof BigDecimal ? (long) rough : number.longValue();
        boolean isBeyond = number instanceof BigInteger || rough > Long.MAX_VALUE
                || rough < Long.MIN_VALUE;
        if (isBeyond || value < least || value > most) {
            throw new Malformed("Numeric value (" + number + ") out of range of " + raw.getName());
        }
        return value;
    }

    private static boolean isFloating(Class<?> raw) {
        return raw == double.class || raw == Double.class || raw == float.class
                || raw == Float.class;
    }

    private static Object floating(double value, Class<?> raw) {
        if (raw == float.class || raw == Float.class) {
            return (float) value;
        }
        return value;
    }

    private static boolean isSpecial(String text) {
        return text.equals("NaN") || text.equals("Infinity") || text.equals("-Infinity");
    }

    private static Object parsed(String text, Class<?> raw) {
        try {
            BigDecimal value = new BigDecimal(text);
            if (value.scale() != 0) {
                return value;
            }
            BigInteger whole = value.unscaledValue();
            return whole.bitLength() < Long.SIZE ? (Object) whole.longValue() : whole;
        } catch (NumberFormatException e) {
            throw new Malformed("Cannot deserialize value of type `" + raw.getName()
                    + "` from String \"" + text + "\"", e);
        }
    }

    private static Object truth(Object value, Class<?> raw) {
        if (value instanceof Boolean) {
            return value;
        }
        if (value instanceof Integer) {
            return (Integer) value != 0;
        }
        if ("true".equalsIgnoreCase(String.valueOf(value))) {
            return true;
        }
        if ("false".equalsIgnoreCase(String.valueOf(value))) {
            return false;
        }
        if ("".equals(value)) {
            return raw.isPrimitive() ? false : null;
        }
        throw Binding.unfit(value, raw);
    }

    private static Object character(Object value, Class<?> raw) {
        if (value instanceof Integer) {
            return (char) (int) (Integer) value;
        }
        String text = value instanceof String ? (String) value : "..";
        if (text.length() > 1) {
            throw Binding.unfit(value, raw);
        }
        return text.isEmpty() ? raw.isPrimitive() ? (Object) '\0' : null : text.charAt(0);
    }
}
