def handler(event: object, context: object) -> str:
    print("event", event)
    return "hello"
