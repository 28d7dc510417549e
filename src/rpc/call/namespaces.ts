import { ScalarType, type DescField, type DescMessage, type Message } from '@bufbuild/protobuf';
import { mayIn, type Credential, type Right } from '../../credentials/credential.ts';
import { refuse } from '../../refusal.ts';
import { isItemOfBatch } from './validation.ts';
import { namespaceOf } from '../wire.ts';

/**
 * Where the requests of an RPC tell the namespace they are about: in a field of that name, or each item of a batch in its
 * own, for the batch's is only that of items without one.
 */
export type Addressing = 'request' | 'items';

/**
 * Found by the fields, so that an RPC cannot be forgotten.
 * @throws TypeError where a namespace is told nowhere, or in a place that nobody would look at.
 */
export function addressingOf(input: DescMessage): Addressing {
  if (!input.fields.some(isNamespace)) throw new TypeError(`${input.typeName} has no field namespace`);
  const nested = input.fields.filter(({ message }) => message && tellsOne(message));
  const [batch, ...others] = nested;
  if (batch === undefined) return 'request';
  const items = batch.message!;
  const isBatch = isItemOfBatch(batch) && items.fields.some(isNamespace) && addressingOf(items) === 'request';
  if (!isBatch || others.length > 0)
    throw new TypeError(`${input.typeName} tells a namespace where nobody looks for it`);
  return 'items';
}

const isNamespace = ({ name, scalar }: DescField) => name === 'namespace' && scalar === ScalarType.STRING;

/** Whether one is told anywhere in it. */
function tellsOne(message: DescMessage, seen = new Set<DescMessage>()): boolean {
  if (seen.has(message)) return false;
  seen.add(message);
  return message.fields.some(
    (field) => isNamespace(field) || (field.message !== undefined && tellsOne(field.message, seen)),
  );
}

/** The namespace a request is about that tells it itself. */
export const namespaceIn = (request: Message): string =>
  namespaceOf(request as Message & { readonly namespace: string });

/** Refuses who may not use what the namespace has, whatever right they have there. */
export function assertMayIn(credential: Credential, namespace: string, permission: Right): void {
  if (mayIn(credential, namespace)) return;
  refuse('FORBIDDEN', `${credential.name} may do nothing in the namespace ${namespace}`, {
    permission,
    namespace,
  });
}
