import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.rocksdb.ColumnFamilyDescriptor;
import org.rocksdb.ColumnFamilyHandle;
import org.rocksdb.DBOptions;
import org.rocksdb.Options;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksIterator;

/**
 * Prints every record of RocksDB databases, which are opened read-only. The argument is a file with
 * a folder per line. A line of output is the folder's place in that file, the column family, and
 * key and value in hex, with tabs between; a column family without records has a line without these.
 */
public final class ReadStores {
    private ReadStores() {}

    public static void main(String[] arguments) throws Exception {
        RocksDB.loadLibrary();
        List<String> folders = Files.readAllLines(Path.of(arguments[0]));
        StringBuilder lines = new StringBuilder();
        for (int place = 0; place < folders.size(); place++) {
            read(place, folders.get(place), lines);
        }
        System.out.print(lines);
    }

    private static void read(int place, String folder, StringBuilder lines) throws Exception {
        List<ColumnFamilyDescriptor> families = new ArrayList<>();
        try (Options options = new Options()) {
            for (byte[] name : RocksDB.listColumnFamilies(options, folder)) {
                families.add(new ColumnFamilyDescriptor(name));
            }
        }
        List<ColumnFamilyHandle> handles = new ArrayList<>();
        try (DBOptions options = new DBOptions();
            RocksDB database = RocksDB.openReadOnly(options, folder, families, handles)) {
            for (ColumnFamilyHandle handle : handles) {
                String start = place + "\t" + new String(handle.getName(), "UTF-8");
                lines.append(start).append('\n');
                try (RocksIterator records = database.newIterator(handle)) {
                    for (records.seekToFirst(); records.isValid(); records.next()) {
                        lines.append(start)
                            .append('\t').append(HexFormat.of().formatHex(records.key()))
                            .append('\t').append(HexFormat.of().formatHex(records.value()))
                            .append('\n');
                    }
                    records.status();
                }
            }
            handles.forEach(ColumnFamilyHandle::close);
        }
    }
}
