import type { Duplex } from 'node:stream';
import pg from 'pg';
import { monotonic } from './clock.ts';
import type { Listening } from './silence.ts';
import type { Statement } from './statement.ts';
import type { UnreadableRow } from './unreadable.ts';

/** What Postgres answered: the rows, read by the type parsers, and the command it says it completed. */
export type Answer = {
  readonly rows: unknown[];
  readonly command: string;
  /** Rows that hold what no parser takes, if any; they are not among the others. */
  readonly unreadable?: readonly UnreadableRow[];
};

/**
 * Sends prepared statements over one connection. Those sent within one turn of the loop travel together: one write, one
 * Sync behind the last, and Postgres answers once. The driver's own queries each have a Sync, so Postgres would answer
 * them one by one, and waking up both sides for every statement costs more than most statements do.
 *
 * One that fails fails those sent with it that follow, for the same reason: Postgres skips them.
 */
export type Pipeline = {
  send(statement: Statement<unknown>, params: readonly unknown[]): Promise<Answer>;
  /** Fails what has not been sent yet; gives when what has been is answered, or null where nothing is under way. */
  withdraw(reason: unknown): Promise<void> | null;
};

/** Statements that travelled together, there and back. */
export type RoundTrip = {
  /** What the first of them was asked for. */
  readonly cause: unknown;
  readonly statements: readonly Statement<unknown>[];
  /** In the process's monotonic milliseconds. */
  readonly sentAt: number;
  readonly answeredAt: number;
  /** Why one of them failed; undefined: none did. */
  readonly error: unknown;
};

/** Told of round trips, to measure and trace them. */
export type RoundTripObserver = {
  /** What is asked now is asked for this; told back with the round trip. */
  cause(): unknown;
  ended(trip: RoundTrip): void;
};

/** The one pipeline of a connection; what it owes an answer to is told. */
export function createPipeline(
  client: pg.ClientBase,
  { asked, answered }: Pick<Listening, 'asked' | 'answered'>,
  observer?: RoundTripObserver,
): Pipeline {
  const prepared = new Map<string, Prepared>();
  let waiting: Sent[] = [];
  let cause: unknown;
  let underWay = false;
  let idle: PromiseWithResolvers<void> | undefined;

  const sendOn = () => {
    underWay = waiting.length > 0;
    if (!underWay) {
      answered();
      idle?.resolve();
      idle = undefined;
      return;
    }
    asked();
    client.query(roundTrip(client, waiting, prepared, observer === undefined ? sendOn : observed(observer)));
    waiting = [];
  };

  /** What ends the round trip that is being sent. */
  const observed = ({ ended }: RoundTripObserver) => {
    const trip = { cause, statements: waiting.map(({ statement }) => statement), sentAt: monotonic() };
    return (error?: unknown) => {
      ended({ ...trip, answeredAt: monotonic(), error });
      sendOn();
    };
  };

  return {
    send: (statement, params) =>
      new Promise((resolve, reject) => {
        if (waiting.length === 0) cause = observer?.cause();
        waiting.push({ statement, values: params.map((param) => prepareValue(param)), resolve, reject });
        if (underWay) return;
        underWay = true;
        process.nextTick(sendOn);
      }),
    withdraw: (reason) => {
      for (const { reject } of waiting) reject(reason);
      waiting = [];
      if (!underWay) return null;
      idle ??= Promise.withResolvers();
      return idle.promise;
    },
  };
}

type Sent = {
  readonly statement: Statement<unknown>;
  /** As they go over the wire: text, bytes or null. */
  readonly values: readonly unknown[];
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
};

/** A statement the connection has prepared, or will have when it has answered: how its rows are read. */
type Prepared = { columns: readonly Column[] };
type Column = {
  readonly name: string;
  readonly tableId: number;
  readonly read: (text: string) => unknown;
};

