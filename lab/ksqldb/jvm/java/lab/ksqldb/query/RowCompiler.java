package lab.ksqldb.query;

import java.lang.reflect.Constructor;
import java.util.LinkedHashMap;
import java.util.Map;
import lab.ksqldb.step.RowFunction;
import org.codehaus.commons.compiler.InternalCompilerException;
import org.codehaus.janino.SimpleCompiler;

/** Compiles generated classes. Equal sources give the same instance while they are remembered. */
public final class RowCompiler {
    private static final int REMEMBERED = 512;
    private static final Map<String, RowFunction> MADE =
            new LinkedHashMap<>(64, 0.75f, true) {
                @Override
                protected boolean removeEldestEntry(Map.Entry<String, RowFunction> eldest) {
                    return size() > REMEMBERED;
                }
            };

    private RowCompiler() {}

    /** The function of a source that holds one class of the given name. */
    public static RowFunction compile(String name, String source) throws Exception {
        synchronized (MADE) {
            RowFunction known = MADE.get(source);
            if (known != null) {
                return known;
            }
        }
        SimpleCompiler compiler = new SimpleCompiler();
        compiler.setParentClassLoader(RowCompiler.class.getClassLoader());
        try {
            compiler.cook(source);
        } catch (InternalCompilerException e) {
            Throwable reason = e;
            while (reason.getCause() != null) {
                reason = reason.getCause();
            }
            throw new IllegalArgumentException(reason.getMessage(), e);
        }
        Constructor<?> constructor = compiler.getClassLoader().loadClass("lab.ksqldb.gen." + name).getConstructor();
        RowFunction made = (RowFunction) constructor.newInstance();
        synchronized (MADE) {
            MADE.put(source, made);
        }
        return made;
    }
}
