package lab.ksqldb.serde;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import lab.ksqldb.registry.RegisteredSchema;
import lab.ksqldb.registry.Registry;
import lab.ksqldb.registry.RegistryException;
import lab.ksqldb.row.Type;

/**
 * Records with the registry's header: a zero byte and the id of the schema they were written with. Columns are read by
 * that schema. They are written by ksqlDB's own, which is registered at the first record of a topic, or by the one that
 * the property {@code schemaId} names.
 */
final class RegistryCodec extends Codec {
    private static final int HEADER = 5;

    private final SchemaFormat format;
    private final Type row;
    private final boolean bare;
    private final boolean key;
    private final Map<String, String> properties;
    private final Map<Integer, SchemaFormat.Reader> readers = new ConcurrentHashMap<>();
    private final Map<String, Target> targets = new ConcurrentHashMap<>();

    private final RegisteredSchema fallback;

    private record Target(int id, SchemaFormat.Writer writer) {}

    RegistryCodec(SchemaFormat format, Type row, boolean bare, boolean key, Map<String, String> properties) {
        this(format, row, bare, key, properties, null);
    }

    /** {@code fallback} is what records are written by if the registry refuses ksqlDB's schema; may be null. */
    private RegistryCodec(
            SchemaFormat format, Type row, boolean bare, boolean key, Map<String, String> properties,
            RegisteredSchema fallback) {
        super(row.names.length);
        this.fallback = fallback;
        this.format = format;
        this.row = row;
        this.bare = bare;
        this.key = key;
        this.properties = Map.copyOf(properties);
    }

    static String subject(String topic, boolean key) {
        return topic + (key ? "-key" : "-value");
    }

    @Override
    public Object[] read(byte[] data, int extra) throws IOException {
        if (data.length < HEADER || data[0] != 0) {
            throw new IllegalArgumentException(
                    data.length < HEADER ? "Too few bytes for a schema id: " + data.length : "Unknown magic byte: " + data[0]);
        }
        int id = ByteBuffer.wrap(data, 1, 4).getInt();
        SchemaFormat.Reader reader = readers.get(id);
        if (reader == null) {
            reader = reader(id);
            readers.put(id, reader);
        }
        return reader.read(data, HEADER, extra);
    }

    private SchemaFormat.Reader reader(int id) {
        if (format.readsWithoutSchema()) {
            return format.reader(null, row, bare, properties);
        }
        RegisteredSchema writer = Registry.installed().forReading(id);
        if (!writer.type().equals(format.registryType())) {
            throw new IllegalArgumentException("Schema " + id + " is " + writer.type() + ", not " + format.registryType());
        }
        return format.reader(writer, row, bare, properties);
    }

    @Override
    public byte[] write(String topic, Object[] columns) throws IOException {
        if (bare && columns[0] == null) {
            return null;
        }
        Target target = targets.get(topic);
        if (target == null) {
            target = target(topic);
            targets.put(topic, target);
        }
        ByteArrayOutputStream out = new ByteArrayOutputStream(128);
        out.write(0);
        out.write(target.id >> 24);
        out.write(target.id >> 16);
        out.write(target.id >> 8);
        out.write(target.id);
        target.writer.write(columns, out);
        return out.toByteArray();
    }

    private Target target(String topic) {
        Registry registry = Registry.installed();
        String given = properties.get("schemaId");
        if (given != null) {
            RegisteredSchema schema = registry.byId(Integer.parseInt(given));
            return new Target(schema.id(), format.writer(schema, row, bare, properties));
        }
        String text = format.schema(row, bare, properties);
        int id;
        try {
            id = registry.register(subject(topic, key), format.registryType(), text);
        } catch (RegistryException e) {
            return instead(e);
        }
        RegisteredSchema own = new RegisteredSchema(id, format.registryType(), text, Map.of());
        return new Target(id, format.writer(own, row, bare, properties));
    }

    private Target instead(RegistryException refused) {
        if (fallback == null || refused.status != 409) {
            throw refused;
        }
        try {
            return new Target(fallback.id(), format.writer(fallback, row, bare, properties));
        } catch (IllegalArgumentException e) {
            throw refused;
        }
    }

    /**
     * The codec for single records from a client. The schema of a value takes the name of the topic's latest one, so
     * that it can be the next version of it. Keys are written by the latest schema itself: of equal keys the bytes must
     * be equal too.
     */
    @Override
    public Codec named(String topic) {
        if (properties.containsKey("schemaId")) {
            return this;
        }
        RegisteredSchema latest = Registry.installed().latest(subject(topic, key));
        if (latest == null || !latest.type().equals(format.registryType())) {
            return this;
        }
        if (key) {
            return withKeySchema(topic, latest);
        }
        String name = format.fullName(latest);
        if (name == null) {
            return this;
        }
        Map<String, String> named = new HashMap<>(properties);
        named.put("fullSchemaName", name);
        return new RegistryCodec(format, row, bare, key, named, latest);
    }

    private Codec withKeySchema(String topic, RegisteredSchema latest) {
        String own = format.schema(row, bare, properties);
        RegisteredSchema generated = new RegisteredSchema(0, format.registryType(), own, Map.of());
        Map<String, String> plain = new HashMap<>(properties);
        plain.remove("fullSchemaName");
        String wanted = format.columns(generated, "ROWKEY", bare, true, plain);
        if (!wanted.equals(format.columns(latest, "ROWKEY", bare, true, plain))) {
            throw new IllegalArgumentException(
                    "ksqlDB generated schema would overwrite existing key schema of topic " + topic + ". Existing schema: "
                            + latest.text() + " ksqlDB generated: " + own);
        }
        plain.put("schemaId", Integer.toString(latest.id()));
        return new RegistryCodec(format, row, bare, key, plain);
    }
}
