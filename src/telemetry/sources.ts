import type { CountedBookCache } from '../book/book-cache.ts';
import type { Databases } from '../db/pools.ts';
import type { Feeds } from '../feed/feeds.ts';
import type { Readiness } from '../live/readiness.ts';
import type { StreamSlots } from '../live/stream-slots.ts';
import type { MountedService } from '../rpc/call/mounted-service.ts';
import type { RunningServer } from '../rpc/transport/server.ts';
import type { Hub } from '../watch/hub.ts';
import type { Books } from '../write/books.ts';
import type { DueBooker } from '../write/due-booker.ts';

/** Who can be asked how things stand in a service. They are asked when somebody reads the metrics, and not before. */
export type Sources = {
  readonly services: readonly Pick<MountedService, 'rpcs'>[];
  readonly server: Pick<RunningServer, 'calls'>;
  readonly books: Pick<Books, 'counts'>;
  /** `careless`: settings of Postgres by which a crash may take back writes, as they were at the start. */
  readonly databases: Pick<Databases, 'counts'> & { readonly careless: readonly string[] };
  readonly kept: Pick<CountedBookCache, 'counts'>;
  readonly hub: Pick<Hub, 'books'>;
  readonly watches: Pick<StreamSlots, 'taken' | 'limit'>;
  readonly verifications: Pick<StreamSlots, 'taken' | 'limit'>;
  readonly feeds: Pick<Feeds, 'counts'>;
  /** Null where it is off. */
  readonly dueBooker: Pick<DueBooker, 'counts'> | null;
  readonly readiness: Pick<Readiness, 'unready'>;
};

/** How the embedded Postgres is; undefined where another is used. */
export type EmbeddedState = { readonly isUp: boolean; readonly restarts: number };
