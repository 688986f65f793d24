package lab.ksqldb.registry;

/** The registry refused a request, or could not be asked: then {@code status} is 0. */
public final class RegistryException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public final int status;

    RegistryException(int status, String message, Throwable cause) {
        super(message, cause);
        this.status = status;
    }

    /** Whether asking again later may help. */
    public boolean temporary() {
        return status == 0 || status >= 500;
    }
}
