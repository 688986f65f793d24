package lab.ksqldb.fn;

/** A NULL met where a value was needed: the whole expression becomes NULL. Has no stack trace. */
public final class NullOperand extends RuntimeException {
    public static final NullOperand INSTANCE = new NullOperand();

    private NullOperand() {
        super("NULL operand", null, false, false);
    }
}
