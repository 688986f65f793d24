package lab.ksqldb.serde;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamWriteFeature;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.StringWriter;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalTime;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import lab.ksqldb.fn.Casts;
import lab.ksqldb.fn.Strings;
import lab.ksqldb.row.Row;
import lab.ksqldb.row.Type;

/** A type's JSON, read and written token by token. Member names are matched in any case. */
public final class Json {
    static final JsonFactory FACTORY =
            JsonFactory.builder().enable(StreamWriteFeature.WRITE_BIGDECIMAL_AS_PLAIN).build();

    private final Type type;
    private final Json[] parts;
    private final Map<String, Integer> members;

    public Json(Type type) {
        this.type = type;
        parts = new Json[type.parts.length];
        for (int i = 0; i < parts.length; i++) {
            parts[i] = new Json(type.parts[i]);
        }
        members = type.base == Type.Base.STRUCT ? new HashMap<>() : null;
        if (members != null) {
            for (int i = 0; i < type.names.length; i++) {
                members.putIfAbsent(type.names[i].toUpperCase(Locale.ROOT), i);
            }
            for (int i = 0; i < type.names.length; i++) {
                members.put(type.names[i], i);
            }
        }
    }

    Type type() {
        return type;
    }

    /** The value whose first token is current. */
    Object read(JsonParser in) throws IOException {
        JsonToken token = in.currentToken();
        if (token == JsonToken.VALUE_NULL) {
            return null;
        }
        switch (type.base) {
            case BOOLEAN:
                if (token == JsonToken.VALUE_TRUE || token == JsonToken.VALUE_FALSE) {
                    return token == JsonToken.VALUE_TRUE;
                }
                throw mismatch(token);
            case INTEGER:
                return token.isNumeric() ? Integer.valueOf(in.getNumberValue().intValue()) : Integer.valueOf(text(in, token));
            case BIGINT:
                return token.isNumeric() ? Long.valueOf(in.getNumberValue().longValue()) : Long.valueOf(text(in, token));
            case DOUBLE:
                return token.isNumeric() ? Double.valueOf(in.getDoubleValue()) : Double.valueOf(text(in, token));
            case DECIMAL: {
                BigDecimal value = token.isNumeric() ? in.getDecimalValue() : new BigDecimal(text(in, token));
                BigDecimal scaled = value.setScale(type.scale, RoundingMode.UNNECESSARY);
                if (scaled.precision() > type.precision) {
                    throw new IllegalArgumentException("Numeric field overflow: " + value);
                }
                return scaled;
            }
            case STRING:
                return token.isScalarValue() ? in.getText() : nested(in);
            case BYTES:
                return ByteBuffer.wrap(Base64.getDecoder().decode(text(in, token)));
            case DATE:
                return LocalDate.ofEpochDay(integral(in, token));
            case TIME:
                return LocalTime.ofNanoOfDay(integral(in, token) * 1_000_000L);
            case TIMESTAMP:
                return Instant.ofEpochMilli(integral(in, token));
            case ARRAY:
                return array(in, token);
            case MAP:
                return map(in, token);
            default: {
                Object[] columns = new Object[parts.length];
                readMembers(in, columns);
                return new Row(columns);
            }
        }
    }

    private static String text(JsonParser in, JsonToken token) throws IOException {
        if (token != JsonToken.VALUE_STRING) {
            throw new IllegalArgumentException("unexpected " + token);
        }
        return in.getText();
    }

    private IllegalArgumentException mismatch(JsonToken token) {
        return new IllegalArgumentException("Can't convert type. sourceType: " + token + ", requiredType: " + type.base);
    }

    private long integral(JsonParser in, JsonToken token) throws IOException {
        if (!token.isNumeric()) {
            throw mismatch(token);
        }
        return in.getNumberValue().longValue();
    }

    private static String nested(JsonParser in) throws IOException {
        StringWriter text = new StringWriter();
        try (JsonGenerator copy = FACTORY.createGenerator(text)) {
            copy.copyCurrentStructure(in);
        }
        return text.toString();
    }

    private List<Object> array(JsonParser in, JsonToken token) throws IOException {
        if (token != JsonToken.START_ARRAY) {
            throw mismatch(token);
        }
        List<Object> items = new ArrayList<>();
        while (in.nextToken() != JsonToken.END_ARRAY) {
            items.add(parts[0].read(in));
        }
        return items;
    }

    private Map<Object, Object> map(JsonParser in, JsonToken token) throws IOException {
        if (token != JsonToken.START_OBJECT) {
            throw mismatch(token);
        }
        Map<Object, Object> entries = new HashMap<>();
        for (String name = in.nextFieldName(); name != null; name = in.nextFieldName()) {
            in.nextToken();
            entries.put(parts[0].fromName(name), parts[1].read(in));
        }
        return entries;
    }

