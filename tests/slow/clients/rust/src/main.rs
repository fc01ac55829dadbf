//! One function with a part per case, on AWS's own Rust client. The event's "do" chooses.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use futures::stream::{self, BoxStream, StreamExt};
use lambda_runtime::{run, service_fn, Error, FunctionResponse, LambdaEvent, StreamResponse};
use serde::Deserialize;
use serde_json::{json, Value};

#[derive(Deserialize)]
struct Event {
    r#do: String,
    #[serde(default)]
    value: Value,
    #[serde(default)]
    data: String,
    #[serde(default)]
    size: usize,
}

type Parts = BoxStream<'static, Result<String, Error>>;
type Answer = FunctionResponse<Value, Parts>;

static COUNT: AtomicU64 = AtomicU64::new(0);

async fn handle(event: LambdaEvent<Event>) -> Result<Answer, Error> {
    let Event { r#do, value, data, size } = &event.payload;
    println!("asked to {}", r#do);
    let answer = match r#do.as_str() {
        "echo" => value.clone(),
        "count" => json!(COUNT.fetch_add(1, Ordering::Relaxed) + 1),
        "bench" => json!({"count": COUNT.fetch_add(1, Ordering::Relaxed) + 1, "data": data}),
        "error" => return Err("not today".into()),
        "panic" => panic!("out of luck"),
        "exit" => std::process::exit(7),
        "sleep" => {
            tokio::time::sleep(Duration::from_secs(3600)).await;
            Value::Null
        }
        "length" => json!(data.len()),
        "large" => json!("x".repeat(*size)),
        "context" => describe(&event),
        "stream" | "stream-breaks" | "stream-stalls" => {
            return Ok(FunctionResponse::StreamingResponse(StreamResponse {
                metadata_prelude: Default::default(),
                stream: parts(r#do),
            }))
        }
        other => return Err(format!("unknown: {other}").into()),
    };
    Ok(FunctionResponse::BufferedResponse(answer))
}

fn describe(event: &LambdaEvent<Event>) -> Value {
    let context = &event.context;
    let remaining = context.deadline().duration_since(SystemTime::now());
    let client = context.client_context.as_ref();
    json!({
        "request_id": context.request_id,
        "arn": context.invoked_function_arn,
        "trace": context.xray_trace_id,
        "remaining_ms": remaining.map(|left| left.as_millis() as u64).unwrap_or(0),
        "app_title": client.map(|c| c.client.app_title.as_str()).unwrap_or(""),
        "custom": client.map(|c| c.custom.clone()).unwrap_or_else(HashMap::new),
        "function": context.env_config.function_name,
        "memory_mb": context.env_config.memory,
    })
}

fn parts(how: &str) -> Parts {
    let three = stream::iter((0..3).map(|n| Ok(format!("part {n}\n"))));
    match how {
        "stream-breaks" => three.chain(stream::iter([Err("broke off".into())])).boxed(),
        "stream-stalls" => three.chain(stream::pending()).boxed(),
        _ => three.boxed(),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    if std::env::var("INIT").as_deref() == Ok("exit") {
        std::process::exit(7);
    }
    run(service_fn(handle)).await
}
