// A function's life by AWS's SDK for JavaScript: node deploy.mjs ROLE RUNTIME one.zip two.zip
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import {
  CreateEventSourceMappingCommand, CreateFunctionCommand, DeleteEventSourceMappingCommand,
  DeleteFunctionCommand, InvokeCommand, InvokeWithResponseStreamCommand, LambdaClient,
  ResourceNotFoundException, UpdateFunctionCodeCommand, waitUntilFunctionActiveV2,
  waitUntilFunctionUpdatedV2,
} from '@aws-sdk/client-lambda'
import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs'
import {
  CreateBucketCommand, DeleteBucketCommand, DeleteObjectCommand, GetObjectCommand,
  PutObjectCommand, S3Client,
} from '@aws-sdk/client-s3'
import {
  CreateQueueCommand, DeleteQueueCommand, GetQueueAttributesCommand, SendMessageCommand, SQSClient,
} from '@aws-sdk/client-sqs'

const [role, runtime, one, two] = process.argv.slice(2)
const FunctionName = 'by-javascript'
const Bucket = 'files-of-javascript'
const functions = new LambdaClient({})
const patience = { client: functions, maxWaitTime: 60, minDelay: 1, maxDelay: 1 }
const text = (bytes) => Buffer.from(bytes).toString()

const files = new S3Client({ forcePathStyle: true })
await files.send(new CreateBucketCommand({ Bucket }))
await files.send(new PutObjectCommand({ Bucket, Key: 'one.zip', Body: readFileSync(one) }))
const found = await files.send(new GetObjectCommand({ Bucket, Key: 'one.zip' }))
assert.deepEqual(Buffer.from(await found.Body.transformToByteArray()), readFileSync(one))

await functions.send(new CreateFunctionCommand({
  FunctionName, Runtime: runtime, Role: role, Handler: 'app.handler', Timeout: 10,
  Code: { S3Bucket: Bucket, S3Key: 'one.zip' },
}))
await waitUntilFunctionActiveV2(patience, { FunctionName })
const first = await functions.send(new InvokeCommand({ FunctionName, Payload: '{"a": 1}' }))
assert.equal(text(first.Payload), '"hello"')

const ZipFile = readFileSync(two)
const { CodeSha256 } = await functions.send(new UpdateFunctionCodeCommand({ FunctionName, ZipFile }))
await waitUntilFunctionUpdatedV2(patience, { FunctionName })
const same = await functions.send(new UpdateFunctionCodeCommand({ FunctionName, ZipFile }))
assert.equal(same.CodeSha256, CodeSha256)
await waitUntilFunctionUpdatedV2(patience, { FunctionName })
const answer = await functions.send(new InvokeWithResponseStreamCommand({ FunctionName }))
let streamed = ''
for await (const event of answer.EventStream) streamed += text(event.PayloadChunk?.Payload ?? [])
assert.equal(streamed, '"again"')

const queues = new SQSClient({})
const { QueueUrl } = await queues.send(new CreateQueueCommand({ QueueName: 'jobs-of-javascript' }))
const { Attributes } = await queues.send(
  new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }),
)
const { UUID } = await functions.send(
  new CreateEventSourceMappingCommand({ FunctionName, EventSourceArn: Attributes.QueueArn }),
)
await queues.send(new SendMessageCommand({ QueueUrl, MessageBody: 'from a queue' }))
const logs = new CloudWatchLogsClient({})
const logGroupName = `/aws/lambda/${FunctionName}`
for (let tries = 0, seen = false; !seen; tries += 1) {
  assert.ok(tries < 300, 'nothing in the log')
  const { events } = await logs.send(new FilterLogEventsCommand({ logGroupName }))
  seen = events.some(({ message }) => message.includes('from a queue'))
  await new Promise((resolve) => setTimeout(resolve, 100))
}

await functions.send(new DeleteEventSourceMappingCommand({ UUID }))
await functions.send(new DeleteFunctionCommand({ FunctionName }))
await assert.rejects(functions.send(new InvokeCommand({ FunctionName })), ResourceNotFoundException)
await queues.send(new DeleteQueueCommand({ QueueUrl }))
await files.send(new DeleteObjectCommand({ Bucket, Key: 'one.zip' }))
await files.send(new DeleteBucketCommand({ Bucket }))
console.log('done')
