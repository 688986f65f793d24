package lab.ksqldb.serde;

import java.io.IOException;
import lab.ksqldb.row.Row;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serializer;

/** A codec as Kafka's serde. Rows read have {@code extra} empty places at their end. */
public final class RowSerde implements Serde<Row> {
    private final Codec codec;
    private final int extra;

    public RowSerde(Codec codec, int extra) {
        this.codec = codec;
        this.extra = extra;
    }

    @Override
    public Serializer<Row> serializer() {
        return (topic, row) -> {
            try {
                return row == null ? null : codec.write(topic, row.columns);
            } catch (IOException | RuntimeException e) {
                throw new SerializationException("Error serializing message to topic: " + topic + ". " + e.getMessage(), e);
            }
        };
    }

    @Override
    public Deserializer<Row> deserializer() {
        return (topic, data) -> data == null ? null : read(topic, data);
    }

    private Row read(String topic, byte[] data) {
        try {
            Object[] columns = codec.read(data, extra);
            return columns == null ? null : new Row(columns);
        } catch (IOException | RuntimeException e) {
            throw new SerializationException(
                    "Failed to deserialize data for topic " + topic + " to row: " + e.getMessage(), e);
        }
    }
}
