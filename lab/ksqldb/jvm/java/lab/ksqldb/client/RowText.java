package lab.ksqldb.client;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import lab.ksqldb.fn.Casts;
import lab.ksqldb.fn.Strings;
import lab.ksqldb.row.Row;
import lab.ksqldb.serde.Json;

/** A row whose type is not known, as a JSON array of its columns: structs are arrays too, times are text. */
final class RowText {
    private RowText() {}

    static String json(Object[] row) {
        StringWriter text = new StringWriter();
        try (JsonGenerator out = Json.generator(text)) {
            write(out, Arrays.asList(row));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return text.toString();
    }

    private static void write(JsonGenerator out, Object value) throws IOException {
        if (value == null) {
            out.writeNull();
        } else if (value instanceof Boolean flag) {
            out.writeBoolean(flag);
        } else if (value instanceof Number) {
            number(out, (Number) value);
        } else if (value instanceof ByteBuffer bytes) {
            out.writeString(Base64.getEncoder().encodeToString(Strings.bytes(bytes)));
        } else if (value instanceof Row struct) {
            write(out, Arrays.asList(struct.columns));
        } else if (value instanceof List<?> items) {
            out.writeStartArray();
            for (Object item : items) {
                write(out, item);
            }
            out.writeEndArray();
        } else if (value instanceof Map<?, ?> entries) {
            out.writeStartObject();
            for (Map.Entry<?, ?> entry : entries.entrySet()) {
                out.writeFieldName(String.valueOf(Casts.text(entry.getKey())));
                write(out, entry.getValue());
            }
            out.writeEndObject();
        } else {
            out.writeString(Casts.text(value));
        }
    }

    private static void number(JsonGenerator out, Number value) throws IOException {
        if (value instanceof BigDecimal exact) {
            out.writeNumber(exact);
        } else if (value instanceof Double inexact) {
            out.writeNumber(inexact);
        } else {
            out.writeNumber(value.longValue());
        }
    }
}
