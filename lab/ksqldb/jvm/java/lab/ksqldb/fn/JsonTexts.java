package lab.ksqldb.fn;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import lab.ksqldb.row.Row;
import lab.ksqldb.row.Type;

/** SQL values as JSON: times as text, members in the order of their names' hashes, as ksqlDB's. */
public final class JsonTexts {
    private static final JsonFactory FACTORY = new JsonFactory();

    private JsonTexts() {}

    public static String text(Object value, String type) {
        StringWriter text = new StringWriter();
        try (JsonGenerator out = FACTORY.createGenerator(text)) {
            write(out, value, type == null ? null : Type.parse(type));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return text.toString();
    }

    private static void write(JsonGenerator out, Object value, Type type) throws IOException {
        if (value == null) {
            out.writeNull();
            return;
        }
        switch (type.base) {
            case BOOLEAN -> out.writeBoolean((Boolean) value);
            case INTEGER -> out.writeNumber((Integer) value);
            case BIGINT -> out.writeNumber((Long) value);
            case DOUBLE -> out.writeNumber((Double) value);
            case DECIMAL -> out.writeNumber(((BigDecimal) value).toPlainString());
            case BYTES -> out.writeString(Base64.getEncoder().encodeToString(Strings.bytes((ByteBuffer) value)));
            case ARRAY -> {
                out.writeStartArray();
                for (Object item : (List<?>) value) {
                    write(out, item, type.parts[0]);
                }
                out.writeEndArray();
            }
            case MAP -> {
                Map<String, Object> hashed = new HashMap<>();
                ((Map<?, ?>) value).forEach((key, item) -> hashed.put(Casts.text(key), item));
                members(out, hashed, type.parts[1]);
            }
            case STRUCT -> {
                Map<String, Integer> hashed = new HashMap<>();
                for (int i = 0; i < type.names.length; i++) {
                    hashed.put(type.names[i], i);
                }
                out.writeStartObject();
                for (Map.Entry<String, Integer> member : hashed.entrySet()) {
                    out.writeFieldName(member.getKey());
                    write(out, ((Row) value).columns[member.getValue()], type.parts[member.getValue()]);
                }
                out.writeEndObject();
            }
            default -> out.writeString(Casts.text(value));
        }
    }

    private static void members(JsonGenerator out, Map<String, Object> members, Type type) throws IOException {
        out.writeStartObject();
        for (Map.Entry<String, Object> member : members.entrySet()) {
            out.writeFieldName(member.getKey());
            write(out, member.getValue(), type);
        }
        out.writeEndObject();
    }
}
