package lab.ksqldb.serde;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Map;
import lab.ksqldb.registry.RegisteredSchema;
import lab.ksqldb.row.Type;

/** What the formats with a schema registry have in common. Safe to share. */
public interface SchemaFormat {
    /** What is framed by the registry's header, to columns. */
    interface Reader {
        /** {@code data} from {@code from} on; {@code extra} places are added. */
        Object[] read(byte[] data, int from, int extra) throws IOException;
    }

    /** Columns to what is framed by the registry's header. */
    interface Writer {
        void write(Object[] columns, ByteArrayOutputStream out) throws IOException;
    }

    /** The registry's word for the format. */
    String registryType();

    /** The schema that ksqlDB gives columns; {@code bare} says that the only column stands by itself. */
    String schema(Type row, boolean bare, Map<String, String> properties);

    /**
     * The columns of a schema, as a STRUCT. {@code bareName} names the column of one that is no record, and of any that
     * stands by itself; {@code upperCase} writes names so.
     */
    String columns(RegisteredSchema schema, String bareName, boolean bare, boolean upperCase, Map<String, String> properties);

    /** The name of the schema's record, or null where it has none. */
    String fullName(RegisteredSchema schema);

    Reader reader(RegisteredSchema writer, Type row, boolean bare, Map<String, String> properties);

    Writer writer(RegisteredSchema schema, Type row, boolean bare, Map<String, String> properties);

    /** Whether records can be read without their schema. */
    default boolean readsWithoutSchema() {
        return false;
    }

    /** The format of a name. */
    static SchemaFormat of(String format) {
        return switch (format) {
            case "AVRO" -> new AvroFormat();
            case "PROTOBUF" -> new ProtobufFormat();
            case "JSON_SR" -> new JsonSrFormat();
            default -> throw new IllegalArgumentException("no schemas in " + format);
        };
    }
}
