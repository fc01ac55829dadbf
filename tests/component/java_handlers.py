"""The Java classes that test_java_bootstrap.py runs."""

CASES = """
package t;

import com.amazonaws.services.lambda.crac.Core;
import com.amazonaws.services.lambda.crac.Resource;
import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.CustomPojoSerializer;
import com.amazonaws.services.lambda.runtime.LambdaLogger;
import com.amazonaws.services.lambda.runtime.LambdaRuntime;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import com.amazonaws.services.lambda.runtime.RequestStreamHandler;
import com.amazonaws.services.lambda.runtime.logging.LogLevel;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.reflect.Type;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;

public class Cases {
    public enum Color { RED, GREEN }

    public static class Inner {
        public long big;
        public boolean yes;
        public Map<String, Integer> map;
    }

    public static class Bean {
        private String name;
        private int n;
        private List<Inner> items;
        public Double open;
        private Date when;
        private Color color;
        private String URL;
        private final String secret = "s";

        public String getName() { return name; }
        public void setName(String name) { this.name = name; }
        public int getN() { return n; }
        public void setN(int n) { this.n = n; }
        public List<Inner> getItems() { return items; }
        public void setItems(List<Inner> items) { this.items = items; }
        public Date getWhen() { return when; }
        public void setWhen(Date when) { this.when = when; }
        public Color getColor() { return color; }
        public void setColor(Color color) { this.color = color; }
        public String getURL() { return URL; }
        public void setURL(String url) { this.URL = url; }
        public boolean isFine() { return true; }
    }

    public static class Values {
        public Instant instant;
        public LocalDate day;
        public LocalDateTime local;
        public Duration span;
        public UUID id;
        public byte[] bytes;
        public ByteBuffer buffer;
        public BigDecimal exact;
        public Optional<String> maybe;
        public int[] numbers;
        public Set<String> set;
    }

    public static class BeanToBean implements RequestHandler<Bean, Bean> {
        public Bean handleRequest(Bean bean, Context context) { return bean; }
    }

    public static class ValuesToValues implements RequestHandler<Values, Values> {
        public Values handleRequest(Values values, Context context) { return values; }
    }

    public static class Facts implements RequestHandler<Object, Map<String, Object>> {
        public Map<String, Object> handleRequest(Object event, Context context) {
            Map<String, Object> facts = new TreeMap<>();
            facts.put("event", event);
            facts.put("id", context.getAwsRequestId());
            facts.put("name", context.getFunctionName());
            facts.put("version", context.getFunctionVersion());
            facts.put("arn", context.getInvokedFunctionArn());
            facts.put("group", context.getLogGroupName());
            facts.put("stream", context.getLogStreamName());
            facts.put("memory", context.getMemoryLimitInMB());
            facts.put("left", context.getRemainingTimeInMillis() > 0);
            facts.put("tenant", context.getTenantId());
            facts.put("trace", System.getProperty("com.amazonaws.xray.traceHeader"));
            if (context.getIdentity() != null) {
                facts.put("identity", context.getIdentity().getIdentityId());
            }
            if (context.getClientContext() != null) {
                facts.put("custom", context.getClientContext().getCustom());
                facts.put("title", context.getClientContext().getClient().getAppTitle());
            }
            return facts;
        }
    }

    abstract static class Generic<I> implements RequestHandler<I, String> {
        public String handleRequest(I input, Context context) { return work(input); }
        abstract String work(I input);
    }

    public static class Concrete extends Generic<Inner> {
        String work(Inner inner) { return "big " + inner.big; }
    }

    public static class Untyped<T> implements RequestHandler<T, String> {
        public String handleRequest(T input, Context context) { return null; }
    }

    public static class Bytes implements RequestStreamHandler {
        public void handleRequest(InputStream in, OutputStream out, Context context)
                throws IOException {
            in.transferTo(out);
        }
    }

    public static class Logs implements RequestHandler<Object, String> {
        public String handleRequest(Object event, Context context) {
            LambdaLogger logger = context.getLogger();
            logger.log("two\\nlines");
            logger.log("told", LogLevel.WARN);
            logger.log("bytes".getBytes(), LogLevel.ERROR);
            logger.log("quiet", LogLevel.TRACE);
            LambdaRuntime.getLogger().log("\\u00fc");
            System.out.println("out");
            System.err.print("err");
            return null;
        }
    }

    public static class Fails implements RequestHandler<Object, String> {
        public String handleRequest(Object event, Context context) {
            try {
                throw new IOException("inner");
            } catch (IOException e) {
                throw new IllegalStateException("far", e);
            }
        }
    }

    public static class Exhausts implements RequestHandler<Object, String> {
        public String handleRequest(Object event, Context context) {
            throw new OutOfMemoryError("as if");
        }
    }

    public static class NeverMade implements RequestHandler<Object, String> {
        public NeverMade() { throw new IllegalStateException("no"); }
        public String handleRequest(Object event, Context context) { return null; }
    }

    public static class NeverLoaded implements RequestHandler<Object, String> {
        static final int X = Integer.parseInt("x");
        public String handleRequest(Object event, Context context) { return null; }
    }

    public static class Hooked implements RequestHandler<Object, String>, Resource {
        private String seen = "";

        public Hooked() { Core.getGlobalContext().register(this); }

        public void beforeCheckpoint(
                com.amazonaws.services.lambda.crac.Context<? extends Resource> context)
                throws Exception {
            seen += "before ";
            if (System.getenv("REFUSES") != null) {
                throw new IOException("not now");
            }
        }

        public void afterRestore(
                com.amazonaws.services.lambda.crac.Context<? extends Resource> context) {
            seen += "after";
        }

        public String handleRequest(Object event, Context context) { return seen; }
    }

    public static class Hello implements CustomPojoSerializer {
        @SuppressWarnings("unchecked")
        public <T> T fromJson(InputStream input, Type type) { return (T) "from mine"; }
        @SuppressWarnings("unchecked")
        public <T> T fromJson(String input, Type type) { return (T) "from mine"; }
        public <T> void toJson(T value, OutputStream output, Type type) {
            try {
                output.write(("\\"" + value + ", to mine\\"").getBytes());
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    public class NotStatic {
        public String work() { return null; }
    }

    public String work(Bean bean) { return bean.getName(); }
    public String named(String text, Context context) { return text + context.getFunctionName(); }
    public static int twice(int number) { return 2 * number; }
    public void nothing() {}
    public String either(String text) { return "one"; }
    public String either(String text, Context context) { return "two"; }
    public void copies(InputStream in, OutputStream out) throws IOException { in.transferTo(out); }
    public void says(OutputStream out, Context context) throws IOException { out.write('7'); }
    public String checked(String text) throws Exception { throw new Exception("declared"); }
    public String strange(String one, String two) { return null; }
    public List<Bean> all(List<Bean> beans) { return beans; }
    public Object loop(Object event) {
        List<Object> list = new java.util.ArrayList<>();
        list.add(list);
        return list;
    }
}
"""

RECORDS = """
package t;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import java.util.List;

public class Records implements RequestHandler<Records.Order, Records.Order> {
    public record Item(String name, int count) {}
    public record Order(long id, List<Item> items, Item gift) {}

    public Order handleRequest(Order order, Context context) { return order; }
}
"""

# A class of aws-lambda-java-events, as far as its names go: the client knows these.
EVENTS = """
package com.amazonaws.services.lambda.runtime.events;

import java.util.Date;
import java.util.List;

public class SQSEvent {
    private List<SQSMessage> records;

    public List<SQSMessage> getRecords() { return records; }
    public void setRecords(List<SQSMessage> records) { this.records = records; }

    public static class SQSMessage {
        private String body;
        private String eventSourceArn;
        private Date sent;

        public String getBody() { return body; }
        public void setBody(String body) { this.body = body; }
        public String getEventSourceArn() { return eventSourceArn; }
        public void setEventSourceArn(String arn) { eventSourceArn = arn; }
        public Date getSent() { return sent; }
        public void setSent(Date sent) { this.sent = sent; }
    }

    public SQSEvent same(SQSEvent event) { return event; }
}
"""
