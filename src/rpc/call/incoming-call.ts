import { randomUUID } from 'node:crypto';
import type { Message } from '@bufbuild/protobuf';
import {
  createContextKey,
  createContextValues,
  type ContextValues,
  type HandlerContext,
} from '@connectrpc/connect';
import { actorOf, type Actor } from '../../actor.ts';
import type { Credential } from '../../credentials/credential.ts';
import { refuseFields } from '../../refusal.ts';

/** What the middleware needs to know about a call, so that it need not know which transport has it. */
export type IncomingCall = Omit<CallHead, 'name'> & {
  /** Who calls, as its head was checked. */
  readonly credential: Credential;
  /** The deadline the caller asked for, in the clock's monotonic milliseconds; Infinity: it waits as long as it takes. */
  readonly deadlineMs: number;
  /**
   * Gives the request, once all of it has come, or the iterable of all requests of a bidirectional stream; rejects with why
   * it is none. Asked once.
   */
  decode(): Promise<Message> | AsyncIterable<Message>;
  /** Calls back at most once, and never at once, when nobody will read the answer any more. */
  onHangUp(listener: () => void): void;
  /** Connect's context for the handler, of what the transport knows and what the middleware has decided. */
  context(decided: DecidedCall): HandlerContext;
};

/** What the middleware has decided about a call. */
export type DecidedCall = {
  readonly signal: AbortSignal;
  readonly caller: string;
  readonly requestId: string;
  /** All three: who does what the call does. */
  readonly actor: Actor;
  leftMs(): number | undefined;
  /**
   * Of an item of a batch; what is asked otherwise has been looked at before its handler sees it.
   * @throws RefusalError FORBIDDEN where the caller may do nothing in the namespace.
   */
  assertMayIn(namespace: string): void;
};

/** The same as Connect's context has it. */
export const valuesOf = (decided: DecidedCall): ContextValues =>
  createContextValues()
    .set(callerKey, decided.caller)
    .set(requestIdKey, decided.requestId)
    .set(actorKey, decided.actor)
    .set(namespacesKey, decided);

/** What is known of a call before it is read. */
export type CallHead = {
  /** What it asks for: `credit.v1.CreditService/GetBalance`, or no RPC at all. */
  readonly name: string;
  readonly protocol: 'grpc' | 'grpc-web' | 'connect';
  /** The caller's `x-request-id`, or one made here: every answer has it, and the log. */
  readonly requestId: string;
  /** The URI and DNS names of the client's certificate, if its connection was opened with one that is trusted. */
  readonly certificateNames: readonly string[];
  /** A request header by its lower-case name. */
  header(name: string): string | undefined;
};

/** In a handler's context: the name of the credential that was shown; `anonymous` where none is required. */
export const callerKey = createContextKey('anonymous', { description: 'the name of who calls' });

/** The same: in which namespaces the caller may do what it asks for. */
export const namespacesKey = createContextKey<Pick<DecidedCall, 'assertMayIn'>>(
  {
    assertMayIn() {
      throw new Error('invariant: nobody has said where the caller may do what it asks for');
    },
  },
  { description: 'where the caller may do what it asks for' },
);

/** The same: its request id, the handle for finding this call in the log. */
export const requestIdKey = createContextKey('', { description: 'the id of the request' });

/** The same: who does what the call does, to be told of with the versions it makes. */
export const actorKey = createContextKey(actorOf('anonymous', null, ''), {
  description: 'who does what the call does',
});

// What a caller sends goes into log lines and headers: short, printable, no spaces.
const ACCEPTABLE = /^[\x21-\x7e]{1,128}$/;

/** The header by which callers say what a call is a part of, and are told which span it was. */
export const TRACEPARENT = 'traceparent';

/** In W3C's form: version, trace, span, flags. No trace and no span is all zeros. */
const TRACEPARENT_FORM = /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})[\da-f]{16}-[\da-f]{2}(?:-|$)/;

/** The trace that the caller says the call is a part of, so that one id spans its log and this one, traced or not. */
export function traceIdOf({ header }: Pick<CallHead, 'header'>): string | undefined {
  const given = header(TRACEPARENT);
  return given === undefined ? undefined : TRACEPARENT_FORM.exec(given)?.[1];
}

/** By which a caller names on whose behalf it acts. */
export const ACTOR_HEADER = 'credit-ledger-actor';

const PRINTABLE = /^[\x20-\x7e]{1,128}$/;

/**
 * On whose behalf the caller says that it acts, without the blanks at the ends, which transports may take away; null where
 * it does not say. Kept as it is, or refused: nobody is to be told of what another has done.
 * @throws RefusalError INVALID_FIELD
 */
export function namedActorOf({ header }: Pick<CallHead, 'header'>): string | null {
  const given = header(ACTOR_HEADER)?.trim();
  if (given === undefined || PRINTABLE.test(given)) return given ?? null;
  const message = 'must be 1 to 128 printable ASCII characters';
  return refuseFields([{ field: ACTOR_HEADER, rule: 'actor.printable', message }]);
}

/** The id that a caller gives its request, so that one spans both logs; a new one where it is missing or unfit. */
export const requestIdFor = (given: string | undefined): string =>
  given !== undefined && ACCEPTABLE.test(given) ? given : randomUUID();
