import type { Message } from '@bufbuild/protobuf';
import { Encoded, type Outgoing } from '../encoding/encoded.ts';
import { namespaceOf } from '../wire.ts';

/** What a line of the log says that a call was about and what it made; nothing where a call does not say. */
export type CallSubject = {
  namespace?: string;
  customerId?: string;
  idempotencyKey?: string;
  /** How many a batch asked for, and how many of them were refused. */
  items?: number;
  refused?: number;
  dryRun?: true;
  /** It was answered what the first with its key was. */
  replayed?: true;
  grantId?: string;
  chargeId?: string;
  transactionId?: string;
  version?: number;
};

/** What requests may have that say whom they are about. */
type Asking = {
  readonly namespace?: string;
  readonly customerId?: string;
  readonly idempotencyKey?: string;
  readonly dryRun?: boolean;
  readonly requests?: readonly unknown[];
};

/** As far as it goes into a line: what is refused for its length is logged, too. */
const LONGEST_TEXT = 256;

const short = (text: string): string => (text.length > LONGEST_TEXT ? text.slice(0, LONGEST_TEXT) : text);

/** Looks at some fields alone: neither request nor answer is printed. */
export function subjectOf(request: Message | undefined, answer: Outgoing | undefined): CallSubject {
  const subject: CallSubject = {};
  if (request === undefined) return subject;
  const { namespace, customerId, idempotencyKey, dryRun, requests } = request as Asking;
  if (namespace !== undefined) subject.namespace = short(namespaceOf({ namespace }));
  if (customerId) subject.customerId = short(customerId);
  if (idempotencyKey) subject.idempotencyKey = short(idempotencyKey);
  if (requests !== undefined) subject.items = requests.length;
  if (dryRun === true) subject.dryRun = true;
  else if (answer instanceof Encoded && answer.made !== undefined) addMade(subject, answer.made);
  return subject;
}

function addMade(subject: CallSubject, made: NonNullable<Encoded['made']>): void {
  if (made.replayed === true) subject.replayed = true;
  if (made.refused !== undefined) subject.refused = made.refused;
  if (made.grant?.id) subject.grantId = made.grant.id;
  if (made.charge?.id) subject.chargeId = made.charge.id;
  if (made.transaction?.id) subject.transactionId = made.transaction.id;
  if (made.version !== undefined) subject.version = Number(made.version);
}
