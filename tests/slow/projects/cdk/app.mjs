import * as cdk from "aws-cdk-lib";
import { HttpApi } from "aws-cdk-lib/aws-apigatewayv2";
import { HttpLambdaIntegration } from "aws-cdk-lib/aws-apigatewayv2-integrations";
import { Rule, Schedule } from "aws-cdk-lib/aws-events";
import { LambdaFunction } from "aws-cdk-lib/aws-events-targets";
import * as lambda from "aws-cdk-lib/aws-lambda";
import { SqsEventSource } from "aws-cdk-lib/aws-lambda-event-sources";
import * as s3 from "aws-cdk-lib/aws-s3";
import { LambdaDestination } from "aws-cdk-lib/aws-s3-notifications";
import * as scheduler from "aws-cdk-lib/aws-scheduler";
import { LambdaInvoke } from "aws-cdk-lib/aws-scheduler-targets";
import { Queue } from "aws-cdk-lib/aws-sqs";

class Site extends cdk.Stack {
  constructor(scope, name, properties) {
    super(scope, name, properties);
    const fn = new lambda.Function(this, "Fn", {
      runtime: new lambda.Runtime(process.env.RUNTIME),
      handler: "app.handler",
      code: lambda.Code.fromAsset("src"),
    });
    const queue = new Queue(this, "Queue", { visibilityTimeout: cdk.Duration.seconds(60) });
    fn.addEventSource(new SqsEventSource(queue));
    const url = fn.addFunctionUrl({ authType: lambda.FunctionUrlAuthType.NONE });
    new Rule(this, "Daily", {
      schedule: Schedule.rate(cdk.Duration.days(1)),
      targets: [new LambdaFunction(fn)],
    });
    new scheduler.Schedule(this, "Hourly", {
      schedule: scheduler.ScheduleExpression.rate(cdk.Duration.hours(1)),
      target: new LambdaInvoke(fn),
    });
    new HttpApi(this, "Api", { defaultIntegration: new HttpLambdaIntegration("To", fn) });
    const bucket = new s3.Bucket(this, "Files", { removalPolicy: cdk.RemovalPolicy.DESTROY });
    bucket.addEventNotification(s3.EventType.OBJECT_CREATED, new LambdaDestination(fn));
    new cdk.CfnOutput(this, "Function", { value: fn.functionName });
    new cdk.CfnOutput(this, "Bucket", { value: bucket.bucketName });
    new cdk.CfnOutput(this, "Url", { value: url.url });
  }
}

const app = new cdk.App();
new Site(app, "CdkApp", { env: { account: "000000000000", region: "eu-central-1" } });
