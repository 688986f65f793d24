package lab.ksqldb.serde;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import lab.ksqldb.fn.Strings;
import lab.ksqldb.row.Type;

/** The columns of a key or value as bytes. One subclass per format. Safe to share. */
public abstract class Codec {
    protected final int count;

    protected Codec(int count) {
        this.count = count;
    }

    /** The columns, in the first places of an array that is {@code extra} longer; null for no row. */
    public abstract Object[] read(byte[] data, int extra) throws IOException;

    /** The bytes of the first columns, or null. */
    public abstract byte[] write(Object[] columns) throws IOException;

    /** A codec for a format's name over a STRUCT type; {@code wrapped} says how one JSON column stands. */
    public static Codec of(String format, String struct, boolean wrapped) {
        Type type = Type.parse(struct);
        if (type.names.length == 0) {
            return new None();
        }
        switch (format) {
            case "JSON":
                return wrapped || type.names.length > 1 ? new JsonObject(type) : new JsonValue(type.parts[0]);
            case "KAFKA":
                return new Kafka(type.parts[0]);
            default:
                throw new IllegalArgumentException("no codec for " + format);
        }
    }

    static final class None extends Codec {
        None() {
            super(0);
        }

        @Override
        public Object[] read(byte[] data, int extra) {
            return new Object[extra];
        }

        @Override
        public byte[] write(Object[] columns) {
            return null;
        }
    }

    static final class JsonObject extends Codec {
        private final Json json;

        JsonObject(Type type) {
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
        public byte[] write(Object[] columns) throws IOException {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream(128);
            try (JsonGenerator out = Json.FACTORY.createGenerator(bytes)) {
                json.writeMembers(out, columns);
            }
            return bytes.toByteArray();
        }
    }

    static final class JsonValue extends Codec {
        private final Json json;

        JsonValue(Type type) {
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
        public byte[] write(Object[] columns) throws IOException {
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

    /** Kafka's own serializers: INT and BIGINT and DOUBLE big-endian, text in UTF-8. */
    static final class Kafka extends Codec {
        private final Type type;

        Kafka(Type type) {
            super(1);
            this.type = type;
        }

        @Override
        public Object[] read(byte[] data, int extra) {
            Object[] columns = new Object[1 + extra];
            switch (type.base) {
                case STRING -> columns[0] = new String(data, StandardCharsets.UTF_8);
                case BYTES -> columns[0] = ByteBuffer.wrap(data);
                case INTEGER -> columns[0] = sized(data, 4).getInt();
                case BIGINT -> columns[0] = sized(data, 8).getLong();
                case DOUBLE -> columns[0] = sized(data, 8).getDouble();
                default -> throw new IllegalArgumentException("KAFKA cannot hold " + type.base);
            }
            return columns;
        }

        private static ByteBuffer sized(byte[] data, int size) {
            if (data.length != size) {
                throw new IllegalArgumentException("Size of data is " + data.length + ", expected " + size);
            }
            return ByteBuffer.wrap(data);
        }

        @Override
        public byte[] write(Object[] columns) {
            Object value = columns[0];
            if (value == null) {
                return null;
            }
            return switch (type.base) {
                case STRING -> ((String) value).getBytes(StandardCharsets.UTF_8);
                case BYTES -> Strings.bytes((ByteBuffer) value);
                case INTEGER -> ByteBuffer.allocate(4).putInt((Integer) value).array();
                case BIGINT -> ByteBuffer.allocate(8).putLong((Long) value).array();
                case DOUBLE -> ByteBuffer.allocate(8).putDouble((Double) value).array();
                default -> throw new IllegalArgumentException("KAFKA cannot hold " + type.base);
            };
        }
    }
}
