package lab.ksqldb.agg;

/** An aggregate function. States are values of the declared state type and are never changed in place. */
public interface Aggregate {
    Object initial();

    Object add(Object value, Object state);

    /** The state of what two states hold together, {@code left} having come first: session windows that grow into one. */
    Object merge(Object left, Object right);

    default Object result(Object state) {
        return state;
    }

    /** An aggregate by class name and argument type, as the planning side declares it. */
    static Aggregate of(String name, String type) {
        try {
            return (Aggregate) Class.forName("lab.ksqldb.agg." + name).getConstructor(String.class).newInstance(type);
        } catch (ReflectiveOperationException e) {
            throw new IllegalArgumentException("no aggregate " + name, e);
        }
    }

    /** Undoes {@link #add} so that the function works over tables too. */
    interface Undoable extends Aggregate {
        Object undo(Object value, Object state);
    }
}
