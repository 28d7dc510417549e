import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

/** A span as a collector gets it. */
export type ReceivedSpan = {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string;
  readonly name: string;
  readonly kind: (typeof KINDS)[number];
  readonly attributes: Readonly<Record<string, string>>;
  /** The ids of the spans it links to. */
  readonly links: readonly string[];
  readonly isError: boolean;
  readonly startedAt: bigint;
  readonly endedAt: bigint;
};

/** What a collector of traces is, on this machine: it takes spans over OTLP, by HTTP and protobuf. */
export type Receiver = {
  readonly url: string;
  readonly spans: readonly ReceivedSpan[];
  /** What is said of whose spans they are. */
  readonly resource: () => Readonly<Record<string, string>>;
  close(): Promise<void>;
};

export async function otlpReceiver(): Promise<Receiver> {
  const spans: ReceivedSpan[] = [];
  let resource: Readonly<Record<string, string>> = {};
  const server = createServer((request, response) => {
    void (async () => {
      const body = fieldsOf(await buffer(request));
      for (const ofResource of body.messages(1)) {
        resource = attributesOf(ofResource.messages(1)[0]!, 1);
        for (const scope of ofResource.messages(2)) spans.push(...scope.messages(2).map(spanOf));
      }
      response.writeHead(request.url === '/v1/traces' ? 200 : 404).end();
    })();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    resource: () => resource,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** In the order of their numbers, from 1. */
const KINDS = ['INTERNAL', 'SERVER', 'CLIENT'] as const;

/** By the numbers of opentelemetry/proto/trace/v1/trace.proto. */
const spanOf = (span: Fields): ReceivedSpan => ({
  traceId: span.hex(1),
  spanId: span.hex(2),
  parentId: span.hex(4),
  name: span.text(5),
  kind: KINDS[Number(span.number(6)) - 1]!,
  startedAt: span.number(7),
  endedAt: span.number(8),
  attributes: attributesOf(span, 9),
  links: span.messages(13).map((link) => link.hex(2)),
  isError: span.messages(15).some((status) => status.number(3) === 2n),
});

const attributesOf = (fields: Fields, no: number): Readonly<Record<string, string>> =>
  Object.fromEntries(fields.messages(no).map((pair) => [pair.text(1), valueOf(pair.messages(2)[0]!)]));

const valueOf = (value: Fields): string => (value.has(1) ? value.text(1) : String(value.number(3)));

/** A message whose fields are known by their numbers. */
type Fields = {
  has(no: number): boolean;
  messages(no: number): readonly Fields[];
  hex(no: number): string;
  text(no: number): string;
  number(no: number): bigint;
};

function fieldsOf(bytes: Uint8Array): Fields {
  const found = new Map<number, (Uint8Array | bigint)[]>();
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [no, type] = reader.tag();
    const values = found.get(no) ?? [];
    found.set(no, values);
    if (type === WireType.LengthDelimited) values.push(reader.bytes());
    else if (type === WireType.Varint) values.push(BigInt(reader.uint64()));
    else if (type === WireType.Bit64) values.push(BigInt(reader.fixed64()));
    else reader.skip(type, no);
  }
  const all = (no: number) => found.get(no) ?? [];
  const one = (no: number) => (all(no)[0] ?? new Uint8Array()) as Uint8Array;
  return {
    has: (no) => found.has(no),
    messages: (no) => all(no).map((value) => fieldsOf(value as Uint8Array)),
    hex: (no) => Buffer.from(one(no)).toString('hex'),
    text: (no) => Buffer.from(one(no)).toString(),
    number: (no) => (all(no)[0] as bigint | undefined) ?? 0n,
  };
}
