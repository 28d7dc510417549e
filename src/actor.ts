/** Who made a version: the caller that was authenticated, whom it names as acting, and the id of its request. */
export type Actor = {
  readonly caller: string;
  /** Null: the caller named nobody. */
  readonly actor: string | null;
  /** The request's id where it is written as a uuid, as those made here are: it takes less than half the room. */
  readonly requestUuid: string | null;
  /** The request's id where it is anything else. */
  readonly requestText: string | null;
};

/** What the service does by itself: it books what is due where nobody else does. No request asked for it. */
export const THE_SERVICE: Actor = {
  caller: 'credit-ledger',
  actor: null,
  requestUuid: null,
  requestText: null,
};

// As Postgres prints one, so that what is read back is what was sent.
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export function actorOf(caller: string, actor: string | null, requestId: string): Actor {
  const isUuid = requestId.length === 36 && UUID.test(requestId);
  return {
    caller,
    actor,
    requestUuid: isUuid ? requestId : null,
    requestText: isUuid ? null : requestId,
  };
}

/** Null: no request. */
export const requestOf = ({ requestUuid, requestText }: Actor): string | null => requestUuid ?? requestText;
