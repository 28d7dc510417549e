import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { Server, ServerCredentials, type handleUnaryCall } from '@grpc/grpc-js';
import { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import { emptyAnswerOf } from './answer.ts';

/**
 * The same empty handler over grpc-js, with nothing around it.
 */

const { consumeCredits } = CreditService.method;
const handler: handleUnaryCall<ReturnType<typeof decode>, ReturnType<typeof emptyAnswerOf>> = (
  { request },
  respond,
) => respond(null, emptyAnswerOf(request));
const decode = (bytes: Buffer) => fromBinary(consumeCredits.input, bytes);

const server = new Server({ 'grpc.max_concurrent_streams': 20_000, 'grpc.enable_channelz': 0 });
server.register(
  `/${CreditService.typeName}/${consumeCredits.name}`,
  handler,
  (answer) => Buffer.from(toBinary(consumeCredits.output, create(consumeCredits.output, answer))),
  decode,
  'unary',
);
server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${port}` })}\n`);
});
process.on('SIGTERM', () => process.exit(0));
