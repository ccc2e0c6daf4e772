import com.amazonaws.services.dynamodbv2.local.server.LocalDynamoDBRequestHandler;
import com.amazonaws.services.dynamodbv2.local.server.LocalDynamoDBServerHandler;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;

/**
 * AWS DynamoDB Local, in memory, on this machine's loopback address.
 *
 * Its own command line listens on every address and cannot be told otherwise. Run as
 * `java -cp ... LoopbackDynamoDbLocal.java PORT`; it ends with the process that started it.
 */
public final class LoopbackDynamoDbLocal {
    private LoopbackDynamoDbLocal() { }

    public static void main(String[] arguments) throws Exception {
        Server server = new Server();
        ServerConnector connector = new ServerConnector(server);
        connector.setHost("127.0.0.1");
        connector.setPort(Integer.parseInt(arguments[0]));
        server.addConnector(connector);
        boolean inMemory = true;
        boolean sharedByAllCredentials = true;
        boolean delayTransientStatuses = false;
        server.setHandler(new LocalDynamoDBServerHandler(
            new LocalDynamoDBRequestHandler(
                0, inMemory, null, sharedByAllCredentials, delayTransientStatuses),
            null));
        server.start();
        while (System.in.read() >= 0) { }
        System.exit(0);
    }
}
