package stoker.json;

import java.lang.reflect.AccessibleObject;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What a class is as a JSON object: its properties, in the order of its fields, and how one is
 * made. The rules are those that AWS's client gives to Jackson: public getters, setters of any
 * visibility, public fields; for a record its components. Annotations are not looked at.
 */
final class Bean {
    private static final Map<Class<?>, Bean> KNOWN = new ConcurrentHashMap<>();

    final Class<?> type;
    final boolean hasSeconds; // how times are told in it
    private final Map<String, Property> properties = new LinkedHashMap<>(); // by member
    private final List<Property> parameters; // of the constructor that takes all; else null

    private Bean(Class<?> type) {
        this.type = type;
        hasSeconds = Names.isOfAws(type);
        Class<?> parent = type.getSuperclass();
        if (parent != null && parent.getName().equals("java.lang.Record")) {
            parameters = components();
            return;
        }
        List<Property> fields = new ArrayList<>();
        addFields(type, fields);
        addMethods();
        properties.values().removeIf(Property::isHidden);
        parameters = Names.isImmutable(type) ? fields : null;
    }

    static Bean of(Class<?> type) {
        Bean known = KNOWN.get(type);
        if (known == null) {
            known = new Bean(type);
            KNOWN.put(type, known);
        }
        return known;
    }

    Collection<Property> properties() {
        return properties.values();
    }

    Object make(Map<?, ?> members, Type whole) {
        Map<TypeVariable<?>, Type> known = Types.variables(whole);
        if (parameters != null) {
            return makeAtOnce(members, known);
        }
        Object made = empty();
        for (Map.Entry<?, ?> entry : members.entrySet()) {
            Property property = properties.get(entry.getKey());
            if (property != null) {
                property.set(made, entry.getValue(), known, hasSeconds);
            }
        }
        return made;
    }

    private Object makeAtOnce(Map<?, ?> members, Map<TypeVariable<?>, Type> known) {
        Constructor<?> constructor = constructor(parameters.size());
        Type[] types = constructor.getGenericParameterTypes();
        Object[] values = new Object[types.length];
        for (int i = 0; i < types.length; i++) {
            Property property = parameters.get(i);
            Type wanted = Types.resolved(types[i], known);
            values[i] = Binding.bind(members.get(property.member), wanted, hasSeconds);
        }
        return create(constructor, values);
    }

    private Object empty() {
        if (type.isInterface() || Modifier.isAbstract(type.getModifiers())) {
            throw new Malformed("Cannot construct instance of `" + type.getName()
                    + "`: it is abstract");
        }
        try {
            return create(open(type.getDeclaredConstructor()));
        } catch (NoSuchMethodException e) {
            throw new Malformed("Cannot construct instance of `" + type.getName()
                    + "`: it has no constructor without parameters", e);
        }
    }

    private static Object create(Constructor<?> constructor, Object... values) {
        try {
            return constructor.newInstance(values);
        } catch (InvocationTargetException e) {
            throw new Malformed("Cannot construct instance of `"
                    + constructor.getDeclaringClass().getName() + "`, problem: "
                    + e.getCause().getMessage(), e.getCause());
        } catch (ReflectiveOperationException e) {
            throw new Malformed("Cannot construct instance of `"
                    + constructor.getDeclaringClass().getName() + "`", e);
        }
    }

    /** Of a record the canonical one: the only one with these very types in this order. */
    private Constructor<?> constructor(int size) {
        for (Constructor<?> constructor : type.getDeclaredConstructors()) {
            Class<?>[] types = constructor.getParameterTypes();
            boolean isIt = types.length == size;
            for (int i = 0; isIt && i < size && !Names.isImmutable(type); i++) {
                isIt = types[i] == Types.raw(parameters.get(i).declared);
            }
            if (isIt) {
                return open(constructor);
            }
        }
        throw new Malformed("Cannot construct instance of `" + type.getName() + "`");
    }

    /** Records are younger than the oldest Java that this is compiled for. */
    private List<Property> components() {
        List<Property> found = new ArrayList<>();
        try {
            Object[] all = (Object[]) Class.class.getMethod("getRecordComponents").invoke(type);
            for (Object component : all) {
                Class<?> kind = component.getClass();
                String name = (String) kind.getMethod("getName").invoke(component);
                Property property = property(name);
                property.declared = (Type) kind.getMethod("getGenericType").invoke(component);
                property.getter = open((Method) kind.getMethod("getAccessor").invoke(component));
                found.add(property);
            }
        } catch (ReflectiveOperationException e) {
            throw new Malformed("Cannot look into `" + type.getName() + "`", e);
        }
        return found;
    }

