package stoker.json;

import java.lang.reflect.Array;
import java.lang.reflect.Type;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.net.URI;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.Collections;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;

/**
 * From JSON to the type that a handler asks for, as forgiving as AWS's settings of Jackson are:
 * unknown members and unknown names of enumerations are passed over, a single value is also a
 * list, "" is no object, and text is read as the number that it shows.
 */
public final class Binding {
    private Binding() {}

    public static Object read(byte[] json, Type type) {
        return bind(Reader.read(json), type, Names.isOfAws(Types.raw(type)));
    }

    /** seconds: of a time that is given as a number; else milliseconds. */
    static Object bind(Object value, Type type, boolean seconds) {
        Class<?> raw = Types.raw(type);
        if (raw == Object.class) {
            return plain(value);
        }
        if (value == null) {
            return raw.isPrimitive() ? Array.get(Array.newInstance(raw, 1), 0)
                    : raw == Optional.class ? Optional.empty() : null;
        }
        if (raw == Optional.class) {
            Type[] inner = Types.argumentsOf(type, Optional.class);
            return Optional.ofNullable(
                    bind(value, inner == null ? Object.class : inner[0], seconds));
        }
        if (raw == byte[].class && value instanceof String) {
            return Base64.getMimeDecoder().decode((String) value);
        }
        if (raw == char[].class && value instanceof String) {
            return ((String) value).toCharArray();
        }
        if (raw.isArray()) {
            return array(items(value), Types.item(type), seconds);
        }
        if (Collection.class.isAssignableFrom(raw) || raw == Iterable.class) {
            return collection(items(value), type, raw, seconds);
        }
        Object single = unwrapped(value);
        if (single instanceof List && ((List<?>) single).isEmpty() && !raw.isPrimitive()
                && raw != String.class && !Number.class.isAssignableFrom(raw)) {
            return null; // PHP's empty object
        }
        if (Map.class.isAssignableFrom(raw)) {
            return map(single, type, raw, seconds);
        }
        return scalar(single, raw, type, seconds);
    }

    private static Object scalar(Object value, Class<?> raw, Type type, boolean seconds) {
        if (raw == String.class || raw == CharSequence.class) {
            return text(value, raw);
        }
        if (raw.isPrimitive() || Number.class.isAssignableFrom(raw) || raw == Boolean.class
                || raw == Character.class) {
            return Numbers.bind(value, raw);
        }
        if (raw.isEnum()) {
            return constant(value, raw);
        }
        Object known = Times.bind(value, raw, seconds);
        if (known == null) {
            known = wellKnown(value, raw);
        }
        if (known != null) {
            return known;
        }
        if (value instanceof Map) {
            return Bean.of(raw).make((Map<?, ?>) value, type);
        }
        if ("".equals(value)) {
            return null;
        }
        throw unfit(value, raw);
    }

    /** What has no type is what Jackson makes of it. */
    private static Object plain(Object value) {
        if (value instanceof BigDecimal) {
            return ((BigDecimal) value).doubleValue();
        }
        if (value instanceof List) {
            @SuppressWarnings("unchecked")
            List<Object> items = (List<Object>) value;
            for (int i = 0; i < items.size(); i++) {
                items.set(i, plain(items.get(i)));
            }
        } else if (value instanceof Map) {
            @SuppressWarnings("unchecked")
            Map<String, Object> members = (Map<String, Object>) value;
            for (Map.Entry<String, Object> member : members.entrySet()) {
                member.setValue(plain(member.getValue()));
            }
        }
        return value;
    }

    private static List<?> items(Object value) {
        return value instanceof List ? (List<?>) value : Collections.singletonList(value);
    }

    private static Object unwrapped(Object value) {
        if (!(value instanceof List)) {
            return value;
        }
        List<?> items = (List<?>) value;
        return items.size() == 1 ? items.get(0) : items;
    }

