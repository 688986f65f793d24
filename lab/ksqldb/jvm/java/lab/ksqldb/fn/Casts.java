package lab.ksqldb.fn;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import lab.ksqldb.row.Row;
import lab.ksqldb.row.Type;

/** CAST. NULL stays NULL; what cannot be read throws, and the expression becomes NULL. */
public final class Casts {
    private static final DateTimeFormatter WHOLE_TIME = DateTimeFormatter.ofPattern("HH:mm:ss");

    private Casts() {}

    public static Integer toInteger(Object value) {
        if (value == null) {
            return null;
        }
        return value instanceof String text ? Integer.valueOf(text.trim()) : Integer.valueOf(((Number) value).intValue());
    }

    public static Long toBigint(Object value) {
        if (value == null) {
            return null;
        }
        return value instanceof String text ? Long.valueOf(text.trim()) : Long.valueOf(((Number) value).longValue());
    }

    public static Double toDouble(Object value) {
        if (value == null) {
            return null;
        }
        if (value instanceof String text) {
            double parsed = Double.parseDouble(text.trim());
            if (Double.isNaN(parsed) || Double.isInfinite(parsed)) {
                throw new NumberFormatException(text);
            }
            return parsed;
        }
        return ((Number) value).doubleValue();
    }

    public static BigDecimal toDecimal(Object value, int precision, int scale) {
        if (value == null) {
            return null;
        }
        BigDecimal exact =
                value instanceof String text
                        ? new BigDecimal(text.trim())
                        : value instanceof Double ? BigDecimal.valueOf((Double) value) : Ops.exact((Number) value);
        // Whole digits are counted before rounding, as recorded: 99.995 becomes 100.00.
        if (exact.precision() - exact.scale() > precision - scale && exact.signum() != 0) {
            throw new ArithmeticException("Numeric field overflow: " + value);
        }
        return exact.setScale(scale, RoundingMode.HALF_UP);
    }

    public static Boolean toBoolean(Object value) {
        if (value == null || value instanceof Boolean) {
            return (Boolean) value;
        }
        String text = value.toString().trim().toLowerCase(Locale.ROOT);
        return !text.isEmpty() && ("true".startsWith(text) || "yes".startsWith(text));
    }

    public static ByteBuffer toBytes(Object value) {
        if (value == null || value instanceof ByteBuffer) {
            return (ByteBuffer) value;
        }
        return ByteBuffer.wrap(Encodings.base64((String) value));
    }

    public static LocalDate toDate(Object value) {
        if (value == null || value instanceof LocalDate) {
            return (LocalDate) value;
        }
        if (value instanceof Instant instant) {
            return LocalDate.ofInstant(instant, ZoneOffset.UTC);
        }
        return Times.parseDate((String) value);
    }

    public static LocalTime toTime(Object value) {
        if (value == null || value instanceof LocalTime) {
            return (LocalTime) value;
        }
        if (value instanceof Instant instant) {
            return LocalTime.ofInstant(instant, ZoneOffset.UTC);
        }
        return Times.parseTime((String) value);
    }

    public static Instant toTimestamp(Object value) {
        if (value == null || value instanceof Instant) {
            return (Instant) value;
        }
        return value instanceof LocalDate date ? Times.instant(date) : Times.parseTimestamp((String) value);
    }

    /** A primitive value as text. */
    public static String text(Object value) {
        if (value == null) {
            return null;
        }
        if (value instanceof BigDecimal decimal) {
            return decimal.toPlainString();
        }
        if (value instanceof Instant instant) {
            return Times.text(instant);
        }
        return value instanceof LocalTime time ? Times.text(time) : value.toString();
    }

    /** A TIME with its seconds even when they are zero. */
    public static String wholeTime(LocalTime value) {
        return value == null ? null : WHOLE_TIME.format(value);
    }

    /** A structured value as text. */
    public static String text(Object value, String type) {
        return value == null ? null : text(value, Type.parse(type));
    }

    private static String text(Object value, Type type) {
        if (value == null) {
            return "null";
        }
        switch (type.base) {
            case ARRAY: {
                List<String> items = new ArrayList<>();
                for (Object item : (List<?>) value) {
                    items.add(text(item, type.parts[0]));
                }
                return "[" + String.join(", ", items) + "]";
            }
            case MAP: {
                List<String> entries = new ArrayList<>();
                for (Map.Entry<?, ?> entry : ((Map<?, ?>) value).entrySet()) {
                    entries.add(text(entry.getKey(), type.parts[0]) + "=" + text(entry.getValue(), type.parts[1]));
                }
                return "{" + String.join(", ", entries) + "}";
            }
            case STRUCT: {
                List<String> members = new ArrayList<>();
                Object[] columns = ((Row) value).columns;
                for (int i = 0; i < columns.length; i++) {
                    if (columns[i] != null) {
                        members.add(type.names[i] + "=" + text(columns[i], type.parts[i]));
                    }
                }
                return "Struct{" + String.join(",", members) + "}";
            }
            default:
                return text(value);
        }
    }

    /** A value of one type as another, members of structs by name. */
    public static Object convert(Object value, String from, String to) {
        return convert(value, Type.parse(from), Type.parse(to));
    }

    public static Object convert(Object value, Type from, Type to) {
        if (value == null) {
            return null;
        }
        switch (to.base) {
            case BOOLEAN: return toBoolean(value);
            case INTEGER: return toInteger(value);
            case BIGINT: return toBigint(value);
            case DOUBLE: return toDouble(value);
            case DECIMAL: return toDecimal(value, to.precision, to.scale);
            case STRING: return from.parts.length > 0 ? text(value, from) : text(value);
            case BYTES: return toBytes(value);
            case DATE: return toDate(value);
            case TIME: return toTime(value);
            case TIMESTAMP: return toTimestamp(value);
            case ARRAY: {
                List<Object> items = new ArrayList<>();
                for (Object item : (List<?>) value) {
                    items.add(convert(item, from.parts[0], to.parts[0]));
                }
                return items;
            }
            case MAP: {
                Map<Object, Object> map = new HashMap<>();
                for (Map.Entry<?, ?> entry : ((Map<?, ?>) value).entrySet()) {
                    map.put(
                            convert(entry.getKey(), from.parts[0], to.parts[0]),
                            convert(entry.getValue(), from.parts[1], to.parts[1]));
                }
                return map;
            }
            default: {
                Object[] members = new Object[to.names.length];
                for (int i = 0; i < members.length; i++) {
                    for (int j = 0; j < from.names.length; j++) {
                        if (from.names[j].equals(to.names[i])) {
                            members[i] = convert(((Row) value).columns[j], from.parts[j], to.parts[i]);
                        }
                    }
                }
                return new Row(members);
            }
        }
    }
}
