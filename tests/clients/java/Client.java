import java.util.Arrays;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.s3.S3Client;

/**
 * Puts and gets an object for some seconds with one client of the AWS SDK for Java v2.
 *
 * <p>Usage: Client BUCKET SECONDS. The endpoint, the profile and the region come from the environment. It ends with
 * the first request that is refused.
 */
public final class Client {
    public static void main(String[] arguments) {
        String bucket = arguments[0];
        long duration = Long.parseLong(arguments[1]) * 1_000_000_000L;
        long start = System.nanoTime();
        try (S3Client client = S3Client.builder().forcePathStyle(true).build()) {
            for (int count = 0; System.nanoTime() - start < duration; count++) {
                String key = "k" + count;
                byte[] body = new byte[1000];
                Arrays.fill(body, (byte) count);
                client.putObject(request -> request.bucket(bucket).key(key), RequestBody.fromBytes(body));
                byte[] found = client.getObjectAsBytes(request -> request.bucket(bucket).key(key)).asByteArray();
                if (!Arrays.equals(found, body)) {
                    throw new IllegalStateException(key + " is not what was put");
                }
            }
        }
    }
}
