import os

import aws_cdk as cdk
from aws_cdk import (
    aws_apigatewayv2,
    aws_apigatewayv2_integrations,
    aws_events,
    aws_events_targets,
    aws_lambda,
    aws_lambda_event_sources,
    aws_s3,
    aws_s3_notifications,
    aws_scheduler,
    aws_scheduler_targets,
    aws_sqs,
)
from constructs import Construct


class Site(cdk.Stack):
    def __init__(self, scope: Construct, name: str, env: cdk.Environment) -> None:
        super().__init__(scope, name, env=env)
        function = aws_lambda.Function(
            self,
            "Fn",
            runtime=aws_lambda.Runtime(os.environ["RUNTIME"]),
            handler="app.handler",
            code=aws_lambda.Code.from_asset("src"),
        )
        queue = aws_sqs.Queue(self, "Queue", visibility_timeout=cdk.Duration.seconds(60))
        function.add_event_source(aws_lambda_event_sources.SqsEventSource(queue))
        url = function.add_function_url(auth_type=aws_lambda.FunctionUrlAuthType.NONE)
        aws_events.Rule(
            self,
            "Daily",
            schedule=aws_events.Schedule.rate(cdk.Duration.days(1)),
            targets=[aws_events_targets.LambdaFunction(function)],
        )
        aws_scheduler.Schedule(
            self,
            "Hourly",
            schedule=aws_scheduler.ScheduleExpression.rate(cdk.Duration.hours(1)),
            target=aws_scheduler_targets.LambdaInvoke(function),
        )
        aws_apigatewayv2.HttpApi(
            self,
            "Api",
            default_integration=aws_apigatewayv2_integrations.HttpLambdaIntegration("To", function),
        )
        bucket = aws_s3.Bucket(self, "Files", removal_policy=cdk.RemovalPolicy.DESTROY)
        bucket.add_event_notification(
            aws_s3.EventType.OBJECT_CREATED, aws_s3_notifications.LambdaDestination(function)
        )
        cdk.CfnOutput(self, "Function", value=function.function_name)
        cdk.CfnOutput(self, "Bucket", value=bucket.bucket_name)
        cdk.CfnOutput(self, "Url", value=url.url)


app = cdk.App()
Site(app, "CdkApp", cdk.Environment(account="000000000000", region="eu-central-1"))
app.synth()
