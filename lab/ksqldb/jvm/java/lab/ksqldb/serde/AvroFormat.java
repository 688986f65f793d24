package lab.ksqldb.serde;

import java.io.ByteArrayOutputStream;
import java.util.Map;
import lab.ksqldb.registry.RegisteredSchema;
import lab.ksqldb.row.Type;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;

/** Avro: records are read by their writer's schema, columns found by name in any case. */
final class AvroFormat implements SchemaFormat {
    // Without conversions: values are what the encoding has, and logical types are ours to read.
    private static final GenericData PLAIN = new GenericData();

    @Override
    public String registryType() {
        return "AVRO";
    }

    @Override
    public String schema(Type row, boolean bare, Map<String, String> properties) {
        return AvroSchemas.ofRow(row, bare, properties.getOrDefault("fullSchemaName", AvroSchemas.DEFAULT_NAME)).toString();
    }

    @Override
    public String columns(
            RegisteredSchema schema, String bareName, boolean bare, boolean upperCase, Map<String, String> properties) {
        return AvroSchemas.columns(parse(schema), bareName, bare, upperCase);
    }

    @Override
    public String fullName(RegisteredSchema schema) {
        Schema parsed = AvroSchemas.withoutNull(parse(schema));
        return parsed.getType() == Schema.Type.RECORD ? parsed.getFullName() : null;
    }

    static Schema parse(RegisteredSchema schema) {
        Schema.Parser parser = new Schema.Parser();
        parser.setValidateDefaults(false);
        for (String reference : schema.references().values()) {
            parser.parse(reference);
        }
        return parser.parse(schema.text());
    }

    @Override
    public Reader reader(RegisteredSchema writer, Type row, boolean bare, Map<String, String> properties) {
        Schema schema = parse(writer);
        AvroValues.FromAvro value = bare ? AvroValues.reading(schema, row.parts[0]) : null;
        AvroValues.Members members = bare ? null : AvroValues.members(schema, row);
        int count = row.names.length;
        GenericDatumReader<Object> datum = new GenericDatumReader<>(schema, schema, PLAIN);
        return (data, from, extra) -> {
            Object read = datum.read(null, DecoderFactory.get().binaryDecoder(data, from, data.length - from, null));
            Object[] columns = new Object[count + extra];
            if (value != null) {
                columns[0] = value.of(read);
            } else if (read == null) {
                return null;
            } else {
                members.read(read, columns);
            }
            return columns;
        };
    }

    @Override
    public Writer writer(RegisteredSchema target, Type row, boolean bare, Map<String, String> properties) {
        Schema schema = parse(target);
        AvroValues.ToAvro value = bare ? AvroValues.writing(row.parts[0], schema) : AvroValues.writing(row, schema);
        GenericDatumWriter<Object> datum = new GenericDatumWriter<>(schema, PLAIN);
        return (Object[] columns, ByteArrayOutputStream out) -> {
            BinaryEncoder encoder = EncoderFactory.get().directBinaryEncoder(out, null);
            datum.write(value.of(bare ? columns[0] : columns), encoder);
            encoder.flush();
        };
    }
}
