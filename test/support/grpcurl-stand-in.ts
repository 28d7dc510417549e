/**
 * Where there is no grpcurl: makes the calls of a page as Connect JSON and prints what grpcurl would. It knows no more
 * than `-plaintext -cacert <file> -max-time <seconds> -H <header> -d <json> <host> <service>/<method>`.
 */

import { parseArgs } from 'node:util';

// grpcurl's flags have one dash.
const { values, positionals } = parseArgs({
  args: process.argv.slice(2).map((arg) => arg.replace(/^-(?=[a-z-]{2,}$)/, '--')),
  allowPositionals: true,
  options: {
    plaintext: { type: 'boolean' },
    // Node takes authorities by NODE_EXTRA_CA_CERTS alone, before it starts.
    cacert: { type: 'string' },
    'max-time': { type: 'string', default: '30' },
    H: { type: 'string', short: 'H', multiple: true, default: [] },
    d: { type: 'string', short: 'd', default: '{}' },
  },
});
const [host, method = ''] = positionals;
const STREAMS = /\/(Watch\w*|Verify)$/;
const ENDS = 2;

type Failure = { readonly code: string; readonly message?: string; readonly details?: readonly Detail[] };
type Detail = { readonly type: string; readonly debug?: object };

const signal = AbortSignal.timeout(Number(values['max-time']) * 1_000);
try {
  await (STREAMS.test(method) ? stream() : ask());
} catch (error) {
  if (!signal.aborted) throw error;
  fail({ code: 'deadline_exceeded', message: 'context deadline exceeded' });
}

async function ask(): Promise<void> {
  const response = await post('application/json', values.d);
  const answer: unknown = await response.json();
  if (response.ok) print(answer);
  else fail(answer as Failure);
}

async function stream(): Promise<void> {
  const request = Buffer.from(values.d);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(request.length, 1);
  const response = await post('application/connect+json', Buffer.concat([head, request]));
  let rest = Buffer.alloc(0);
  for await (const chunk of response.body!) {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 5 && rest.length >= 5 + rest.readUInt32BE(1)) {
      const end = 5 + rest.readUInt32BE(1);
      const message = JSON.parse(String(rest.subarray(5, end))) as { error?: Failure };
      if ((rest[0]! & ENDS) === 0) print(message);
      else if (message.error !== undefined) fail(message.error);
      rest = rest.subarray(end);
    }
  }
}

function post(type: string, body: string | Buffer): Promise<Response> {
  const named = values.H.map((header) => header.split(/:\s*/, 2) as [string, string]);
  const headers = {
    'content-type': type,
    'connect-protocol-version': '1',
    ...Object.fromEntries(named),
  };
  const scheme = values.plaintext === true ? 'http' : 'https';
  return fetch(`${scheme}://${host}/${method}`, { method: 'POST', headers, body, signal });
}

function print(message: unknown): void {
  process.stdout.write(`${JSON.stringify(message, null, 2)}\n`);
}

function fail({ code, message = '', details = [] }: Failure): void {
  const name = code.replaceAll(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase());
  const told = details.map(({ type, debug }, i) => {
    const fields = Object.entries({ '@type': `type.googleapis.com/${type}`, ...sorted(debug ?? {}) });
    return `  ${i + 1})\t${JSON.stringify(Object.fromEntries(fields), null, 2)}\n`;
  });
  const heading = told.length > 0 ? '  Details:\n' : '';
  process.stderr.write(`ERROR:\n  Code: ${name}\n  Message: ${message}\n${heading}${told.join('')}`);
  process.exitCode = 1;
}

/** As grpcurl prints a detail: fields by name, at every depth. */
function sorted(value: object): object {
  const fields = Object.entries(value).map(
    ([name, field]) => [name, isMap(field) ? sorted(field) : field] as const,
  );
  return Object.fromEntries(fields.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function isMap(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
