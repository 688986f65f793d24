package lab.ksqldb.serde;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.Descriptors.Descriptor;
import java.io.IOException;
import java.util.Map;
import lab.ksqldb.row.Type;

/** Protobuf without a registry: the message alone, its fields numbered in the order of the columns. */
final class ProtobufNoSrCodec extends Codec {
    private final Descriptor message;
    private final ProtobufFormat.MessageReader reader;
    private final ProtoWriting.Members members;

    ProtobufNoSrCodec(Type row, Map<String, String> properties) {
        super(row.names.length);
        message = new ProtoSchema(ProtoText.of(row, null, ProtobufFormat.nullable(properties)), Map.of()).message((String) null);
        reader = new ProtobufFormat.MessageReader(message, row);
        members = ProtoWriting.members(row, message);
    }

    @Override
    public Object[] read(byte[] data, int extra) throws IOException {
        return reader.read(CodedInputStream.newInstance(data), extra);
    }

    @Override
    public byte[] write(String topic, Object[] columns) {
        return ProtoWriting.message(message, members, columns).toByteArray();
    }
}
