package stoker.json;

import java.lang.reflect.Array;
import java.lang.reflect.GenericArrayType;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.lang.reflect.WildcardType;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;

/** Generic types, with their variables resolved as far as somebody said what they are. */
public final class Types {
    private Types() {}

    /** What `type` gives for the parameters of `wanted`, a supertype; null if it says nothing. */
    public static Type[] argumentsOf(Type type, Class<?> wanted) {
        Map<TypeVariable<?>, Type> known = variables(type);
        Class<?> raw = raw(type);
        if (raw == wanted) {
            return type instanceof ParameterizedType
                    ? ((ParameterizedType) type).getActualTypeArguments() : null;
        }
        for (Type parent : raw.getGenericInterfaces()) {
            Type[] found = inherited(parent, wanted, known);
            if (found != null) {
                return found;
            }
        }
        Type parent = raw.getGenericSuperclass();
        return parent == null ? null : inherited(parent, wanted, known);
    }

    private static Type[] inherited(Type parent, Class<?> wanted,
            Map<TypeVariable<?>, Type> known) {
        return wanted.isAssignableFrom(raw(parent))
                ? argumentsOf(resolved(parent, known), wanted) : null;
    }

    /** What each variable of a parameterized type, and of the classes above it, stands for. */
    static Map<TypeVariable<?>, Type> variables(Type type) {
        if (!(type instanceof ParameterizedType)) {
            return Collections.emptyMap();
        }
        Map<TypeVariable<?>, Type> known = new HashMap<>();
        Type[] arguments = ((ParameterizedType) type).getActualTypeArguments();
        TypeVariable<?>[] parameters = raw(type).getTypeParameters();
        for (int i = 0; i < parameters.length; i++) {
            known.put(parameters[i], arguments[i]);
        }
        return known;
    }

    static Type resolved(Type type, Map<TypeVariable<?>, Type> known) {
        if (type instanceof TypeVariable) {
            Type found = known.get(type);
            return found == null ? type : found;
        }
        if (type instanceof GenericArrayType) {
            Type item = resolved(((GenericArrayType) type).getGenericComponentType(), known);
            return new Made(Array.newInstance(raw(item), 0).getClass(), item);
        }
        if (type instanceof ParameterizedType && !known.isEmpty()) {
            Type[] arguments = ((ParameterizedType) type).getActualTypeArguments();
            Type[] found = new Type[arguments.length];
            for (int i = 0; i < arguments.length; i++) {
                found[i] = resolved(arguments[i], known);
            }
            return new Made(raw(type), found);
        }
        return type;
    }

    static Class<?> raw(Type type) {
        if (type instanceof Class) {
            return (Class<?>) type;
        }
        if (type instanceof ParameterizedType) {
            return (Class<?>) ((ParameterizedType) type).getRawType();
        }
        if (type instanceof GenericArrayType) {
            Class<?> item = raw(((GenericArrayType) type).getGenericComponentType());
            return Array.newInstance(item, 0).getClass();
        }
        return bound(type);
    }

    /** What a variable or a wildcard is at least. */
    public static Class<?> bound(Type type) {
        if (type instanceof TypeVariable) {
            return raw(((TypeVariable<?>) type).getBounds()[0]);
        }
        if (type instanceof WildcardType) {
            return raw(((WildcardType) type).getUpperBounds()[0]);
        }
        return raw(type);
    }

    /** The type of an array's items. */
    static Type item(Type array) {
        if (array instanceof GenericArrayType) {
            return ((GenericArrayType) array).getGenericComponentType();
        }
        if (array instanceof Made) {
            return ((Made) array).arguments[0];
        }
        return raw(array).getComponentType();
    }

    private static final class Made implements ParameterizedType {
        final Class<?> type;
        final Type[] arguments;

        Made(Class<?> type, Type... arguments) {
            this.type = type;
            this.arguments = arguments;
        }

        @Override
        public Type[] getActualTypeArguments() {
            return arguments.clone();
        }

        @Override
        public Type getRawType() {
            return type;
        }

        @Override
        public Type getOwnerType() {
            return type.getDeclaringClass();
        }
    }
}
