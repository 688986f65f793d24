package lab.ksqldb.agg;

/**
 * An aggregate function over one column's values, or over arrays of the values of several columns.
 * States are values of the declared state type and are never changed in place.
 */
public interface Aggregate {
    Object initial();

    Object add(Object value, Object state);

    /** The state of two groups that became one, as session windows do; {@code first} holds the earlier rows. */
    Object merge(Object first, Object second);

    default Object result(Object state) {
        return state;
    }

    /** An aggregate by class name, as the planning side declares it. */
    static Aggregate of(String name, Setup setup) {
        try {
            return (Aggregate) Class.forName("lab.ksqldb.agg." + name).getConstructor(Setup.class).newInstance(setup);
        } catch (java.lang.reflect.InvocationTargetException e) {
            throw new IllegalArgumentException("the aggregate " + name + " cannot be made: " + e.getCause().getMessage(), e);
        } catch (ReflectiveOperationException e) {
            throw new IllegalArgumentException("no aggregate " + name, e);
        }
    }

    /** Undoes {@link #add} so that the function works over tables too. */
    interface Undoable extends Aggregate {
        Object undo(Object value, Object state);
    }
}
