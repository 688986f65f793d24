package lab.ksqldb.serde;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.DynamicMessage;
import com.google.protobuf.TextFormat;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import lab.ksqldb.client.Printer;
import lab.ksqldb.registry.RegisteredSchema;
import lab.ksqldb.registry.Registry;
import lab.ksqldb.registry.RegistryException;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.io.DecoderFactory;

/** Shows bytes with the registry's header by the schema that they name. */
public final class RegistryDecoder implements Printer.Decoder {
    private static final int HEADER = 5;

    private interface Shown {
        String of(byte[] data) throws IOException;
    }

    private record Known(String format, Shown shown) {}

    private static final Known UNKNOWN = new Known("", data -> null);

    private final Map<Integer, Known> known = new ConcurrentHashMap<>();

    @Override
    public String[] decode(String topic, boolean isKey, byte[] data) {
        if (data.length < HEADER || data[0] != 0) {
            return null;
        }
        try {
            Known by = known.computeIfAbsent(ByteBuffer.wrap(data, 1, 4).getInt(), RegistryDecoder::find);
            String text = by.shown.of(data);
            return text == null ? null : new String[] {by.format, text};
        } catch (IOException | RuntimeException e) {
            return null;
        }
    }

    private static Known find(int id) {
        try {
            RegisteredSchema schema = Registry.installed().byId(id);
            return switch (schema.type()) {
                case "AVRO" -> new Known("AVRO", avro(schema));
                case "PROTOBUF" -> new Known("PROTOBUF", protobuf(schema));
                default -> new Known("JSON_SR", RegistryDecoder::json);
            };
        } catch (RegistryException e) {
            return e.status == 404 ? UNKNOWN : null;
        }
    }

    private static Shown avro(RegisteredSchema writer) {
        Schema schema = AvroFormat.parse(writer);
        GenericDatumReader<Object> reader = new GenericDatumReader<>(schema);
        return data -> String.valueOf(
                reader.read(null, DecoderFactory.get().binaryDecoder(data, HEADER, data.length - HEADER, null)));
    }

    private static Shown protobuf(RegisteredSchema writer) {
        ProtoSchema schema = new ProtoSchema(writer.text(), writer.references());
        return data -> {
            CodedInputStream in = CodedInputStream.newInstance(data, HEADER, data.length - HEADER);
            DynamicMessage message = DynamicMessage.parseFrom(schema.message(ProtobufFormat.path(in)), in);
            return TextFormat.printer().emittingSingleLine(true).printToString(message);
        };
    }

    private static String json(byte[] data) {
        return new String(data, HEADER, data.length - HEADER, StandardCharsets.UTF_8);
    }
}
