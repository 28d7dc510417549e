import {
  createFileRegistry,
  createRegistry,
  fromJson,
  type JsonObject,
  type JsonValue,
  type Message,
} from '@bufbuild/protobuf';
import type { GenMessage, GenService } from '@bufbuild/protobuf/codegenv2';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { file_buf_validate_validate } from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';
import { file_credit_v1_right } from '#gen/credit/v1/right_pb.ts';
import type { ServiceImpl } from '@connectrpc/connect';

/** What the tests ask for. `name` is required, `filter` has a rule that is named like a reason. */
export type ProbeRequest = Message<'wiretest.v1.ProbeRequest'> & {
  name: string;
  amount: string;
  filter: string;
  padding: string;
  pageSize: number;
  pageToken: string;
  minVersion: bigint;
  namespace: string;
};
export type ProbeResponse = Message<'wiretest.v1.ProbeResponse'> & { text: string; count: number };

type ProbeRequestSchema = GenMessage<ProbeRequest>;
type ProbeResponseSchema = GenMessage<ProbeResponse>;

// Written out here rather than generated: a service only for tests stays out of the contract.
const field = (number: number, name: string, type: string) => ({
  name,
  number,
  type,
  label: 'LABEL_OPTIONAL',
  jsonName: name.replace(/_(.)/, (_match, letter: string) => letter.toUpperCase()),
});
const string = (number: number, name: string, rules?: JsonValue) => ({
  ...field(number, name, 'TYPE_STRING'),
  ...(rules === undefined ? {} : { options: { '[buf.validate.field]': rules } }),
});
const rpc = (name: string, options: JsonObject, more: JsonObject = {}) => ({
  name,
  inputType: '.wiretest.v1.ProbeRequest',
  outputType: '.wiretest.v1.ProbeResponse',
  options,
  ...more,
});
const READS = { idempotencyLevel: 'NO_SIDE_EFFECTS', '[credit.v1.right]': 'RIGHT_READ' };
const SPENDS = { '[credit.v1.right]': 'RIGHT_SPEND' };

const IMPORTED = [file_buf_validate_validate, file_credit_v1_right];

const file = fromJson(
  FileDescriptorProtoSchema,
  {
    name: 'wiretest/v1/probe.proto',
    package: 'wiretest.v1',
    syntax: 'proto3',
    dependency: ['buf/validate/validate.proto', 'credit/v1/right.proto'],
    messageType: [
      {
        name: 'ProbeRequest',
        field: [
          string(1, 'name', { string: { minLen: '1' } }),
          string(2, 'amount', {
            cel: [{ id: 'amount', message: 'must be a decimal', expression: "this.matches('^[0-9]*$')" }],
          }),
          string(3, 'filter', {
            cel: [
              {
                id: 'UNSUPPORTED_FEATURE_FILTER',
                message: 'no wildcards',
                expression: "!this.contains('*')",
              },
            ],
          }),
          string(4, 'padding'),
          field(5, 'page_size', 'TYPE_INT32'),
          string(6, 'page_token'),
          field(7, 'min_version', 'TYPE_INT64'),
          string(8, 'namespace'),
        ],
      },
      { name: 'ProbeResponse', field: [string(1, 'text'), field(2, 'count', 'TYPE_INT32')] },
    ],
    service: [
      {
        name: 'Probe',
        method: [rpc('Read', READS), rpc('Write', SPENDS), rpc('Follow', READS, { serverStreaming: true })],
      },
    ],
  },
  { registry: createRegistry(...IMPORTED) },
);
const registry = createFileRegistry(file, (name) => IMPORTED.find(({ proto }) => proto.name === name));

export const ProbeRequestSchema = registry.getMessage('wiretest.v1.ProbeRequest') as ProbeRequestSchema;

export const Probe = registry.getService('wiretest.v1.Probe') as GenService<{
  read: { methodKind: 'unary'; input: ProbeRequestSchema; output: ProbeResponseSchema };
  write: { methodKind: 'unary'; input: ProbeRequestSchema; output: ProbeResponseSchema };
  follow: { methodKind: 'server_streaming'; input: ProbeRequestSchema; output: ProbeResponseSchema };
}>;

export type ProbeImplementation = ServiceImpl<typeof Probe>;
