package lab.ksqldb.serde;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import lab.ksqldb.row.Type;

/** JSON: an object of the columns, or the only column's value itself. */
final class JsonCodec {
    private JsonCodec() {}

    static final class Members extends Codec {
        private final Json json;

        Members(Type type) {
            super(type.names.length);
            json = new Json(type);
        }

        @Override
        public Object[] read(byte[] data, int extra) throws IOException {
            try (JsonParser in = Json.FACTORY.createParser(data)) {
                if (in.nextToken() == JsonToken.VALUE_NULL) {
                    return null;
                }
                Object[] columns = new Object[count + extra];
                json.readMembers(in, columns);
                return columns;
            }
        }

        @Override
        public byte[] write(String topic, Object[] columns) throws IOException {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream(128);
            try (JsonGenerator out = Json.FACTORY.createGenerator(bytes)) {
                json.writeMembers(out, columns);
            }
            return bytes.toByteArray();
        }
    }

    static final class Value extends Codec {
        private final Json json;

        Value(Type type) {
            super(1);
            json = new Json(type);
        }

        @Override
        public Object[] read(byte[] data, int extra) throws IOException {
            try (JsonParser in = Json.FACTORY.createParser(data)) {
                in.nextToken();
                Object[] columns = new Object[1 + extra];
                columns[0] = json.read(in);
                return columns;
            }
        }

        @Override
        public byte[] write(String topic, Object[] columns) throws IOException {
            if (columns[0] == null) {
                return null;
            }
            ByteArrayOutputStream bytes = new ByteArrayOutputStream(64);
            try (JsonGenerator out = Json.FACTORY.createGenerator(bytes)) {
                json.write(out, columns[0]);
            }
            return bytes.toByteArray();
        }
    }
}
