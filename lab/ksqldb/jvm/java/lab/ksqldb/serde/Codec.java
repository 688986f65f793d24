package lab.ksqldb.serde;

import java.io.IOException;
import java.util.Map;
import lab.ksqldb.row.Type;

/** The columns of a key or value as bytes. One subclass per format. Safe to share. */
public abstract class Codec {
    protected final int count;

    protected Codec(int count) {
        this.count = count;
    }

    /** The columns, in the first places of an array that is {@code extra} longer; null for no row. */
    public abstract Object[] read(byte[] data, int extra) throws IOException;

    /** The bytes of the first columns, or null. {@code topic} is where they go: a registry keeps schemas by topic. */
    public abstract byte[] write(String topic, Object[] columns) throws IOException;

    /** The codec for single records from a client into a topic. */
    public Codec named(String topic) {
        return this;
    }

    /** As {@code of} for a format without properties, for values. */
    public static Codec of(String format, String struct, boolean wrapped) {
        return of(format, struct, wrapped, false, Map.of());
    }

    /**
     * A codec for a format's name over a STRUCT type. {@code wrapped} says how a single column stands, {@code key} for
     * which side of a record it is, {@code properties} are the format's own.
     */
    public static Codec of(String format, String struct, boolean wrapped, boolean key, Map<String, String> properties) {
        Type type = Type.parse(struct);
        if (type.names.length == 0) {
            return new None();
        }
        boolean bare = !wrapped && type.names.length == 1;
        switch (format) {
            case "JSON":
                return bare ? new JsonCodec.Value(type.parts[0]) : new JsonCodec.Members(type);
            case "KAFKA":
                return new KafkaCodec(type.parts[0]);
            case "DELIMITED":
                return new DelimitedCodec(type, key, properties.getOrDefault("delimiter", ","));
            case "PROTOBUF_NOSR":
                return new ProtobufNoSrCodec(type, properties);
            case "AVRO":
            case "PROTOBUF":
            case "JSON_SR":
                return new RegistryCodec(SchemaFormat.of(format), type, bare, key, properties);
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
        public byte[] write(String topic, Object[] columns) {
            return null;
        }
    }
}
