import { once } from 'node:events';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import createKnex from 'knex';
import { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import { answerBytes, answerOf, requestBytes } from './answer.ts';
import { POOL_SIZE, spendInOneTransaction } from './one-transaction.ts';

/**
 * The usual server: connect-node over HTTP/2, and one Knex transaction for each request. No log, no validation, no
 * authentication: everything it leaves out is in its favour.
 */

const knex = createKnex({
  client: 'pg',
  connection: { connectionString: process.env['DATABASE_URL']! },
  pool: { min: POOL_SIZE, max: POOL_SIZE },
});

const server = http2.createServer(
  { settings: { maxConcurrentStreams: 20_000 } },
  connectNodeAdapter({
    routes: (router) =>
      router.service(CreditService, {
        consumeCredits: async (spend) =>
          answerOf(
            spend,
            await spendInOneTransaction(knex, spend, requestBytes(spend), (spent) =>
              answerBytes(spend, spent),
            ),
          ),
      }),
  }),
);

server.listen(0, '127.0.0.1');
await once(server, 'listening');
process.stdout.write(
  `${JSON.stringify({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })}\n`,
);
process.on('SIGTERM', () => process.exit(0));
