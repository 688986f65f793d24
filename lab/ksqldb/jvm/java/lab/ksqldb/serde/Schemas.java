package lab.ksqldb.serde;

import java.util.Map;
import lab.ksqldb.registry.RegisteredSchema;
import lab.ksqldb.registry.Registry;
import lab.ksqldb.row.Type;

/** What statements ask about schemas in the registry. */
public final class Schemas {
    private Schemas() {}

    /**
     * The columns of a topic's latest schema, or of the one of an id ({@code id} below 0: none), as a STRUCT; null when
     * there is no such schema.
     */
    public static String columns(
            String format, String topic, boolean key, int id, boolean bare, Map<String, String> properties) {
        RegisteredSchema schema = id < 0
                ? Registry.installed().latest(RegistryCodec.subject(topic, key))
                : Registry.installed().byId(id);
        if (schema == null) {
            return null;
        }
        SchemaFormat made = SchemaFormat.of(format);
        if (!schema.type().equals(made.registryType())) {
            throw new IllegalArgumentException(
                    "the schema is " + schema.type() + ", but the format " + format + " needs " + made.registryType());
        }
        return made.columns(schema, key ? "ROWKEY" : "ROWVAL", bare, id < 0, properties);
    }

    /** The schema that ksqlDB gives columns. */
    public static String text(String format, String struct, boolean wrapped, Map<String, String> properties) {
        Type row = Type.parse(struct);
        return SchemaFormat.of(format).schema(row, !wrapped && row.names.length == 1, properties);
    }

    /** Whether the topic has a schema. */
    public static boolean exists(String topic, boolean key) {
        return Registry.installed().latest(RegistryCodec.subject(topic, key)) != null;
    }

    /** Registers what {@code text} gives; with the property {@code schemaId}, the schema of that id. */
    public static void register(
            String format, String struct, boolean wrapped, String topic, boolean key, Map<String, String> properties) {
        String subject = RegistryCodec.subject(topic, key);
        String id = properties.get("schemaId");
        if (id != null) {
            Registry.installed().registerAgain(subject, Integer.parseInt(id));
            return;
        }
        Registry.installed()
                .register(subject, SchemaFormat.of(format).registryType(), text(format, struct, wrapped, properties));
    }

    public static void delete(String topic, boolean key) {
        Registry.installed().delete(RegistryCodec.subject(topic, key));
    }
}
