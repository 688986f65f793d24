package lab.ksqldb.query;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import lab.ksqldb.row.Type;
import lab.ksqldb.serde.Json;

/** Rows as the REST answers write them, between a given text before and after each row. */
public final class Answer {
    private final Json[] columns;
    private final byte[] before;
    private final byte[] after;

    /** {@code struct} is the STRUCT type of the columns. */
    public Answer(String struct, String before, String after) {
        Type type = Type.parse(struct);
        columns = new Json[type.parts.length];
        for (int i = 0; i < columns.length; i++) {
            columns[i] = new Json(type.parts[i]);
        }
        this.before = before.getBytes(java.nio.charset.StandardCharsets.UTF_8);
        this.after = after.getBytes(java.nio.charset.StandardCharsets.UTF_8);
    }

    void write(Object[] row, ByteArrayOutputStream out) {
        out.writeBytes(before);
        try (JsonGenerator json = Json.generator(out)) {
            json.writeStartArray();
            for (int i = 0; i < columns.length; i++) {
                columns[i].answer(json, row[i]);
            }
            json.writeEndArray();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        out.writeBytes(after);
    }

    public byte[] bytes(Object[] row) {
        ByteArrayOutputStream out = new ByteArrayOutputStream(128);
        write(row, out);
        return out.toByteArray();
    }
}
