import { readFileSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { create, createFileRegistry, fromBinary, toBinary, type Message } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { createLog } from '../../../src/log.ts';
import { mount } from '../../../src/rpc/call/mounted-service.ts';
import { createValidation } from '../../../src/rpc/call/validation.ts';
import type { Certificates } from '../../../src/rpc/transport/certificates.ts';
import { startServer } from '../../../src/rpc/transport/server.ts';
import { conformanceService } from './service.ts';

/**
 * The server that `connectconformance` tests: it is told on standard input how to listen, and tells on standard output
 * where it does. `node test/rpc/conformance/server.ts <descriptors of the suite>`
 */

type Wanted = Message & {
  readonly useTls: boolean;
  readonly clientTlsCert: Uint8Array;
  readonly serverCreds?: { readonly cert: Uint8Array; readonly key: Uint8Array };
};

/** Before a message stands how long it is. */
const LENGTH_BYTES = 4;

const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(process.argv[2]!)));
const wanted = fromBinary(
  messageOf('ServerCompatRequest'),
  (await buffer(process.stdin)).subarray(LENGTH_BYTES),
) as Wanted;
const { service, implementation } = conformanceService(registry);
const server = await startServer({
  host: '127.0.0.1',
  port: 0,
  services: [mount(service, implementation, { registry, isPublic: true })],
  validate: createValidation([]),
  credentials: null,
  log: createLog('fatal', process.stderr),
  ...(wanted.useTls && { certificates: certificatesOf(wanted) }),
});
const response = toBinary(
  messageOf('ServerCompatResponse'),
  create(messageOf('ServerCompatResponse'), {
    host: '127.0.0.1',
    port: server.port,
    ...(wanted.useTls && { pemCert: wanted.serverCreds!.cert }),
  }),
);
const length = Buffer.alloc(LENGTH_BYTES);
length.writeUInt32BE(response.length);
process.stdout.write(Buffer.concat([length, response]));
process.once('SIGTERM', () => process.exit(0));

function messageOf(name: string) {
  return registry.getMessage(`connectrpc.conformance.v1.${name}`)!;
}

function certificatesOf({ serverCreds, clientTlsCert }: Wanted): Certificates {
  const pem = (bytes: Uint8Array) => Buffer.from(bytes);
  const asksClients = clientTlsCert.length > 0;
  return {
    current: () => ({
      cert: pem(serverCreds!.cert),
      key: pem(serverCreds!.key),
      ...(asksClients && { ca: pem(clientTlsCert) }),
    }),
    ofClients: asksClients ? 'required' : 'none',
    onChange: () => undefined,
    close: async () => undefined,
  };
}
