import { once } from 'node:events';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import { emptyAnswerOf } from './answer.ts';

/** The same empty handler over the other stack: connect-node answers gRPC over HTTP/2. */

const server = http2.createServer(
  { settings: { maxConcurrentStreams: 20_000 } },
  connectNodeAdapter({
    routes: (router) => router.service(CreditService, { consumeCredits: emptyAnswerOf }),
  }),
);
server.listen(0, '127.0.0.1');
await once(server, 'listening');
process.stdout.write(
  `${JSON.stringify({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })}\n`,
);
process.on('SIGTERM', () => process.exit(0));
