import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import java.util.LinkedHashMap;
import java.util.Map;

/** The same work in Java. */
public class Main implements RequestHandler<Map<String, Object>, Map<String, Object>> {
    private int count;

    @Override
    public Map<String, Object> handleRequest(Map<String, Object> event, Context context) {
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("count", ++count);
        answer.put("data", event.get("data"));
        return answer;
    }
}