    private Object fromName(String name) {
        return type.base == Type.Base.STRING ? name : Casts.convert(name, Type.parse("STRING"), type);
    }

    /** Reads an object's members into the first columns; unknown ones are passed over. */
    void readMembers(JsonParser in, Object[] columns) throws IOException {
        if (in.currentToken() != JsonToken.START_OBJECT) {
            throw mismatch(in.currentToken());
        }
        for (String name = in.nextFieldName(); name != null; name = in.nextFieldName()) {
            in.nextToken();
            Integer index = members.get(name);
            if (index == null) {
                index = members.get(name.toUpperCase(Locale.ROOT));
            }
            if (index == null) {
                in.skipChildren();
                continue;
            }
            try {
                columns[index] = parts[index].read(in);
            } catch (IllegalArgumentException | ArithmeticException e) {
                throw new IllegalArgumentException(e.getMessage() + ", path: $." + name, e);
            }
        }
    }

    /** Writes as ksqlDB's JSON format: times as numbers. */
    void write(JsonGenerator out, Object value) throws IOException {
        if (value == null) {
            out.writeNull();
            return;
        }
        switch (type.base) {
            case BOOLEAN -> out.writeBoolean((Boolean) value);
            case INTEGER -> out.writeNumber((Integer) value);
            case BIGINT -> out.writeNumber((Long) value);
            case DOUBLE -> out.writeNumber((Double) value);
            case DECIMAL -> out.writeNumber((BigDecimal) value);
            case STRING -> out.writeString((String) value);
            case BYTES -> out.writeString(base64((ByteBuffer) value));
            case DATE -> out.writeNumber(((LocalDate) value).toEpochDay());
            case TIME -> out.writeNumber(((LocalTime) value).toNanoOfDay() / 1_000_000L);
            case TIMESTAMP -> out.writeNumber(((Instant) value).toEpochMilli());
            case ARRAY -> {
                out.writeStartArray();
                for (Object item : (List<?>) value) {
                    parts[0].write(out, item);
                }
                out.writeEndArray();
            }
            case MAP -> {
                out.writeStartObject();
                for (Map.Entry<?, ?> entry : ((Map<?, ?>) value).entrySet()) {
                    out.writeFieldName(String.valueOf(Casts.text(entry.getKey())));
                    parts[1].write(out, entry.getValue());
                }
                out.writeEndObject();
            }
            case STRUCT -> writeMembers(out, ((Row) value).columns);
        }
    }

    void writeMembers(JsonGenerator out, Object[] columns) throws IOException {
        out.writeStartObject();
        for (int i = 0; i < parts.length; i++) {
            out.writeFieldName(type.names[i]);
            parts[i].write(out, columns[i]);
        }
        out.writeEndObject();
    }

    /** Writes as the REST answers do: times as text. */
    public void answer(JsonGenerator out, Object value) throws IOException {
        if (value == null) {
            out.writeNull();
            return;
        }
        switch (type.base) {
            case DATE, TIME, TIMESTAMP -> out.writeString(Casts.text(value));
            case ARRAY -> {
                out.writeStartArray();
                for (Object item : (List<?>) value) {
                    parts[0].answer(out, item);
                }
                out.writeEndArray();
            }
            case MAP -> {
                out.writeStartObject();
                for (Map.Entry<?, ?> entry : ((Map<?, ?>) value).entrySet()) {
                    out.writeFieldName(String.valueOf(Casts.text(entry.getKey())));
                    parts[1].answer(out, entry.getValue());
                }
                out.writeEndObject();
            }
            case STRUCT -> {
                out.writeStartObject();
                Object[] columns = ((Row) value).columns;
                for (int i = 0; i < parts.length; i++) {
                    out.writeFieldName(type.names[i]);
                    parts[i].answer(out, columns[i]);
                }
                out.writeEndObject();
            }
            default -> write(out, value);
        }
    }

    private static String base64(ByteBuffer buffer) {
        return Base64.getEncoder().encodeToString(Strings.bytes(buffer));
    }

    static byte[] bytes(ByteArrayOutputStream out) {
        return out.toByteArray();
    }

    public static String utf8(byte[] data) {
        return new String(data, StandardCharsets.UTF_8);
    }

    public static JsonGenerator generator(java.io.OutputStream out) throws IOException {
        return FACTORY.createGenerator(out);
    }

    public static JsonGenerator generator(java.io.Writer out) throws IOException {
        return FACTORY.createGenerator(out);
    }
}
