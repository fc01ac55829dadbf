resource "aws_iam_role" "worker" {
  name = "worker"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "lambda.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "logs" {
  role       = aws_iam_role.worker.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
}

resource "aws_iam_role_policy" "queue" {
  role = aws_iam_role.worker.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sqs:*", Resource = aws_sqs_queue.jobs.arn }]
  })
}

resource "aws_cloudwatch_log_group" "worker" {
  name              = "/aws/lambda/worker"
  retention_in_days = 7
  tags              = { team = var.team }
}

resource "aws_sqs_queue" "dead" {
  name = "dead"
}

resource "aws_sqs_queue" "jobs" {
  name                       = "jobs"
  visibility_timeout_seconds = 10 * var.size
  redrive_policy             = jsonencode({ deadLetterTargetArn = aws_sqs_queue.dead.arn, maxReceiveCount = 3 })
  tags                       = { team = var.team }
}

resource "aws_sqs_queue_policy" "jobs" {
  queue_url = aws_sqs_queue.jobs.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "s3.amazonaws.com" }
      Action    = "sqs:SendMessage"
      Resource  = aws_sqs_queue.jobs.arn
    }]
  })
}

resource "aws_lambda_layer_version" "words" {
  layer_name          = "words"
  filename            = "layer.zip"
  source_code_hash    = filebase64sha256("layer.zip")
  compatible_runtimes = [var.runtime]
}

resource "aws_lambda_code_signing_config" "warn" {
  description = "only warns"
  allowed_publishers {
    signing_profile_version_arns = ["arn:aws:signer:eu-central-1:000000000000:/signing-profiles/ours/abcdefghij"]
  }
  policies { untrusted_artifact_on_deployment = "Warn" }
}

resource "aws_lambda_function" "worker" {
  function_name                  = "worker"
  role                           = aws_iam_role.worker.arn
  filename                       = "src.zip"
  source_code_hash               = filebase64sha256("src.zip")
  handler                        = "app.handler"
  runtime                        = var.runtime
  timeout                        = 10
  publish                        = true
  layers                         = [aws_lambda_layer_version.words.arn]
  code_signing_config_arn        = aws_lambda_code_signing_config.warn.arn
  reserved_concurrent_executions = 4 * var.size
  environment {
    variables = { GREETING = var.greeting }
  }
  tracing_config { mode = "PassThrough" }
  dead_letter_config { target_arn = aws_sqs_queue.dead.arn }
  tags       = { team = var.team }
  depends_on = [aws_cloudwatch_log_group.worker, aws_iam_role_policy_attachment.logs]
}

resource "aws_lambda_alias" "live" {
  name             = "live"
  function_name    = aws_lambda_function.worker.function_name
  function_version = aws_lambda_function.worker.version
}

resource "aws_lambda_provisioned_concurrency_config" "live" {
  function_name                     = aws_lambda_alias.live.function_name
  qualifier                         = aws_lambda_alias.live.name
  provisioned_concurrent_executions = 1
}

resource "aws_lambda_function_event_invoke_config" "worker" {
  function_name                = aws_lambda_function.worker.function_name
  maximum_retry_attempts       = 1
  maximum_event_age_in_seconds = 60
  destination_config {
    on_failure { destination = aws_sqs_queue.dead.arn }
  }
}
