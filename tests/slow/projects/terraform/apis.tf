resource "aws_apigatewayv2_api" "site" {
  name          = "site"
  protocol_type = "HTTP"
}

resource "aws_apigatewayv2_integration" "site" {
  api_id                 = aws_apigatewayv2_api.site.id
  integration_type       = "AWS_PROXY"
  integration_uri        = aws_lambda_alias.live.invoke_arn
  payload_format_version = "2.0"
}

resource "aws_apigatewayv2_route" "site" {
  api_id    = aws_apigatewayv2_api.site.id
  route_key = "GET /hello"
  target    = "integrations/${aws_apigatewayv2_integration.site.id}"
}

resource "aws_apigatewayv2_stage" "site" {
  api_id      = aws_apigatewayv2_api.site.id
  name        = "$default"
  auto_deploy = true
}

resource "aws_lambda_permission" "site" {
  statement_id  = "site"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.worker.function_name
  qualifier     = aws_lambda_alias.live.name
  principal     = "apigateway.amazonaws.com"
}

resource "aws_api_gateway_rest_api" "rest" {
  name = "rest"
}

resource "aws_api_gateway_resource" "hello" {
  rest_api_id = aws_api_gateway_rest_api.rest.id
  parent_id   = aws_api_gateway_rest_api.rest.root_resource_id
  path_part   = "hello"
}

resource "aws_api_gateway_method" "hello" {
  rest_api_id   = aws_api_gateway_rest_api.rest.id
  resource_id   = aws_api_gateway_resource.hello.id
  http_method   = "GET"
  authorization = "NONE"
}

resource "aws_api_gateway_integration" "hello" {
  rest_api_id             = aws_api_gateway_rest_api.rest.id
  resource_id             = aws_api_gateway_resource.hello.id
  http_method             = aws_api_gateway_method.hello.http_method
  integration_http_method = "POST"
  type                    = "AWS_PROXY"
  uri                     = aws_lambda_alias.live.invoke_arn
}

resource "aws_api_gateway_deployment" "rest" {
  rest_api_id = aws_api_gateway_rest_api.rest.id
  depends_on  = [aws_api_gateway_integration.hello]
}

resource "aws_api_gateway_stage" "dev" {
  rest_api_id   = aws_api_gateway_rest_api.rest.id
  deployment_id = aws_api_gateway_deployment.rest.id
  stage_name    = "dev"
}

output "version" { value = aws_lambda_function.worker.version }
output "site" { value = aws_apigatewayv2_api.site.id }
output "rest" { value = aws_api_gateway_rest_api.rest.id }
