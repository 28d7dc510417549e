// Writes docs/errors.md from the comments of credit.v1.ErrorReason, as kept in gen/descriptors.binpb.
// With --check it writes nothing and fails if the page is not current.
import { readFileSync, writeFileSync } from 'node:fs';
import { fromBinary } from '@bufbuild/protobuf';
import {
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  type FileDescriptorProto,
} from '@bufbuild/protobuf/wkt';
import { Code } from '#gen/google/rpc/code_pb.ts';

const DESCRIPTORS = new URL('../gen/descriptors.binpb', import.meta.url);
const PAGE = new URL('../docs/errors.md', import.meta.url);

const PREFIX = 'ERROR_REASON_';
const COMMENT =
  /^(?<meaning>.+) Do: (?<advice>.+) Code: (?<code>[A-Z_]+)(?<retry> with RetryInfo)?\. Metadata: (?<metadata>[a-z_, ]+)\.$/;

type Reason = {
  name: string;
  meaning: string;
  advice: string;
  code: string;
  retry: boolean;
  metadata: string[];
};

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
    const parts = COMMENT.exec(commentOf(file, enumIndex, index))?.groups;
    if (parts === undefined)
      throw new Error(`${value.name}: comment is not of the form "… Do: … Code: X. Metadata: …."`);
    const { meaning = '', advice = '', code = '', metadata = '' } = parts;
    if (!Object.hasOwn(Code, code)) throw new Error(`${value.name}: ${code} is no gRPC code`);
    const keys = metadata === 'none' ? [] : metadata.split(', ');
    return [{ name, meaning, advice, code, retry: parts.retry !== undefined, metadata: keys }];
  });
}

function render(reasons: Reason[]): string {
  const codes = [...new Set(reasons.map((r) => r.code))];
  return `<!-- Made from proto/credit/v1/error.proto by .ci/errors-doc.ts. Do not edit. -->

# Errors

Every refusal is a gRPC status with \`google.rpc.ErrorInfo\`: \`reason\` (below), \`domain\` and \`metadata\`.
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
    `| \`${r.name}\` | ${r.meaning} | ${r.advice} | ${r.metadata.map((key) => `\`${key}\``).join(', ') || '–'} | ${r.retry ? 'yes' : '–'} |\n`;
  return `
## ${code}

| Reason | Meaning | What to do | Metadata | RetryInfo |
| --- | --- | --- | --- | --- |
${reasons.map(row).join('')}`;
}

function current(): string | undefined {
  try {
    return readFileSync(PAGE, 'utf8');
  } catch {
    return undefined;
  }
}

const wanted = render(readReasons());
if (!process.argv.includes('--check')) {
  writeFileSync(PAGE, wanted);
} else if (current() !== wanted) {
  console.error('docs/errors.md is not current: run `node .ci/errors-doc.ts` and commit the result.');
  process.exitCode = 1;
}
