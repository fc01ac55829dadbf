package stoker.json;

import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/**
 * The members of AWS's events, where they are called otherwise than the properties of their
 * classes in aws-lambda-java-events: "SQSMessage eventSourceArn" is "eventSourceARN".
 *
 * <p>AWS's client keeps this knowledge beside the library, too; it reads no annotations.
 */
final class Names {
    private static final String EVENTS = "com.amazonaws.services.lambda.runtime.events.";
    private static final String OLD_S3 = "com.amazonaws.services.s3.event.";
    private static final String S3_MODELS = EVENTS + "models.s3.";
    private static final Map<String, String> BY_PROPERTY = new HashMap<>();

    static {
        for (String event : new String[] {"SQSEvent", "SNSEvent", "KinesisEvent", "DynamodbEvent",
            "CloudFrontEvent", "CodeCommitEvent", "models.s3.S3EventNotification"}) {
            add(event, "records=Records");
        }
        add("SQSEvent$SQSMessage", "eventSourceArn=eventSourceARN");
        add("SNSEvent$SNSRecord", "SNS=Sns");
        add("DynamodbEvent$DynamodbStreamRecord", "eventSourceArn=eventSourceARN");
        add("DynamodbTimeWindowEvent", "eventSourceArn=eventSourceARN");
        add("KinesisTimeWindowEvent", "eventSourceArn=eventSourceARN");
        add("KinesisEvent$KinesisEventRecord", "eventSourceArn=eventSourceARN");
        add("CodeCommitEvent$Record", "codeCommit=codecommit eventSourceArn=eventSourceARN "
                + "userIdentityArn=userIdentityARN");
        add("CloudWatchLogsEvent", "awsLogs=awslogs");
        add("ScheduledEvent", "detailType=detail-type");
        add("CloudFormationCustomResourceEvent", "responseUrl=ResponseURL");
        add("ConnectEvent$ContactData", "instanceArn=InstanceARN");
        add("models.dynamodb.AttributeValue", "s=S n=N b=B m=M l=L");
        add("models.s3.S3EventNotification$ResponseElementsEntity",
                "xAmzId2=x-amz-id-2 xAmzRequestId=x-amz-request-id");
    }

    private Names() {}

    private static void add(String type, String pairs) {
        for (String pair : pairs.split(" ")) {
            int equals = pair.indexOf('=');
            String property = type + " " + pair.substring(0, equals);
            BY_PROPERTY.put(property, pair.substring(equals + 1));
        }
    }

    /** The member's name of a property that a class, or one above it, has. */
    static String member(Class<?> type, String property) {
        for (Class<?> each = type; each != null && isOfAws(each); each = each.getSuperclass()) {
            String name = local(each);
            String found = BY_PROPERTY.get(name + " " + property);
            if (found != null) {
                return found;
            }
            if (isCapitalized(name)) {
                return property.substring(0, 1).toUpperCase(Locale.ROOT) + property.substring(1);
            }
        }
        return property;
    }

    private static boolean isCapitalized(String name) {
        return name.startsWith("SNSEvent") || name.startsWith("ConnectEvent")
                || name.equals("CloudFormationCustomResourceEvent")
                || name.equals("SecretsManagerRotationEvent")
                || name.equals("models.dynamodb.StreamRecord");
    }

    private static String local(Class<?> type) {
        String name = type.getName();
        return name.startsWith(OLD_S3) ? "models.s3." + name.substring(OLD_S3.length())
                : name.substring(EVENTS.length());
    }

    /** In these, times are seconds. */
    static boolean isOfAws(Class<?> type) {
        return type.getName().startsWith(EVENTS) || type.getName().startsWith(OLD_S3);
    }

    /** These are made by their constructors, which take the fields in their order. */
    static boolean isImmutable(Class<?> type) {
        String name = type.getName();
        return name.startsWith(S3_MODELS) || name.startsWith(OLD_S3)
                || name.equals(EVENTS + "S3Event");
    }
}
