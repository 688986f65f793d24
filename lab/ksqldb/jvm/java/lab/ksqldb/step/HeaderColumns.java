package lab.ksqldb.step;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import lab.ksqldb.row.Row;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;

/** Columns of a row that hold a record's headers: all of them, or the last one of a name. */
public final class HeaderColumns {
    private final int at;
    private final String[] names;

    /** The columns stand from {@code at}; a null name stands for all headers. */
    public HeaderColumns(int at, String[] names) {
        this.at = at;
        this.names = names;
    }

    public void fill(Object[] columns, Headers headers) {
        for (int i = 0; i < names.length; i++) {
            columns[at + i] = names[i] == null ? all(headers) : last(headers, names[i]);
        }
    }

    private static List<Object> all(Headers headers) {
        List<Object> found = new ArrayList<>();
        for (Header header : headers) {
            found.add(new Row(new Object[] {header.key(), bytes(header)}));
        }
        return found;
    }

    private static ByteBuffer last(Headers headers, String name) {
        Header header = headers.lastHeader(name);
        return header == null ? null : bytes(header);
    }

    private static ByteBuffer bytes(Header header) {
        return header.value() == null ? null : ByteBuffer.wrap(header.value());
    }
}
