import { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import type { ServiceImpl } from '@connectrpc/connect';
import { createLog } from '../../src/log.ts';
import { mount } from '../../src/rpc/call/mounted-service.ts';
import { startServer } from '../../src/rpc/transport/server.ts';
import { emptyAnswerOf } from './answer.ts';

/**
 * An empty handler over the service's own transport: a spend is decoded, an answer as large as a real one encoded, with
 * deadline, slots, and a log that nobody wants. What no handler can exceed, with the same load process beside it.
 */

const answerNothing = Object.fromEntries(
  Object.keys(CreditService.method).map((name) => [name, emptyAnswerOf]),
) as unknown as ServiceImpl<typeof CreditService>;

const { url } = await startServer({
  host: '127.0.0.1',
  port: 0,
  services: [mount(CreditService, answerNothing)],
  validate: () => undefined,
  credentials: null,
  log: createLog('silent'),
});
process.stdout.write(`${JSON.stringify({ url })}\n`);
process.on('SIGTERM', () => process.exit(0));
