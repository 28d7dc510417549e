import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { createLog } from '../../src/log.ts';
import type { MountedService } from '../../src/rpc/call/mounted-service.ts';
import { mount } from '../../src/rpc/call/mounted-service.ts';
import { createValidation, inputsOf } from '../../src/rpc/call/validation.ts';
import type { Certificates } from '../../src/rpc/transport/certificates.ts';
import { startServer, type RunningServer, type ServerOptions } from '../../src/rpc/transport/server.ts';
import { authority } from '../support/certificates.ts';
import { protocols, type WireClient } from './clients.ts';
import { Probe, type ProbeImplementation } from './probe.ts';

export type LogLine = Readonly<Record<string, unknown>>;

/** A log whose lines can be waited for instead of slept for. */
export function captureLog() {
  const lines: LogLine[] = [];
  const waiting = new Set<() => void>();
  const write = (text: string) => {
    lines.push(JSON.parse(text) as LogLine);
    for (const look of waiting) look();
  };
  /** The first line, written before or after, for which `matches` holds. */
  const line = (matches: (line: LogLine) => boolean) =>
    new Promise<LogLine>((resolve) => {
      const look = () => {
        const found = lines.find(matches);
        if (found === undefined) return;
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      look();
    });
  return { log: createLog('debug', { write }), lines, line };
}

export type ProbeServer = RunningServer & {
  /** What the RPCs do; a test replaces what it is about. */
  readonly behaviour: { -readonly [P in keyof ProbeImplementation]: ProbeImplementation[P] };
  readonly log: ReturnType<typeof captureLog>;
};

const ours = authority();
/** Who signs what servers of a test show, for processes that have to be told. */
export const ourAuthority = ours.cert;

/** Certificates that this process trusts from then on, for this machine's names. */
function ownCertificates(): Certificates {
  setDefaultCACertificates([...getCACertificates(), ours.cert]);
  const pair = ours.issue(['DNS:localhost', 'IP:127.0.0.1']);
  return { current: () => pair, ofClients: 'none', onChange: () => undefined, close: async () => undefined };
}

/** How the lines of a test are served: each way to call, in plain text and over TLS. */
export function everyLine(): readonly (readonly [
  name: string,
  connect: (url: string) => WireClient,
  options: Partial<ServerOptions>,
])[] {
  const certificates = ownCertificates();
  return Object.entries(protocols).flatMap(([name, connect]) => [
    [name, connect, {}] as const,
    [`${name} over TLS`, connect, { certificates }] as const,
  ]);
}

/** Serves the probe, and whatever else is mounted, on a free port of this machine. */
export async function serveProbe(
  more: readonly MountedService[] = [],
  options: Partial<ServerOptions> = {},
): Promise<ProbeServer> {
  const behaviour: ProbeServer['behaviour'] = {
    read: async ({ name }) => ({ text: `hello ${name}` }),
    write: async ({ name }) => ({ text: `wrote ${name}` }),
    follow: async function* ({ name }) {
      for (let count = 1; count <= 3; count += 1) yield { text: name, count };
    },
  };
  const probe = mount(Probe, {
    read: (request, context) => behaviour.read(request, context),
    write: (request, context) => behaviour.write(request, context),
    follow: (request, context) => behaviour.follow(request, context),
  });
  const log = captureLog();
  const server = await startServer({
    host: '127.0.0.1',
    port: 0,
    services: [probe, ...more],
    validate: createValidation(inputsOf([Probe, ...more.map(({ service }) => service)])),
    credentials: null,
    log: log.log,
    ...options,
  });
  return { ...server, behaviour, log };
}

/** A promise and the means to settle it: the signal tests wait for. */
export const signal = <T = void>() => Promise.withResolvers<T>();
