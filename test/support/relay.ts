import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type NetConnectOpts, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** `there`: from who connected to whom they reach. `back`: the other way. */
export type Way = 'there' | 'back';

/** Somewhere in what goes one way over a connection: after so many bytes from now, or at what the reader marks. */
export type Place = { readonly way: Way } & ({ readonly bytes: number } | { readonly mark: string });

/** A connection that stands at a place: all before it has been passed on, nothing behind it, not even the end. */
export type Held = {
  /** Breaks the connection there. */
  cut(): void;
  goOn(): void;
};

/**
 * A port between two sides, as a load balancer is, and every fault of a network: callers and instances, or the service
 * and Postgres. What is held back is passed on, in order, once all is well again: nothing is lost but by a cut.
 */
export type Relay = {
  readonly port: number;
  readonly url: string;
  /** New connections go there from now on. */
  turnTo(target: NetConnectOpts): void;
  /** Breaks all connections, without a word to either side. */
  cut(): void;
  /** Nothing goes that way any more, no end either, and nobody is told. New ones are not concerned unless `all` are. */
  silence(of: 'existing' | 'all', ways?: readonly Way[]): void;
  /** Whatever is passed on from now on takes so much longer. */
  delay(ms: number): void;
  /** Ends every silence and delay. */
  heal(): void;
  /** The next connection that comes to the place stands there. Rejects if none has when the relay is closed. */
  next(place: Place): Promise<Held>;
  /** How many are open on the near side. */
  connections(): number;
  /** Ends all. Rejects with what was passed on and could not be read, if marks are looked for. */
  close(): Promise<void>;
};

/** Finds the marks in what goes over one connection: told every piece, in order, where each lies in it. */
export type MarkReader = Readonly<Record<Way, (piece: Buffer) => readonly Mark[]>>;
export type Mark = { readonly name: string; readonly at: number };

export async function startRelay(
  first: NetConnectOpts,
  marksOf: () => MarkReader = () => ({ there: () => [], back: () => [] }),
): Promise<Relay> {
  let target = first;
  let delayMs = 0;
  let silent: readonly Way[] = [];
  let unreadable: Error | null = null;
  const links = new Set<Link>();
  const sought = new Set<Sought>();

  /** Waits for all that holds this way up, then passes the bytes on. */
  async function pass(flow: Flow, bytes: Buffer): Promise<void> {
    if (delayMs > 0) await pause(delayMs);
    await flow.isOpen();
    if (bytes.length > 0) await written(flow.to, bytes);
  }

  /** Where in the piece somebody wants the connection held, in order. */
  function soughtIn(way: Way, flow: Flow, piece: Buffer, marks: readonly Mark[]) {
    const found = [...sought].flatMap((one) => {
      const at = one.place.way === way ? one.findIn(flow, piece, marks) : undefined;
      return at === undefined ? [] : [{ one, at }];
    });
    return found.toSorted((a, b) => a.at - b.at);
  }

  async function pump(link: Link, way: Way): Promise<void> {
    const flow = link[way];
    try {
      // Its other way may still be of use when one has ended.
      for await (const piece of flow.from.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        let [passed, stoodAt] = [0, -1];
        for (const { one, at } of soughtIn(way, flow, piece, read(link, way, piece))) {
          // This one stood there already, for whoever asked before; or another came there first.
          if (at === stoodAt || !sought.delete(one)) continue;
          await pass(flow, piece.subarray(passed, at));
          [passed, stoodAt] = [at, at];
          flow.hold();
          one.met({ cut: () => cut(link), goOn: () => flow.release() });
          await flow.isOpen();
        }
        await pass(flow, piece.subarray(passed));
      }
      await flow.isOpen();
      flow.to.end();
    } catch {
      // One side broke it, or nobody is there: the other side finds it broken, too.
      await flow.isOpen();
      cut(link);
    }
  }

  function read(link: Link, way: Way, piece: Buffer): readonly Mark[] {
    try {
      return link.marks[way](piece);
    } catch (error) {
      unreadable ??= error as Error;
      throw error;
    }
  }

  function cut(link: Link): void {
    for (const flow of [link.there, link.back]) {
      reset(flow.from);
      flow.release();
    }
  }

  const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
    const far = connect({ host: '127.0.0.1', ...target, allowHalfOpen: true, noDelay: true });
    const link = { there: createFlow(near, far), back: createFlow(far, near), marks: marksOf() };
    links.add(link);
    for (const socket of [near, far]) socket.on('error', () => undefined);
    for (const way of silent) link[way].hold();
    void Promise.all([pump(link, 'there'), pump(link, 'back')]).then(() => links.delete(link));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const cutAll = () => links.forEach(cut);
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    turnTo: (next) => {
      target = next;
    },
    cut: cutAll,
    silence(of, ways = ['there', 'back']) {
      if (of === 'all') silent = ways;
      for (const link of links) for (const way of ways) link[way].hold();
    },
    delay: (ms) => {
      delayMs = ms;
    },
    heal() {
      [delayMs, silent] = [0, []];
      for (const { there, back } of links) [there, back].forEach((flow) => flow.release());
    },
    next(place) {
      const { promise, resolve, reject } = Promise.withResolvers<Held>();
      // Whoever fails before they come to await it is not to fail for this as well.
      promise.catch(() => undefined);
      sought.add({ place, findIn: finderOf(place), met: resolve, missed: reject });
      return promise;
    },
    connections: () => [...links].filter(({ there }) => !there.from.destroyed).length,
    async close() {
      for (const { place, missed } of sought) {
        missed(new Error(`no connection came to ${JSON.stringify(place)}`));
      }
      sought.clear();
      cutAll();
      server.close();
      await once(server, 'close');
      if (unreadable !== null) throw unreadable;
    },
  };
}

/** One way of one connection. */
type Flow = {
  readonly from: Socket;
  readonly to: Socket;
  hold(): void;
  release(): void;
  /** Resolves when nothing holds it. */
  isOpen(): Promise<void>;
};

type Link = { readonly there: Flow; readonly back: Flow; readonly marks: MarkReader };

function createFlow(from: Socket, to: Socket): Flow {
  let held: PromiseWithResolvers<void> | null = null;
  const isOpen = async (): Promise<void> => {
    if (held === null) return;
    await held.promise;
    return isOpen();
  };
  return {
    from,
    to,
    hold: () => {
      held ??= Promise.withResolvers();
    },
    release: () => {
      held?.resolve();
      held = null;
    },
    isOpen,
  };
}

/** A place somebody waits for a connection to come to. */
type Sought = {
  readonly place: Place;
  readonly findIn: (flow: Flow, piece: Buffer, marks: readonly Mark[]) => number | undefined;
  readonly met: (held: Held) => void;
  readonly missed: (error: Error) => void;
};

function finderOf(place: Place): Sought['findIn'] {
  if ('mark' in place) return (_flow, _piece, marks) => marks.find(({ name }) => name === place.mark)?.at;
  const passed = new Map<Flow, number>();
  return (flow, piece) => {
    const before = passed.get(flow) ?? 0;
    passed.set(flow, before + piece.length);
    return before + piece.length >= place.bytes ? place.bytes - before : undefined;
  };
}

const written = (socket: Socket, bytes: Buffer): Promise<void> =>
  new Promise((resolve, reject) => {
    socket.write(bytes, (error) => (error ? reject(error) : resolve()));
  });

/** A reset where the socket knows one: those of a Unix domain only close. */
function reset(socket: Socket): void {
  if (socket.remoteFamily === undefined || socket.destroyed) socket.destroy();
  else socket.resetAndDestroy();
}
