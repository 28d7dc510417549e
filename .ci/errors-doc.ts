// Writes docs/errors.md from the comments of credit.v1.ErrorReason and credit.v1.Right, as kept in gen/descriptors.binpb,
// from src/reasons.ts, and from the options of the RPCs.
import { readFileSync, writeFileSync } from 'node:fs';
import { fromBinary } from '@bufbuild/protobuf';
import {
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  type FileDescriptorProto,
} from '@bufbuild/protobuf/wkt';
import { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import { LedgerService } from '#gen/ledger/v1/ledger_service_pb.ts';
import { RIGHTS } from '../src/credentials/credential.ts';
import { REASONS, type Reason as Row } from '../src/reasons.ts';
import { rightOf } from '../src/rpc/call/mounted-service.ts';

const DESCRIPTORS = new URL('../gen/descriptors.binpb', import.meta.url);
const PAGE = new URL('../docs/errors.md', import.meta.url);

const PREFIX = 'ERROR_REASON_';
const COMMENT = /^(?<meaning>.+) Do: (?<advice>.+) Code: .+$/;

type Reason = Row & { readonly name: string; readonly meaning: string; readonly advice: string };

const FILES = fromBinary(FileDescriptorSetSchema, readFileSync(DESCRIPTORS)).file;

/** The values of an enum but the first, each with the comment above it, on one line. */
function valuesOf(fileName: string, enumName: string) {
  const file = FILES.find(({ name }) => name === fileName);
  if (file?.sourceCodeInfo === undefined)
    throw new Error(`the descriptors hold no ${fileName} with comments`);
  const enumIndex = file.enumType.findIndex(({ name }) => name === enumName);
  const values = file.enumType[enumIndex]?.value ?? [];
  return values.flatMap(({ name, number }, index) =>
    number === 0 ? [] : [{ name, comment: commentOf(file, enumIndex, index) }],
  );
}

function commentOf(file: FileDescriptorProto, enumIndex: number, valueIndex: number): string {
  const { enumType } = FileDescriptorProtoSchema.field;
  const VALUE_OF_ENUM = 2;
  const path = [enumType.number, enumIndex, VALUE_OF_ENUM, valueIndex].join();
  const location = file.sourceCodeInfo?.location.find((l) => l.path.join() === path);
  return (location?.leadingComments ?? '').trim().replaceAll(/\s+/g, ' ');
}

function readReasons(): Reason[] {
  return valuesOf('credit/v1/error.proto', 'ErrorReason').map((value) => {
    const name = value.name.slice(PREFIX.length);
    const row: Row | undefined = (REASONS as Readonly<Record<string, Row>>)[name];
    if (row === undefined) throw new Error(`${value.name}: no row in src/reasons.ts`);
    const parts = COMMENT.exec(value.comment)?.groups;
    if (parts === undefined) throw new Error(`${value.name}: comment is not of the form "… Do: …"`);
    const { meaning = '', advice = '' } = parts;
    return { ...row, name, meaning, advice };
  });
}

function render(reasons: Reason[]): string {
  const codes = [...new Set(reasons.map((r) => r.code))];
  return `<!-- Made from src/reasons.ts and proto/ by .ci/errors-doc.ts. Do not edit. -->

# Errors

Every refusal is a gRPC status with \`google.rpc.ErrorInfo\`: \`reason\` (below), \`domain\` and \`metadata\`, whose keys are all always there.
Wrong fields are all listed at once in \`google.rpc.BadRequest\`. Where waiting helps, \`google.rpc.RetryInfo\` says how long.
A refused request changes nothing and is not remembered under its idempotency key.
${codes
  .map((code) =>
    section(
      code,
      reasons.filter((r) => r.code === code),
    ),
  )
  .join('')}${rights()}`;
}

/** What each RPC needs, by its option. */
function rights(): string {
  const meanings = new Map(
    valuesOf('credit/v1/right.proto', 'Right').map(({ name, comment }) => [
      name.slice('RIGHT_'.length),
      comment,
    ]),
  );
  const methods = [CreditService, LedgerService].flatMap((service) => service.methods);
  const rows = RIGHTS.map((right) => {
    const needing = methods.filter((method) => rightOf(method) === right).map(({ name }) => `\`${name}\``);
    return `| \`${right}\` | ${meanings.get(right)} | ${[...new Set(needing)].join(', ')} |\n`;
  });
  return `
## Rights

Each RPC needs one right, its option \`credit.v1.right\`, in the namespace that it is about; no right implies another.
Who lacks it is refused with \`FORBIDDEN\`: \`permission\` is the right, \`namespace\` the one in which the caller may do nothing, or empty.
Health and reflection need none.

| Right | What it allows | RPCs |
| --- | --- | --- |
${rows.join('')}`;
}

function section(code: string, reasons: Reason[]): string {
  const row = (r: Reason) =>
    `| \`${r.name}\` | ${r.meaning} | ${r.advice} | ${r.metadata.map((key) => `\`${key}\``).join(', ') || '–'} | ${r.retryAfterMs === undefined ? '–' : `${r.retryAfterMs} ms`} |\n`;
  return `
## ${code}

| Reason | Meaning | What to do | Metadata | RetryInfo |
| --- | --- | --- | --- | --- |
${reasons.map(row).join('')}`;
}

writeFileSync(PAGE, render(readReasons()));
