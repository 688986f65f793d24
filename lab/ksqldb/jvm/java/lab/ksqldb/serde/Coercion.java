package lab.ksqldb.serde;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import lab.ksqldb.fn.Casts;
import lab.ksqldb.row.Row;
import lab.ksqldb.row.Type;

/** Parsed JSON to values of SQL types, strictly: numbers may only widen, and text is only text, bytes or a time. */
public final class Coercion {
    private Coercion() {}

    /** The value as its type's Java object; fails with what is wrong. */
    public static Object to(Type type, Object value) {
        if (value == null) {
            return null;
        }
        Object found = converted(type, value);
        if (found == null) {
            throw refusal(type, value);
        }
        return found;
    }

    private static IllegalArgumentException refusal(Type type, Object value) {
        return new IllegalArgumentException(
                "Can't coerce a field of type " + value.getClass() + " (" + value + ") into type " + shown(type));
    }

    private static Object converted(Type type, Object value) {
        return switch (type.base) {
            case BOOLEAN -> value instanceof Boolean ? value : null;
            case INTEGER -> value instanceof Integer ? value : null;
            case BIGINT -> value instanceof Integer || value instanceof Long ? ((Number) value).longValue() : null;
            case DOUBLE -> value instanceof Number number ? number.doubleValue() : null;
            case DECIMAL -> decimal(type, value);
            case STRING -> value instanceof String ? value : null;
            case BYTES -> value instanceof String text ? bytes(type, text) : null;
            case DATE -> value instanceof String ? time(type, value, Casts::toDate) : null;
            case TIME -> value instanceof String ? time(type, value, Casts::toTime) : null;
            case TIMESTAMP -> value instanceof String ? time(type, value, Casts::toTimestamp) : null;
            case ARRAY -> value instanceof List<?> items ? array(type, items) : null;
            case MAP -> value instanceof Map<?, ?> entries ? map(type, entries) : null;
            case STRUCT -> value instanceof Map<?, ?> members ? struct(type, members) : null;
        };
    }

    private static Object time(Type type, Object value, java.util.function.Function<Object, Object> parse) {
        try {
            return parse.apply(value);
        } catch (RuntimeException e) {
            throw refusal(type, value);
        }
    }

    private static ByteBuffer bytes(Type type, String text) {
        try {
            return ByteBuffer.wrap(Base64.getDecoder().decode(text));
        } catch (IllegalArgumentException e) {
            throw refusal(type, text);
        }
    }

    private static BigDecimal decimal(Type type, Object value) {
        BigDecimal exact;
        try {
            exact = value instanceof Number || value instanceof String ? new BigDecimal(value.toString().trim()) : null;
        } catch (NumberFormatException e) {
            throw refusal(type, value);
        }
        if (exact == null) {
            return null;
        }
        try {
            BigDecimal scaled = exact.setScale(type.scale, RoundingMode.UNNECESSARY);
            if (scaled.precision() <= type.precision) {
                return scaled;
            }
        } catch (ArithmeticException e) {
            // Too many digits after the point: refused below.
        }
        throw new IllegalArgumentException(
                "Cannot fit decimal '" + exact.toPlainString() + "' into " + shown(type)
                        + " without rounding or truncating it");
    }

    private static List<Object> array(Type type, List<?> items) {
        List<Object> made = new ArrayList<>(items.size());
        for (Object item : items) {
            made.add(to(type.parts[0], item));
        }
        return made;
    }

    private static Map<Object, Object> map(Type type, Map<?, ?> entries) {
        Map<Object, Object> made = new LinkedHashMap<>();
        entries.forEach((key, value) -> made.put(to(type.parts[0], key), to(type.parts[1], value)));
        return made;
    }

    private static Row struct(Type type, Map<?, ?> members) {
        Object[] columns = new Object[type.parts.length];
        members(type, members, columns);
        return new Row(columns);
    }

    /** An object's members to the columns of a STRUCT type; names without back ticks are taken in upper case. */
    public static void members(Type type, Map<?, ?> members, Object[] columns) {
        for (Map.Entry<?, ?> member : members.entrySet()) {
            String name = (String) member.getKey();
            boolean quoted = name.length() > 1 && name.startsWith("`") && name.endsWith("`");
            String wanted = quoted ? name.substring(1, name.length() - 1) : name.toUpperCase(Locale.ROOT);
            for (int i = 0; i < type.names.length; i++) {
                if (type.names[i].equals(wanted)) {
                    columns[i] = to(type.parts[i], member.getValue());
                }
            }
        }
    }

    private static String shown(Type type) {
        return type.base == Type.Base.DECIMAL ? "DECIMAL(" + type.precision + ", " + type.scale + ")" : type.base.name();
    }
}
