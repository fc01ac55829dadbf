from flask import Flask

app = Flask(__name__)


@app.route("/")
def hello():
    print("asked")
    return {"hello": "world"}


def daily(event, context):
    print("a day")
