package lab.ksqldb.serde;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalTime;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import lab.ksqldb.fn.Strings;
import lab.ksqldb.row.Type;

/**
 * Columns separated by one character. A field is quoted where it must be, as RFC 4180 has it, and where it begins or
 * ends with something that looks like a comment or blank. An empty field is NULL. Times are numbers, as in JSON.
 */
final class DelimitedCodec extends Codec {
    private final Type[] types;
    private final boolean key;
    private final char delimiter;

    DelimitedCodec(Type row, boolean key, String delimiter) {
        super(row.names.length);
        types = row.parts;
        this.key = key;
        this.delimiter = character(delimiter);
    }

    private static char character(String name) {
        return switch (name) {
            case "TAB" -> '\t';
            case "SPACE" -> ' ';
            default -> name.charAt(0);
        };
    }

    @Override
    public Object[] read(byte[] data, int extra) {
        String line = new String(data, StandardCharsets.UTF_8);
        List<String> fields = split(line);
        if (fields.size() != count) {
            throw new IllegalArgumentException(
                    "Unexpected field count, csvFields:" + fields.size() + " schemaFields:" + count);
        }
        Object[] columns = new Object[count + extra];
        for (int i = 0; i < count; i++) {
            String field = fields.get(i);
            columns[i] = field.isEmpty() ? null : value(field, types[i]);
        }
        return columns;
    }

    private static Object value(String field, Type type) {
        switch (type.base) {
            case STRING: return field;
            case BOOLEAN: return Boolean.valueOf(field.trim());
            case INTEGER: return Integer.valueOf(field.trim());
            case BIGINT: return Long.valueOf(field.trim());
            case DOUBLE: return Double.valueOf(field.trim());
            case DECIMAL: return Numbers.decimal(new BigDecimal(field.trim()), type);
            case BYTES: return ByteBuffer.wrap(Base64.getDecoder().decode(field));
            case DATE: return LocalDate.ofEpochDay(Long.parseLong(field.trim()));
            case TIME: return LocalTime.ofNanoOfDay(Long.parseLong(field.trim()) * 1_000_000L);
            case TIMESTAMP: return Instant.ofEpochMilli(Long.parseLong(field.trim()));
            default: throw new IllegalArgumentException("DELIMITED cannot hold " + type.base);
        }
    }

    /** The fields of the first record; quoted ones may hold delimiters and line ends. */
    private List<String> split(String line) {
        List<String> fields = new ArrayList<>(count);
        StringBuilder field = new StringBuilder();
        int at = 0;
        boolean more = true;
        while (more) {
            field.setLength(0);
            if (at < line.length() && line.charAt(at) == '"') {
                at = quoted(line, at + 1, field);
            } else {
                while (at < line.length() && line.charAt(at) != delimiter && !lineEnd(line.charAt(at))) {
                    field.append(line.charAt(at++));
                }
            }
            fields.add(field.toString());
            more = at < line.length() && line.charAt(at) == delimiter;
            at++;
        }
        return fields;
    }

    private static boolean lineEnd(char c) {
        return c == '\n' || c == '\r';
    }

    private int quoted(String line, int start, StringBuilder field) {
        int at = start;
        while (at < line.length()) {
            char c = line.charAt(at++);
            if (c != '"') {
                field.append(c);
            } else if (at < line.length() && line.charAt(at) == '"') {
                field.append('"');
                at++;
            } else if (at == line.length() || line.charAt(at) == delimiter || lineEnd(line.charAt(at))) {
                return at;
            } else {
                throw new IllegalArgumentException("invalid character after a quoted field: " + line.charAt(at));
            }
        }
        throw new IllegalArgumentException("a quoted field has no end");
    }

    @Override
    public byte[] write(String topic, Object[] columns) {
        StringBuilder line = new StringBuilder();
        boolean empty = true;
        for (int i = 0; i < count; i++) {
            if (i > 0) {
                line.append(delimiter);
            }
            if (columns[i] != null) {
                append(line, text(columns[i], types[i]), i == 0);
                empty = false;
            }
        }
        // A value of only NULLs is a row still; a key of none is no key.
        return empty && key && count == 1 ? null : line.toString().getBytes(StandardCharsets.UTF_8);
    }

    private static String text(Object value, Type type) {
        return switch (type.base) {
            case DECIMAL -> ((BigDecimal) value).setScale(type.scale, RoundingMode.UNNECESSARY).toPlainString();
            case BYTES -> Base64.getEncoder().encodeToString(Strings.bytes((ByteBuffer) value));
            case DATE -> Long.toString(((LocalDate) value).toEpochDay());
            case TIME -> Long.toString(((LocalTime) value).toNanoOfDay() / 1_000_000L);
            case TIMESTAMP -> Long.toString(((Instant) value).toEpochMilli());
            default -> value.toString();
        };
    }

    private void append(StringBuilder line, String text, boolean first) {
        if (!needsQuotes(text, first)) {
            line.append(text);
            return;
        }
        line.append('"').append(text.replace("\"", "\"\"")).append('"');
    }

    private boolean needsQuotes(String text, boolean first) {
        if (text.isEmpty()) {
            return first;
        }
        if (text.charAt(0) <= '#' || text.charAt(text.length() - 1) <= ' ') {
            return true;
        }
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == delimiter || c == '"' || lineEnd(c)) {
                return true;
            }
        }
        return false;
    }
}
