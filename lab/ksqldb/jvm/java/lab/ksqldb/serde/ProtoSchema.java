package lab.ksqldb.serde;

import com.google.protobuf.AnyProto;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.DescriptorValidationException;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.DurationProto;
import com.google.protobuf.EmptyProto;
import com.google.protobuf.FieldMaskProto;
import com.google.protobuf.StructProto;
import com.google.protobuf.TimestampProto;
import com.google.protobuf.WrappersProto;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A .proto text with its imports, resolved. */
final class ProtoSchema {
    /** The files that protobuf's and Confluent's tools always have at hand, beside those of the Java library. */
    private static final Map<String, String> KNOWN = Map.of(
            "google/type/date.proto",
            "syntax = \"proto3\"; package google.type; message Date { int32 year = 1; int32 month = 2; int32 day = 3; }",
            "google/type/timeofday.proto",
            "syntax = \"proto3\"; package google.type;"
                    + " message TimeOfDay { int32 hours = 1; int32 minutes = 2; int32 seconds = 3; int32 nanos = 4; }",
            "confluent/meta.proto", "syntax = \"proto3\"; package confluent;",
            "confluent/type/decimal.proto",
            "syntax = \"proto3\"; package confluent.type;"
                    + " message Decimal { bytes value = 1; uint32 precision = 2; int32 scale = 3; }");

    private final Map<String, String> texts;
    private final Map<String, FileDescriptor> files = new HashMap<>();
    private final Map<String, Map<String, String>> parameters = new HashMap<>();
    final FileDescriptor file;

    /** {@code imports} are texts by the names they are imported under. */
    ProtoSchema(String text, Map<String, String> imports) {
        texts = imports;
        file = build("schema.proto", text);
        if (file.getMessageTypes().isEmpty()) {
            throw new IllegalArgumentException("the .proto text has no message");
        }
    }

    private FileDescriptor build(String name, String text) {
        ProtoParser.File parsed = ProtoParser.parse(name, text);
        parameters.putAll(parsed.parameters());
        List<FileDescriptor> needed = parsed.descriptor().getDependencyList().stream().map(this::imported).toList();
        try {
            return FileDescriptor.buildFrom(parsed.descriptor(), needed.toArray(new FileDescriptor[0]));
        } catch (DescriptorValidationException e) {
            throw new IllegalArgumentException("not a Protobuf schema: " + e.getMessage(), e);
        }
    }

    private FileDescriptor imported(String name) {
        FileDescriptor found = files.get(name);
        if (found == null) {
            found = ofLibrary(name);
            if (found == null) {
                String text = texts.getOrDefault(name, KNOWN.get(name));
                if (text == null) {
                    throw new IllegalArgumentException("the Protobuf schema imports what is not known: " + name);
                }
                found = build(name, text);
            }
            files.put(name, found);
        }
        return found;
    }

    private static FileDescriptor ofLibrary(String name) {
        return switch (name) {
            case "google/protobuf/timestamp.proto" -> TimestampProto.getDescriptor();
            case "google/protobuf/wrappers.proto" -> WrappersProto.getDescriptor();
            case "google/protobuf/any.proto" -> AnyProto.getDescriptor();
            case "google/protobuf/duration.proto" -> DurationProto.getDescriptor();
            case "google/protobuf/empty.proto" -> EmptyProto.getDescriptor();
            case "google/protobuf/field_mask.proto" -> FieldMaskProto.getDescriptor();
            case "google/protobuf/struct.proto" -> StructProto.getDescriptor();
            default -> null;
        };
    }

    /** The first message, or the one of a full name. */
    Descriptor message(String fullName) {
        if (fullName == null) {
            return file.getMessageTypes().get(0);
        }
        for (Descriptor message : file.getMessageTypes()) {
            if (message.getFullName().equals(fullName)) {
                return message;
            }
        }
        throw new IllegalArgumentException("The schema has no message " + fullName);
    }

    /** The message of a path of indexes, as records name it. */
    Descriptor message(int[] path) {
        Descriptor message = null;
        for (int index : path) {
            List<Descriptor> choice = message == null ? file.getMessageTypes() : message.getNestedTypes();
            if (index < 0 || index >= choice.size()) {
                throw new IllegalArgumentException("Invalid message indexes: " + java.util.Arrays.toString(path));
            }
            message = choice.get(index);
        }
        return message;
    }

    /** A whole number among a field's parameters, or the fallback. */
    int parameter(FieldDescriptor field, String name, int fallback) {
        String found = parameters.getOrDefault(field.getFullName(), Map.of()).get(name);
        return found == null ? fallback : Integer.parseInt(found);
    }
}
