package example;

import java.util.Map;

// Compile it again after a change, and deploy the package with the class:
//     javac --release 11 example/Hello.java
public class Hello {
  public Map<String, Object> handleRequest(Map<String, Object> event) {
    System.out.println("event " + event.keySet());
    return Map.of("statusCode", 200, "body", "\"Hello from Stoker!\"");
  }
}
