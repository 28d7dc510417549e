// Writes docs/errors.md from the comments of credit.v1.ErrorReason, as kept in gen/descriptors.binpb, and from
// src/reasons.ts.
import { readFileSync, writeFileSync } from 'node:fs';
import { fromBinary } from '@bufbuild/protobuf';
import {
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  type FileDescriptorProto,
} from '@bufbuild/protobuf/wkt';
import { REASONS, type Reason as Row } from '../src/reasons.ts';

const DESCRIPTORS = new URL('../gen/descriptors.binpb', import.meta.url);
const PAGE = new URL('../docs/errors.md', import.meta.url);

const PREFIX = 'ERROR_REASON_';
const COMMENT = /^(?<meaning>.+) Do: (?<advice>.+) Code: .+$/;

type Reason = Row & { readonly name: string; readonly meaning: string; readonly advice: string };

/** The comment above the enum value at this place of the file, on one line. */
function commentOf(file: FileDescriptorProto, enumIndex: number, valueIndex: number): string {
  const { enumType } = FileDescriptorProtoSchema.field;
  const VALUE_OF_ENUM = 2;
  const path = [enumType.number, enumIndex, VALUE_OF_ENUM, valueIndex].join();
  const location = file.sourceCodeInfo?.location.find((l) => l.path.join() === path);
  return (location?.leadingComments ?? '').trim().replaceAll(/\s+/g, ' ');
}

function readReasons(): Reason[] {
  const files = fromBinary(FileDescriptorSetSchema, readFileSync(DESCRIPTORS)).file;
  const file = files.find((f) => f.name === 'credit/v1/error.proto');
  if (file?.sourceCodeInfo === undefined)
    throw new Error('the descriptors hold no credit/v1/error.proto with comments');
  const enumIndex = file.enumType.findIndex((e) => e.name === 'ErrorReason');
  const values = file.enumType[enumIndex]?.value ?? [];
  return values.flatMap((value, index) => {
    if (value.number === 0) return [];
    const name = value.name.slice(PREFIX.length);
    const row: Row | undefined = (REASONS as Readonly<Record<string, Row>>)[name];
    if (row === undefined) throw new Error(`${value.name}: no row in src/reasons.ts`);
    const parts = COMMENT.exec(commentOf(file, enumIndex, index))?.groups;
    if (parts === undefined) throw new Error(`${value.name}: comment is not of the form "… Do: …"`);
    const { meaning = '', advice = '' } = parts;
    return [{ ...row, name, meaning, advice }];
  });
}

function render(reasons: Reason[]): string {
  const codes = [...new Set(reasons.map((r) => r.code))];
  return `<!-- Made from src/reasons.ts and proto/credit/v1/error.proto by .ci/errors-doc.ts. Do not edit. -->

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
  .join('')}`;
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