/** What a round trip needs of the driver's connection: the messages of Postgres' protocol, as the driver's cursors use them. */
type Wire = {
  readonly stream: Duplex;
  close(message: { readonly type: 'S'; readonly name: string }): void;
  parse(message: { readonly name: string; readonly text: string }): void;
  bind(message: { readonly statement: string; readonly values: readonly unknown[] }): void;
  describe(message: { readonly type: 'P' }): void;
  execute(): void;
  sync(): void;
};

/** As the driver writes the values of its own queries. */
const { prepareValue } = (pg as unknown as { utils: { prepareValue: (value: unknown) => unknown } }).utils;

/** Statements as the driver takes them, in place of a query of its own. It calls the handlers as the answers come. */
function roundTrip(
  client: pg.ClientBase,
  all: readonly Sent[],
  prepared: Map<string, Prepared>,
  ended: (error?: unknown) => void,
): pg.Submittable {
  let readers: readonly Prepared[] = [];
  const answers: Answer[] = [];
  let rows: unknown[] = [];
  let unreadable: UnreadableRow[] = [];
  const tell = () => {
    for (const [i, answer] of answers.entries()) all[i]!.resolve(answer);
  };

  return {
    submit(connection) {
      const wire = connection as unknown as Wire;
      wire.stream.cork();
      readers = all.map((sent) => send(wire, prepared, sent));
      wire.sync();
      wire.stream.uncork();
    },
    handleRowDescription({ fields }: { readonly fields: readonly pg.FieldDef[] }) {
      readers[answers.length]!.columns = fields.map(({ name, tableID, dataTypeID }) => ({
        name,
        tableId: tableID,
        read: client.getTypeParser(dataTypeID) as Column['read'],
      }));
    },
    handleDataRow({ fields }: { readonly fields: readonly (string | null)[] }) {
      const { columns } = readers[answers.length]!;
      try {
        rows.push(readRow(columns, fields));
      } catch {
        // Thrown on, it would end the process; the rest has to be heard in any case.
        unreadable.push(unreadableRow(columns, fields));
      }
    },
    handleCommandComplete({ text }: { readonly text: string }) {
      answers.push({ rows, command: text, ...(unreadable.length > 0 && { unreadable }) });
      rows = [];
      unreadable = [];
    },
    handleReadyForQuery() {
      tell();
      ended();
    },
    handleError(error: unknown) {
      tell();
      for (const { statement, reject } of all.slice(answers.length)) {
        prepared.delete(statement.name);
        reject(error);
      }
      // The driver keeps what is sent meanwhile until Postgres has answered the Sync.
      ended(error);
    },
  } as pg.Submittable;
}

/** Sends a statement, prepared first where the connection has not; gives how its rows are read. */
function send(
  wire: Wire,
  prepared: Map<string, Prepared>,
  { statement: { name, text }, values }: Sent,
): Prepared {
  const known = prepared.get(name);
  const reader = known ?? { columns: [] };
  if (known === undefined) {
    // Whether Postgres still has what failed with something else is not known; closing what is not there is no error.
    wire.close({ type: 'S', name });
    wire.parse({ name, text });
    prepared.set(name, reader);
  }
  wire.bind({ statement: name, values });
  if (known === undefined) wire.describe({ type: 'P' });
  wire.execute();
  return reader;
}

function readRow(columns: readonly Column[], fields: readonly (string | null)[]): object {
  const row: Record<string, unknown> = {};
  for (let i = 0; i < columns.length; i += 1) {
    const { name, read } = columns[i]!;
    const text = fields[i]!;
    row[name] = text === null ? null : read(text);
  }
  return row;
}

/** What of a row cannot be read. */
function unreadableRow(columns: readonly Column[], fields: readonly (string | null)[]): UnreadableRow {
  const at = columns.findIndex(({ read }, i) => fields[i] !== null && !isReadable(read, fields[i]!));
  const row = Object.fromEntries(columns.map(({ name }, i) => [name, fields[i]!]));
  return { tableId: columns[at]!.tableId, column: columns[at]!.name, text: fields[at]!, row };
}

function isReadable(read: Column['read'], text: string): boolean {
  try {
    read(text);
    return true;
  } catch {
    return false;
  }
}