    private void addFields(Class<?> from, List<Property> found) {
        if (from == null || from == Object.class) {
            return;
        }
        addFields(from.getSuperclass(), found);
        for (Field field : from.getDeclaredFields()) {
            int modifiers = field.getModifiers();
            if (Modifier.isStatic(modifiers) || field.isSynthetic()) {
                continue;
            }
            Property property = property(field.getName());
            property.declared = field.getGenericType();
            found.add(property);
            if (Modifier.isPublic(modifiers) && !Modifier.isTransient(modifiers)) {
                property.field = open(field);
            }
        }
    }

    private void addMethods() {
        for (Class<?> from = type; from != null && from != Object.class;
                from = from.getSuperclass()) {
            for (Method method : from.getDeclaredMethods()) {
                if (!Modifier.isStatic(method.getModifiers()) && !method.isBridge()
                        && !method.isSynthetic()) {
                    addMethod(method);
                }
            }
        }
        for (Class<?> contract : type.getInterfaces()) {
            for (Method method : contract.getMethods()) {
                if (method.isDefault()) {
                    addMethod(method);
                }
            }
        }
    }

    private void addMethod(Method method) {
        String name = method.getName();
        Class<?> result = method.getReturnType();
        int count = method.getParameterCount();
        if (count == 1 && name.length() > 3 && name.startsWith("set")) {
            Property property = property(decapitalized(name.substring(3)));
            if (property.prefers(method)) {
                property.setter = open(method);
            }
        } else if (count == 0 && result != void.class && Modifier.isPublic(method.getModifiers())) {
            boolean isIs = name.length() > 2 && name.startsWith("is")
                    && (result == boolean.class || result == Boolean.class);
            if (isIs || (name.length() > 3 && name.startsWith("get"))) {
                Property property = property(decapitalized(name.substring(isIs ? 2 : 3)));
                if (property.getter == null) {
                    property.getter = open(method);
                }
            }
        }
    }

    private Property property(String name) {
        String member = Names.member(type, name);
        Property property = properties.get(member);
        if (property == null) {
            property = new Property(member);
            properties.put(member, property);
        }
        return property;
    }

    /** As java.beans does: "URL" stays. */
    private static String decapitalized(String name) {
        if (name.length() > 1 && Character.isUpperCase(name.charAt(1))
                && Character.isUpperCase(name.charAt(0))) {
            return name;
        }
        return Character.toLowerCase(name.charAt(0)) + name.substring(1);
    }

    private static <T extends AccessibleObject> T open(T part) {
        try {
            part.setAccessible(true);
        } catch (RuntimeException e) {
            return part; // of the JDK's own: what is public can be used as it is
        }
        return part;
    }

    /** One member of the object. */
    static final class Property {
        final String member;
        Method getter;
        private Method setter;
        private Field field;
        private Type declared; // of the field or component, public or not

        Property(String member) {
            this.member = member;
        }

        boolean isHidden() {
            return getter == null && setter == null && field == null;
        }

        /** Of several setters, the one for what the getter gives; the subclass's comes first. */
        boolean prefers(Method method) {
            Class<?> wanted = declared == null ? String.class : Types.raw(declared);
            return setter == null
                    || (method.getParameterTypes()[0] == wanted
                            && setter.getParameterTypes()[0] != wanted);
        }

        /** Whether it is told at all, and not only taken. */
        boolean isReadable() {
            return getter != null || field != null;
        }

        Object get(Object bean) {
            try {
                return getter != null ? getter.invoke(bean) : field.get(bean);
            } catch (InvocationTargetException e) {
                throw new Malformed(e.getCause() + " (through " + bean.getClass().getName() + "[\""
                        + member + "\"])", e.getCause());
            } catch (IllegalAccessException e) {
                throw new Malformed("Cannot read " + member, e);
            }
        }

        void set(Object bean, Object value, Map<TypeVariable<?>, Type> known, boolean seconds) {
            if (setter == null && field == null) {
                return;
            }
            Type type = setter != null ? setter.getGenericParameterTypes()[0]
                    : field.getGenericType();
            try {
                Object bound = Binding.bind(value, Types.resolved(type, known), seconds);
                if (setter != null) {
                    setter.invoke(bean, bound);
                } else {
                    field.set(bean, bound);
                }
            } catch (InvocationTargetException e) {
                throw new Malformed(e.getCause() + through(bean), e.getCause());
            } catch (Malformed e) {
                throw new Malformed(e.getMessage() + through(bean), e);
            } catch (IllegalAccessException e) {
                throw new Malformed("Cannot write" + through(bean), e);
            }
        }

        private String through(Object bean) {
            return " (through " + bean.getClass().getName() + "[\"" + member + "\"])";
        }
    }
}