    private static Object array(List<?> items, Type item, boolean seconds) {
        Object array = Array.newInstance(Types.raw(item), items.size());
        for (int i = 0; i < items.size(); i++) {
            Array.set(array, i, bind(items.get(i), item, seconds));
        }
        return array;
    }

    private static Object collection(List<?> items, Type type, Class<?> raw, boolean seconds) {
        Type[] arguments = Types.argumentsOf(type, Collection.class);
        Type item = arguments == null ? Object.class : arguments[0];
        Collection<Object> made = emptyCollection(raw);
        for (Object each : items) {
            made.add(bind(each, item, seconds));
        }
        return made;
    }

    @SuppressWarnings("unchecked")
    private static Collection<Object> emptyCollection(Class<?> raw) {
        if (raw.isAssignableFrom(ArrayList.class)) {
            return new ArrayList<>();
        }
        if (raw == Set.class) {
            return new HashSet<>();
        }
        if (raw.isInterface() && SortedSet.class.isAssignableFrom(raw)) {
            return new TreeSet<>();
        }
        if (raw == Deque.class || raw == Queue.class) {
            return new ArrayDeque<>();
        }
        return (Collection<Object>) Bean.of(raw).make(Collections.emptyMap(), raw);
    }

    private static Object map(Object value, Type type, Class<?> raw, boolean seconds) {
        if ("".equals(value)) {
            return null;
        }
        if (!(value instanceof Map)) {
            throw unfit(value, raw);
        }
        Type[] arguments = Types.argumentsOf(type, Map.class);
        Type key = arguments == null ? Object.class : arguments[0];
        Type item = arguments == null ? Object.class : arguments[1];
        Map<Object, Object> made = emptyMap(raw);
        for (Map.Entry<?, ?> member : ((Map<?, ?>) value).entrySet()) {
            made.put(bind(member.getKey(), key, seconds), bind(member.getValue(), item, seconds));
        }
        return made;
    }

    @SuppressWarnings("unchecked")
    private static Map<Object, Object> emptyMap(Class<?> raw) {
        if (raw.isAssignableFrom(LinkedHashMap.class)) {
            return new LinkedHashMap<>();
        }
        if (raw.isInterface() && SortedMap.class.isAssignableFrom(raw)) {
            return new TreeMap<>();
        }
        return (Map<Object, Object>) Bean.of(raw).make(Collections.emptyMap(), raw);
    }

    private static String text(Object value, Class<?> raw) {
        if (value instanceof Map || value instanceof List) {
            throw unfit(value, raw);
        }
        return value.toString();
    }

    private static Object constant(Object value, Class<?> raw) {
        Object[] constants = raw.getEnumConstants();
        if (value instanceof Integer) {
            int place = (Integer) value;
            return place >= 0 && place < constants.length ? constants[place] : null;
        }
        for (Object constant : constants) {
            if (((Enum<?>) constant).name().equals(value)) {
                return constant;
            }
        }
        if (value instanceof String) {
            return null;
        }
        throw unfit(value, raw);
    }

    /** Null if there is nothing to know of this type. */
    private static Object wellKnown(Object value, Class<?> raw) {
        if (!(value instanceof String) || ((String) value).isEmpty()) {
            return null;
        }
        String text = (String) value;
        if (raw == ByteBuffer.class) {
            return ByteBuffer.wrap(Base64.getMimeDecoder().decode(text));
        }
        try {
            if (raw == UUID.class) {
                return UUID.fromString(text);
            }
            return raw == URI.class ? URI.create(text) : null;
        } catch (IllegalArgumentException e) {
            throw new Malformed("Cannot read " + raw.getName() + ": " + e.getMessage(), e);
        }
    }

    static Malformed unfit(Object value, Class<?> type) {
        String what = value instanceof Map ? "Object" : value instanceof List ? "Array"
                : value instanceof String ? "String" : value instanceof Boolean ? "Boolean"
                : value instanceof BigInteger || value instanceof Number ? "Number" : "value";
        return new Malformed(
                "Cannot deserialize value of type `" + type.getName() + "` from " + what + " value");
    }
}
