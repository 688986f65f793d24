package lab.ksqldb.serde;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import lab.ksqldb.fn.Strings;
import lab.ksqldb.row.Type;

/** Kafka's own serializers: INT and BIGINT and DOUBLE big-endian, text in UTF-8. */
final class KafkaCodec extends Codec {
    private final Type type;

    KafkaCodec(Type type) {
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
    public byte[] write(String topic, Object[] columns) {
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
