import type { Message } from '@bufbuild/protobuf';
import { Encoded, type Outgoing } from '../encoding/encoded.ts';
import { namespaceOf } from '../wire.ts';

/** What requests may have that says whom they are about. */
type Asking = {
  readonly namespace?: string;
  readonly customerId?: string;
  readonly idempotencyKey?: string;
  readonly dryRun?: boolean;
  /** Of a batch. */
  readonly requests?: readonly unknown[];
};

/** As far as it goes into a line: what is refused for its length is logged, too. */
const LONGEST_TEXT = 256;

const short = (text: string | undefined): string | undefined => {
  if (text === undefined || text === '') return undefined;
  return text.length > LONGEST_TEXT ? text.slice(0, LONGEST_TEXT) : text;
};

/**
 * What a line of the log says that a call was about and what it made; undefined, where it does not say, is not written.
 * Looks at some fields alone: neither request nor answer is printed.
 */
export function subjectOf(request: Message | undefined, answer: Outgoing | undefined) {
  if (request === undefined) return undefined;
  const { namespace, customerId, idempotencyKey, dryRun, requests } = request as Asking;
  // A dry run makes nothing, whatever its answer says.
  const isDry = dryRun === true;
  const made = !isDry && answer instanceof Encoded ? answer.made : undefined;
  return {
    namespace: namespace === undefined ? undefined : short(namespaceOf({ namespace })),
    customerId: short(customerId),
    idempotencyKey: short(idempotencyKey),
    items: requests?.length,
    refused: made?.refused,
    dryRun: isDry ? true : undefined,
    replayed: made?.replayed,
    grantId: made?.grantId,
    chargeId: made?.chargeId,
    transactionId: made?.transactionId,
    version: made?.version,
  };
}
