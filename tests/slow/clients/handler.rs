use lambda_runtime::{run, service_fn, Error, LambdaEvent};
use serde_json::{json, Value};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

static COUNT: AtomicU64 = AtomicU64::new(0);

async fn handle(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let count = COUNT.fetch_add(1, Ordering::SeqCst) + 1;
    match event.payload["mode"].as_str() {
        Some("fail") => return Err("handled".into()),
        Some("crash") => std::process::exit(3),
        Some("sleep") => std::thread::sleep(Duration::from_secs(3600)),
        _ => {}
    }
    Ok(json!({"count": count, "text": event.payload["text"]}))
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    run(service_fn(handle)).await
}
