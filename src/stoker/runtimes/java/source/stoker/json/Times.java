package stoker.json;

import java.lang.reflect.Constructor;
import java.math.BigDecimal;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.temporal.Temporal;
import java.util.Calendar;
import java.util.Date;
import java.util.List;
import java.util.TimeZone;

/** Points and spans of time, in Jackson's forms: numbers, arrays of numbers, ISO 8601. */
final class Times {
    private static final String JODA = "org.joda.time.DateTime"; // of the library of events

    private Times() {}

    /** Null if it is no time, or "". */
    static Object bind(Object value, Class<?> raw, boolean seconds) {
        boolean isTime = raw == Date.class || raw == Calendar.class || raw == Duration.class
                || Temporal.class.isAssignableFrom(raw) || raw.getName().equals(JODA);
        if (!isTime || "".equals(value)) {
            return null;
        }
        try {
            if (raw.getName().equals(JODA)) {
                return joda(value, raw);
            }
            return value instanceof Number ? ofNumber((Number) value, raw, seconds)
                    : value instanceof List ? ofNumbers((List<?>) value, raw)
                    : ofText(value.toString(), raw);
        } catch (DateTimeException | ReflectiveOperationException e) {
            throw new Malformed("Cannot deserialize value of type `" + raw.getName() + "`", e);
        }
    }

    private static Object joda(Object value, Class<?> raw) throws ReflectiveOperationException {
        Constructor<?> constructor = raw.getConstructor(Object.class);
        return constructor.newInstance(value instanceof Number
                ? (Object) ((Number) value).longValue() : value.toString());
    }

    private static Object ofNumber(Number number, Class<?> raw, boolean seconds) {
        if (raw == Date.class) {
            return new Date(seconds ? Math.round(number.doubleValue() * 1000) : number.longValue());
        }
        if (raw == Calendar.class) {
            return calendar(new Date(number.longValue()));
        }
        if (raw == LocalDate.class) {
            return LocalDate.ofEpochDay(number.longValue());
        }
        BigDecimal exact = new BigDecimal(number.toString());
        long whole = exact.longValue();
        long nanos = exact.subtract(BigDecimal.valueOf(whole)).movePointRight(9).longValue();
        if (raw == Duration.class) {
            return Duration.ofSeconds(whole, nanos);
        }
        return at(Instant.ofEpochSecond(whole, nanos), raw);
    }

    private static Object at(Instant instant, Class<?> raw) {
        if (raw == Instant.class) {
            return instant;
        }
        if (raw == OffsetDateTime.class) {
            return instant.atOffset(ZoneOffset.UTC);
        }
        if (raw == ZonedDateTime.class) {
            return instant.atZone(ZoneOffset.UTC);
        }
        throw new DateTimeException("a number is no " + raw.getName());
    }

    private static Object ofNumbers(List<?> items, Class<?> raw) {
        int[] parts = new int[7];
        for (int i = 0; i < items.size() && i < parts.length; i++) {
            parts[i] = ((Number) items.get(i)).intValue();
        }
        if (raw == LocalDate.class) {
            return LocalDate.of(parts[0], parts[1], parts[2]);
        }
        if (raw == LocalTime.class) {
            return LocalTime.of(parts[0], parts[1], parts[2], parts[3]);
        }
        if (raw == LocalDateTime.class) {
            return LocalDateTime.of(
                    parts[0], parts[1], parts[2], parts[3], parts[4], parts[5], parts[6]);
        }
        throw new DateTimeException("an array is no " + raw.getName());
    }

    private static Object ofText(String text, Class<?> raw) {
        if (raw == Duration.class) {
            return Duration.parse(text);
        }
        if (raw == LocalDate.class) {
            return LocalDate.parse(text);
        }
        if (raw == LocalTime.class) {
            return LocalTime.parse(text);
        }
        if (raw == LocalDateTime.class) {
            return LocalDateTime.parse(text);
        }
        if (raw == ZonedDateTime.class) {
            return ZonedDateTime.parse(text);
        }
        if (raw == Date.class || raw == Calendar.class) {
            boolean isDay = text.indexOf('T') < 0;
            Date date = Date.from(instant(isDay ? text + "T00:00:00Z" : text));
            return raw == Date.class ? date : calendar(date);
        }
        return at(instant(text), raw);
    }

    /** With whatever offset; Instant.parse of older Javas takes Z only, and OffsetDateTime no
     * offset without a colon. */
    private static Instant instant(String text) {
        String offset = text.substring(Math.max(0, text.length() - 5));
        boolean isBare = offset.length() == 5 && offset.indexOf(':') < 0
                && (offset.charAt(0) == '+' || offset.charAt(0) == '-');
        String iso = !isBare ? text
                : text.substring(0, text.length() - 2) + ":" + text.substring(text.length() - 2);
        return OffsetDateTime.parse(iso).toInstant();
    }

    private static Calendar calendar(Date date) {
        Calendar calendar = Calendar.getInstance(TimeZone.getTimeZone("UTC"));
        calendar.setTime(date);
        return calendar;
    }

    /** As a plain value, or null if it is no time. */
    static Object plain(Object value, boolean seconds) {
        if (value instanceof Date) {
            long millis = ((Date) value).getTime();
            return seconds ? (Object) (millis / 1000.0) : millis;
        }
        if (value instanceof Calendar) {
            return ((Calendar) value).getTimeInMillis();
        }
        if (value instanceof Duration) {
            Duration span = (Duration) value;
            return decimal(span.getSeconds(), span.getNano());
        }
        if (value instanceof Temporal) {
            return ofTemporal(value);
        }
        return value.getClass().getName().equals(JODA) ? value.toString() : null;
    }

    private static Object ofTemporal(Object value) {
        if (value instanceof LocalDate) {
            LocalDate date = (LocalDate) value;
            return new int[] {date.getYear(), date.getMonthValue(), date.getDayOfMonth()};
        }
        if (value instanceof LocalTime) {
            LocalTime time = (LocalTime) value;
            return clock(time);
        }
        if (value instanceof LocalDateTime) {
            LocalDateTime both = (LocalDateTime) value;
            int[] clock = clock(both.toLocalTime());
            int[] parts = new int[3 + clock.length];
            parts[0] = both.getYear();
            parts[1] = both.getMonthValue();
            parts[2] = both.getDayOfMonth();
            System.arraycopy(clock, 0, parts, 3, clock.length);
            return parts;
        }
        Instant instant = value instanceof Instant ? (Instant) value
                : value instanceof OffsetDateTime ? ((OffsetDateTime) value).toInstant()
                : value instanceof ZonedDateTime ? ((ZonedDateTime) value).toInstant() : null;
        return instant == null ? value.toString()
                : decimal(instant.getEpochSecond(), instant.getNano());
    }

    /** Seconds and nanoseconds only where they are needed. */
    private static int[] clock(LocalTime time) {
        if (time.getNano() > 0) {
            return new int[] {time.getHour(), time.getMinute(), time.getSecond(), time.getNano()};
        }
        if (time.getSecond() > 0) {
            return new int[] {time.getHour(), time.getMinute(), time.getSecond()};
        }
        return new int[] {time.getHour(), time.getMinute()};
    }

    private static BigDecimal decimal(long seconds, int nanos) {
        return BigDecimal.valueOf(seconds).add(BigDecimal.valueOf(nanos, 9));
    }
}
