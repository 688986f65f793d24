package lab.ksqldb.serde;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.DynamicMessage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import lab.ksqldb.registry.RegisteredSchema;
import lab.ksqldb.row.Type;

/** Protobuf: before the message stands which message of the schema it is, as a path of indexes. */
final class ProtobufFormat implements SchemaFormat {
    @Override
    public String registryType() {
        return "PROTOBUF";
    }

    static String nullable(Map<String, String> properties) {
        return properties.get("nullableRepresentation");
    }

    @Override
    public String schema(Type row, boolean bare, Map<String, String> properties) {
        return ProtoText.of(row, properties.get("fullSchemaName"), nullable(properties));
    }

    private static ProtoSchema parse(RegisteredSchema schema) {
        return new ProtoSchema(schema.text(), schema.references());
    }

    @Override
    public String columns(
            RegisteredSchema schema, String bareName, boolean bare, boolean upperCase, Map<String, String> properties) {
        ProtoSchema parsed = parse(schema);
        Descriptor message = parsed.message(properties.get("fullSchemaName"));
        return ProtoTypes.columns(parsed, message, upperCase, "WRAPPER".equals(nullable(properties)));
    }

    @Override
    public String fullName(RegisteredSchema schema) {
        return parse(schema).message((String) null).getFullName();
    }

    @Override
    public Reader reader(RegisteredSchema writer, Type row, boolean bare, Map<String, String> properties) {
        ProtoSchema schema = parse(writer);
        Map<String, MessageReader> readers = new ConcurrentHashMap<>();
        return (data, from, extra) -> {
            CodedInputStream in = CodedInputStream.newInstance(data, from, data.length - from);
            int[] path = path(in);
            MessageReader reader =
                    readers.computeIfAbsent(Arrays.toString(path), p -> new MessageReader(schema.message(path), row));
            return reader.read(in, extra);
        };
    }

    /** The path of the message; a single zero byte stands for the first message. */
    static int[] path(CodedInputStream in) throws IOException {
        int count = in.readSInt32();
        if (count < 0 || count > 100) {
            throw new IllegalArgumentException("Invalid message indexes: " + count);
        }
        int[] path = new int[Math.max(count, 1)];
        for (int i = 0; i < count; i++) {
            path[i] = in.readSInt32();
        }
        return path;
    }

    /** Reads messages of one descriptor into rows. */
    static final class MessageReader {
        private final Descriptor message;
        private final ProtoReading.Members members;
        private final int count;

        MessageReader(Descriptor message, Type row) {
            this.message = message;
            members = ProtoReading.members(message, row);
            count = row.names.length;
        }

        Object[] read(CodedInputStream in, int extra) throws IOException {
            DynamicMessage found = DynamicMessage.parseFrom(message, in);
            Object[] columns = new Object[count + extra];
            members.read(found, columns);
            return columns;
        }
    }

    @Override
    public Writer writer(RegisteredSchema target, Type row, boolean bare, Map<String, String> properties) {
        ProtoSchema schema = parse(target);
        Descriptor message = schema.message(properties.get("fullSchemaName"));
        ProtoWriting.Members members = ProtoWriting.members(row, message);
        int index = message.getIndex();
        return (Object[] columns, ByteArrayOutputStream out) -> {
            CodedOutputStream coded = CodedOutputStream.newInstance(out, 128);
            if (index == 0) {
                coded.writeSInt32NoTag(0);
            } else {
                coded.writeSInt32NoTag(1);
                coded.writeSInt32NoTag(index);
            }
            ProtoWriting.message(message, members, columns).writeTo(coded);
            coded.flush();
        };
    }
}
