package lab.ksqldb.serde;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.util.Map;
import lab.ksqldb.registry.RegisteredSchema;
import lab.ksqldb.row.Type;

/** JSON with a schema in the registry. JSON tells its own names: records are read without their schema. */
final class JsonSrFormat implements SchemaFormat {
    @Override
    public String registryType() {
        return "JSON";
    }

    @Override
    public boolean readsWithoutSchema() {
        return true;
    }

    @Override
    public String schema(Type row, boolean bare, Map<String, String> properties) {
        return JsonSchemas.ofRow(row, bare, properties.get("fullSchemaName"));
    }

    @Override
    public String columns(
            RegisteredSchema schema, String bareName, boolean bare, boolean upperCase, Map<String, String> properties) {
        return JsonSchemas.columns(schema.text(), schema.references(), bareName, bare, upperCase);
    }

    @Override
    public String fullName(RegisteredSchema schema) {
        return JsonSchemas.title(schema.text());
    }

    @Override
    public Reader reader(RegisteredSchema writer, Type row, boolean bare, Map<String, String> properties) {
        Json json = new Json(bare ? row.parts[0] : row);
        int count = row.names.length;
        return (data, from, extra) -> {
            try (JsonParser in = Json.FACTORY.createParser(data, from, data.length - from)) {
                JsonToken first = in.nextToken();
                if (!bare && (first == null || first == JsonToken.VALUE_NULL)) {
                    return null;
                }
                Object[] columns = new Object[count + extra];
                if (bare) {
                    columns[0] = json.read(in);
                } else {
                    json.readMembers(in, columns);
                }
                return columns;
            }
        };
    }

    @Override
    public Writer writer(RegisteredSchema target, Type row, boolean bare, Map<String, String> properties) {
        Json json = new Json(bare ? row.parts[0] : row);
        return (columns, out) -> {
            JsonGenerator generator = Json.FACTORY.createGenerator(out);
            if (bare) {
                json.write(generator, columns[0]);
            } else {
                json.writeMembers(generator, columns);
            }
            generator.flush();
        };
    }
}
