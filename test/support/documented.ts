import { readFileSync } from 'node:fs';
import { fromBinary } from '@bufbuild/protobuf';
import {
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  ServiceDescriptorProtoSchema,
  type FileDescriptorProto,
} from '@bufbuild/protobuf/wkt';
import { REASONS } from '../../src/reasons.ts';

/**
 * What the comments of the contract promise of refusals: the reasons that an RPC lists under `Refuses:`, and those that
 * its service says any may have. Every call that a test makes through support/service.ts is held against it.
 */

const DESCRIPTORS = new URL('../../gen/descriptors.binpb', import.meta.url);
const SERVICES = FileDescriptorProtoSchema.field.service.number;
const METHODS = ServiceDescriptorProtoSchema.field.method.number;

/** By path of the RPC, as `credit.v1.CreditService/GetGrant`. */
const DOCUMENTED: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  fromBinary(FileDescriptorSetSchema, readFileSync(DESCRIPTORS)).file.flatMap(refusalsOf),
);

function refusalsOf(file: FileDescriptorProto): [string, Set<string>][] {
  // The others are not of our making: health checks and reflection.
  if (!/^(?:credit|ledger)\//.test(file.name)) return [];
  const comment = (...path: number[]): string =>
    file.sourceCodeInfo?.location.find((place) => place.path.join() === path.join())?.leadingComments ?? '';
  return file.service.flatMap((service, s) =>
    service.method.map((method, m): [string, Set<string>] => {
      const [, refuses = ''] = comment(SERVICES, s, METHODS, m).split('Refuses:');
      const [, besides = ''] = comment(SERVICES, s).split('Besides');
      const path = `${file.package}.${service.name}/${method.name}`;
      return [path, new Set([...reasonsIn(refuses), ...reasonsIn(besides)])];
    }),
  );
}

function reasonsIn(text: string): readonly string[] {
  return [...text.matchAll(/[A-Z][A-Z_]+/g)]
    .map(([word]) => word)
    .filter((word) => Object.hasOwn(REASONS, word));
}

/** Of a batch each item is refused as the call for one would be. */
const SINGLE: Readonly<Record<string, string>> = {
  'credit.v1.CreditService/BatchCreateGrants': 'credit.v1.CreditService/CreateGrant',
  'credit.v1.CreditService/BatchConsumeCredits': 'credit.v1.CreditService/ConsumeCredits',
};

export type Told = {
  readonly reason: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
};

/** Throws unless an RPC may refuse so: with a reason that its comment lists, and just the metadata of that reason. */
export function assertDocumented(path: string, { reason = '', metadata }: Told, isItem = false): void {
  const listed = DOCUMENTED.get((isItem ? SINGLE[path] : undefined) ?? path);
  if (listed === undefined) return;
  if (!listed.has(reason)) throw new Error(`${path} refused with ${reason}, which its comment does not list`);
  const keys = Object.keys(metadata).toSorted().join();
  const expected = REASONS[reason as keyof typeof REASONS].metadata.toSorted().join();
  if (keys !== expected) throw new Error(`${reason} has the metadata ${keys}, not ${expected}`);
}
