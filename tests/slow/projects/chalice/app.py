from chalice import AuthResponse, Chalice, Rate, Response

app = Chalice(app_name="site")


@app.authorizer()
def asks(request):
    return AuthResponse(routes=["*"] if request.token == "yes" else [], principal_id="me")


@app.route("/")
def index():
    return {"hello": "world"}


@app.route("/users/{name}", methods=["POST"], cors=True)
def users(name):
    body = {"name": name, "sent": app.current_request.json_body}
    return Response(body=body, status_code=201)


@app.route("/guarded", authorizer=asks)
def guarded():
    return {"who": app.current_request.context["authorizer"]["principalId"]}


@app.schedule(Rate(1, unit=Rate.DAYS))
def daily(event):
    print("a day", event.time)


@app.on_sqs_message(queue="jobs-of-chalice", batch_size=5)
def worker(event):
    for record in event:
        print("job", record.body)


@app.on_s3_event(bucket="files-of-chalice", events=["s3:ObjectCreated:*"])
def files(event):
    print("file", event.key)


@app.on_sns_message(topic="news-of-chalice")
def reader(event):
    print("news", event.message)


@app.lambda_function()
def plain(event, context):
    print("plain", event)
    return {"plain": event}
